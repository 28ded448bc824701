"""`epd train`: train the generator on one's own faces, or go on with the one that is shipped."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def train(  # noqa: PLR0913, PLR0917  the options of the command are its parameters
    data: Annotated[Path, typer.Option(help="Folder of WebDataset tars with aligned faces.")],
    out: Annotated[Path, typer.Option(help="Folder of this run: checkpoints, sheets, the trained network.")],
    identity_net: Annotated[Path, typer.Option(help="mobilefacenet_ms1m.onnx: the identity terms' network.")],
    expression_net: Annotated[Path, typer.Option(help="expression_faceapi.onnx.")],
    landmark_net: Annotated[Path, typer.Option(help="landmarks68_faceapi.onnx.")],
    size: Annotated[int, typer.Option(help="Pixels across the new face: 128 or 256.")] = 128,
    minutes: Annotated[float, typer.Option(help="Stop after so many minutes; 0 runs until Ctrl-C.")] = 0,
    steps: Annotated[int | None, typer.Option(help="Stop at this step.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on exactly where OUT's checkpoint is.")
    ] = False,
    init: Annotated[
        Path | None,
        typer.Option(help="Start from this generator (.onnx) or checkpoint (.pt), with fresh Adam."),
    ] = None,
    init_discriminator: Annotated[
        Path | None, typer.Option(help="With --init: the discriminator.pt of the run it came from.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for the measured faces. Default: `cache` beside OUT.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    batch: Annotated[int, typer.Option(min=2, help="Faces a step.")] = 16,
    rate: Annotated[float, typer.Option(help="Adam's rate for the generator.")] = 3e-4,
    discriminator_first: Annotated[
        int, typer.Option(help="Steps in which only the discriminator learns, after a warm start.")
    ] = 0,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 leaves it to torch.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read, measure, take two steps in memory, write no run.")
    ] = False,
) -> None:
    """Train the generator.

    OUT fills with `checkpoint.pt`, `log.jsonl` (a line a tick), `sheet-*.png` to look at, and at the end
    `generator.onnx`. While it runs, OUT/pid holds its process: `kill -STOP` pauses it, `kill -CONT` lets it
    go on, plain `kill` makes it save and end. Several GPUs: `torchrun --nproc-per-node N -m epdcli train`.
    """
    import tempfile

    from epdcli.training.data import measured_faces
    from epdcli.training.devices import chosen_device
    from epdcli.training.frozen import FrozenNetworks
    from epdcli.training.loop import Rhythm, Start, run
    from epdcli.training.settings import Settings

    place = chosen_device(device, threads)
    networks = FrozenNetworks.load(identity_net, expression_net, landmark_net, place)
    faces = measured_faces(data, cache or out.parent / "cache", size, networks)
    settings = Settings(size=size, batch=batch, rate=rate, discriminator_first=discriminator_first)
    rhythm = Rhythm(seconds=minutes * 60 or float("inf"), steps=steps)
    start = Start(init, init_discriminator)
    if dry_run:
        with tempfile.TemporaryDirectory() as folder:
            run(faces, networks, Path(folder), settings, Rhythm(tick=1, steps=2), start=start, tell=_show)
        return
    run(faces, networks, out, settings, rhythm, start=start, resume=resume, tell=_show)


def _show(line: dict[str, object]) -> None:
    from rich.console import Console

    Console(file=sys.stderr, soft_wrap=True).print(line)
