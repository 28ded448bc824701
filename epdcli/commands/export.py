"""`epd export`: the networks as ONNX files or OpenVINO IR, compared with what they came from."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epdcli.commands.skipping import tell_skipped_in
from epdcli.commands.streams import output_for

if TYPE_CHECKING:
    from epdcli.exporting.export import Export


class Target(StrEnum):
    ONNX = "onnx"
    OPENVINO = "openvino"


_CHECKED_BY = {Target.ONNX: "onnxruntime", Target.OPENVINO: "openvino"}  # what opens such files


def export(  # noqa: PLR0913, PLR0917  the options of the command are its parameters
    target: Annotated[Target, typer.Argument(metavar="onnx|openvino", help="The kind of files.")],
    out: Annotated[
        Path, typer.Option(help="Folder to write into; files of these names are replaced.")
    ] = Path("export"),
    fp16: Annotated[bool, typer.Option("--fp16", help="Half precision.")] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Eight bits, with --calibrate.")] = False,
    calibrate: Annotated[
        Path | None, typer.Option(help="Pictures of faces that show int8 which numbers to expect.")
    ] = None,
    faces: Annotated[
        Path | None, typer.Option(help="Pictures to compare on; by default the examples.")
    ] = None,
    opset: Annotated[int | None, typer.Option(help="ONNX opset; 17 by default.")] = None,
    keep_failed: Annotated[
        bool,
        typer.Option("--keep-failed", help="Keep files that differ too much as NAME.failed.*, to measure."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write every network of the pipeline, with dynamic batch and its description inside.

    Each file is opened again and compared with the torch backend; one whose pictures differ by more than
    2/255 (embeddings: Euclidean 0.001, fp16 0.005, int8 0.05) is not kept. Ends with 1 when that happened.
    """
    from epdcli.plugins import require_modules

    require_modules(f"epd export {target.value}", "onnx", "torch", _CHECKED_BY[target])
    from epdcli.exporting.export import ExportSettings, Format, chosen_precision
    from epdcli.exporting.export import export as exported

    settings = ExportSettings(
        format=Format(target.value),
        out=out,
        precision=chosen_precision(fp16, int8),
        faces=faces,
        calibration=calibrate,
        keep_failed=keep_failed,
        **({} if opset is None else {"opset": opset}),
    )
    for folder in (faces, calibrate):
        tell_skipped_in(folder)
    with output_for(json_only=as_json):
        done = list(exported(settings, lambda line: print(line, file=sys.stderr)))
    if as_json:
        print(json.dumps([_as_json(item) for item in done], indent=1, allow_nan=False))
    else:
        _show(done)
    raise typer.Exit(0 if all(item.passed for item in done) else 1)


def _as_json(item: Export) -> dict[str, Any]:
    """An export as JSON holds it: differences that are no numbers, or infinite, are null."""
    told = dataclasses.asdict(item) | {"passed": item.passed}
    for gap in told["differences"]:
        gap |= {key: None for key in ("largest", "mean") if not math.isfinite(gap[key])}
    return told


def _show(done: list[Export]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("network", "output", "largest difference", "mean", "allowed", "file")
    for item in done:
        files = ", ".join(f"{name} ({size:,} bytes)" for name, size in item.files.items())
        for gap in item.differences:
            table.add_row(
                f"{item.network} {item.version}",
                escape(gap.output),
                f"{gap.largest:.2g} {gap.unit}",
                f"{gap.mean:.2g}",
                f"{gap.allowed:g}",
                escape(files) if item.passed else f"differs too much; {escape(files) or 'not kept'}",
            )
    Console().print(table)
