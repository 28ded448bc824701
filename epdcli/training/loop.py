"""The training loop: batches in, checkpoints, figures, sheets and at last a network out."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from epdcli.errors import UsageError
from epdcli.training.batches import Batch, prefetched, training_batch
from epdcli.training.checkpoint import State, new_state, restore, save
from epdcli.training.codes import TrainingCodes
from epdcli.training.data import Faces
from epdcli.training.export import read_discriminator, write_networks
from epdcli.training.frozen import FrozenNetworks
from epdcli.training.network import start_from, weights_of
from epdcli.training.settings import Settings
from epdcli.training.step import mean_statistics, train_step
from epdcli.training.validation import figures, held_out_batches, write_sheet


@dataclass(frozen=True)
class Rhythm:
    """How often what happens: steps a tick (one JSON line), seconds between checkpoints and between sheets;
    `seconds` and `steps` end the run, whichever comes first."""

    tick: int = 20
    checkpoint_seconds: float = 240
    sheet_seconds: float = 600
    seconds: float = float("inf")
    steps: int | None = None


@dataclass(frozen=True)
class Start:
    """What a new run starts from, if not from nothing: an exported generator (`.onnx`) or a checkpoint
    (`.pt`), and the `discriminator.pt` that the same run left, or a checkpoint."""

    generator: Path | None = None
    discriminator: Path | None = None


def run(
    faces: Faces,
    networks: FrozenNetworks,
    out: Path,
    settings: Settings,
    rhythm: Rhythm,
    *,
    start: Start | None = None,
    resume: bool = False,
    tell: Callable[[dict[str, object]], None] = lambda line: None,
) -> State:
    """Train in the folder `out` until the rhythm's end, SIGINT, SIGTERM, or the first loss that is no number.

    Leaves `checkpoint.pt`, `log.jsonl`, `sheet-*.png`, `generator.onnx` (EMA), `discriminator.pt` and
    `codes_gaussian.npz`; `pid` holds the process while it runs. Raises `UsageError` where a run would be
    overwritten, `FloatingPointError` at NaN.
    """
    device = next(networks.identity.buffers()).device
    state, settings = _beginning(out, settings, start or Start(), resume, device)
    if device.type == "cuda":
        state.generator.compile()
    codes = TrainingCodes(faces.embeddings[~faces.held_out])
    codes.save(out / "codes_gaussian.npz")
    held_out = [batch.to(device) for batch in held_out_batches(faces, codes)]
    rank = int(os.environ.get("RANK", "0"))

    def make(number: int) -> Batch:
        return training_batch(
            faces, codes, settings.batch, settings.own_share, (settings.seed + rank, number)
        )

    def tick(**line: object) -> None:
        said = {
            "step": state.step,
            "faces": state.faces_seen,
            "seconds": round(time.monotonic() - began),
            **line,
        }
        if rank == 0:
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(said) + "\n")
        tell(said)

    def look() -> None:
        if held_out and rank == 0:
            write_sheet(state.ema, held_out, out / f"sheet-{state.step:06d}.png")
            tick(held_out=figures(state.ema, held_out, networks))

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a background job may have SIGINT ignored
    (out / "pid").write_text(f"{os.getpid()}\n")
    (out / "settings.json").write_text(json.dumps(asdict(settings), indent=1))
    began = saved = looked = time.monotonic()
    look()
    before = state.faces_seen
    recent: list[dict[str, float]] = []
    try:
        for batch in prefetched(make, state.step):
            recent.append(train_step(state, batch.to(device), networks, settings))
            now = time.monotonic()
            if len(recent) == rhythm.tick:
                tick(
                    **mean_statistics(recent),
                    faces_a_second=round((state.faces_seen - before) / (now - began), 2),
                )
                recent = []
            if now - saved > rhythm.checkpoint_seconds and rank == 0:
                save(state, settings, out / "checkpoint.pt")
                saved = now
            if now - looked > rhythm.sheet_seconds:
                look()
                looked = time.monotonic()
            if now - began > rhythm.seconds or (rhythm.steps is not None and state.step >= rhythm.steps):
                break
    except KeyboardInterrupt:
        tick(stopped="interrupted")
    finally:
        (out / "pid").unlink(missing_ok=True)
    if rank == 0:
        save(state, settings, out / "checkpoint.pt")
        write_networks(state, out)
    look()
    return state


def _beginning(
    out: Path,
    settings: Settings,
    start: Start,
    resume: bool,
    device: torch.device,
) -> tuple[State, Settings]:
    checkpoint = out / "checkpoint.pt"
    out.mkdir(parents=True, exist_ok=True)
    if checkpoint.exists() and not resume:
        raise UsageError(f"{out} holds a run already.", hint="Go on with --resume, or name another folder.")
    state = new_state(settings, device)
    if resume and checkpoint.exists():
        before = restore(state, checkpoint)  # whether it was a warm start is not asked again
        ramp = {name: before[name] for name in ("identity_from", "identity_over")}
        return state, replace(settings, **ramp)
    if start.generator is not None:
        with _starting_from(start.generator, "a generator.onnx or a checkpoint.pt"):
            weights = weights_of(start.generator)
            start_from(state.generator, weights)
            start_from(state.ema, weights)
        settings = replace(settings, identity_from=0, identity_over=0)
    if start.discriminator is not None:
        with _starting_from(start.discriminator, "a discriminator.pt or a checkpoint.pt"):
            read_discriminator(state.discriminator, start.discriminator)
    return state, settings


@contextmanager
def _starting_from(path: Path, wanted: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError) as error:
        raise UsageError(f"Training can't start from {path}: {error}.", hint=f"Name {wanted}.") from error
