"""`epd detect`: where the faces are, as a table or as JSON that `--detections` takes back."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from epdcli.commands.skipping import Ignored, tell_skipped
from epdcli.commands.streams import output_for
from epdcli.errors import EpdError, UsageError


def detect(  # noqa: PLR0913, PLR0917  the options of the command are its parameters
    pictures: Annotated[list[Path], typer.Argument(help="Files and folders.")],
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")] = False,
    backend: Annotated[
        str, typer.Option(help="auto, openvino, onnxruntime, torch or a plug-in's.", envvar="EPD_BACKEND")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:0, ...", envvar="EPD_DEVICE")] = "auto",
    detector: Annotated[str, typer.Option(help="centerface, dlib or a plug-in's.")] = "centerface",
    smallest: Annotated[
        int | None,
        typer.Option(metavar="PX", help="Look for faces of this height on, in large pictures too.", min=20),
    ] = None,
    upright: Annotated[bool, typer.Option("--upright", help="Look for upright faces only.")] = False,
    draw: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Write copies with boxes, numbers and scores there. They show the originals.",
        ),
    ] = None,
    ignore: Ignored = None,
) -> None:
    """Find the faces in PICTURES: boxes, five landmarks and scores.

    Faces count that only transparency or a stretch of the values shows.
    Ends with 1 when a picture could not be read, or something was skipped that may show people.
    """
    from epdcli import pictures as files
    from epdcli.batch.detections_file import detections_as_json
    from epdcli.batch.listing import listing_of, refuse_equal_names
    from epdcli.commands.drawing import write_drawn
    from epdcli.faces.detection_passes import DetectionSettings
    from epdcli.files import sha256_of
    from epdcli.pipeline import shown_faces
    from epdcli.runtimes import Engine, choose_backend, load_plugin

    listing = listing_of(pictures, ignore or ())
    refuse_equal_names(listing)
    failed = tell_skipped(listing)
    found, digests = {}, {}
    with output_for(json_only=as_json), Engine(choose_backend(backend, device)) as engine:
        settings = DetectionSettings(passes="upright" if upright else "all", smallest=smallest)
        finder = load_plugin("epd.detectors", detector)(engine, settings)
        for source, name in listing.pictures:
            try:
                file = files.read(source)
                digests[name] = sha256_of(source)
                found[name] = shown_faces(file, finder)
                if draw is not None:
                    write_drawn(draw, name, file.frames, found[name])
            except UsageError:
                raise
            except (EpdError, OSError) as error:
                failed = True
                print(f"epd: {error}", file=sys.stderr)
    if as_json:
        print(json.dumps(detections_as_json(found, digests), indent=1))
    else:
        _show({name: [face for frame in frames for face in frame] for name, frames in found.items()})
    raise typer.Exit(1 if failed else 0)


def _show(found: dict) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("picture", "x", "y", "width", "height", "score")
    for name, faces in found.items():
        for face in faces:
            table.add_row(escape(name), *(f"{side:.0f}" for side in face.box), f"{face.score:.2f}")
        if not faces:
            table.add_row(escape(name), "no face")
    Console().print(table)
