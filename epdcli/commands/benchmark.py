"""`epd benchmark`: how long each part takes here, on each runtime."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epdcli.commands.skipping import tell_skipped_in
from epdcli.errors import UsageError

if TYPE_CHECKING:
    from epdcli.benchmarking.benchmark import Report
    from epdcli.benchmarking.rows import Row


def benchmark(  # noqa: PLR0913, PLR0917  the options of the command are its parameters
    backend: Annotated[
        list[str] | None, typer.Option(help="Measure this one; may be repeated. By default all that work.")
    ] = None,
    device: Annotated[
        list[str] | None, typer.Option(help="cpu, cuda:0, ...; may be repeated. By default all there are.")
    ] = None,
    batch: Annotated[str, typer.Option(help="Batches to measure the networks with.")] = "1,8",
    pictures: Annotated[
        Path | None,
        typer.Option(help="Pictures to measure with; by default the example, or the bank's people."),
    ] = None,
    rounds: Annotated[int, typer.Option(help="Runs of each.", min=1)] = 15,
    threads: Annotated[int, typer.Option(help="Of each runtime; 0 for its own choice.", min=0)] = 0,
    weights: Annotated[
        Path | None, typer.Option(help="Networks to measure: a folder that 'epd export onnx' wrote.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write everything measured to this file.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw bars into this .png or .html.")] = None,
) -> None:
    """Measure each stage and each network on every backend, taking turns.

    Each backend has a process of its own; medians and 95th percentiles after warm-up, and the part of this
    machine's own limit (a large matrix product, a large copy) that was reached. Verification and the check
    of the finished picture are in the time.
    """
    from epdcli.benchmarking.benchmark import BenchmarkSettings
    from epdcli.benchmarking.benchmark import benchmark as measured
    from epdcli.benchmarking.chart import check_target, draw
    from epdcli.files import write_text

    if plot is not None:
        check_target(plot)
    settings = BenchmarkSettings(
        backends=tuple(backend or ()),
        devices=tuple(device or ()),
        batches=_numbers(batch),
        pictures=pictures,
        rounds=rounds,
        threads=threads,
        weights=weights,
    )
    tell_skipped_in(pictures)
    report = measured(settings, lambda line: print(line, file=sys.stderr))
    _show(report)
    if json_file is not None:
        write_text(json_file, json.dumps(report.as_json(), indent=1) + "\n")
    if plot is not None:
        draw(report.rows, plot)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"--batch {text} is no list of numbers.", hint="For example: --batch 1,8,64"
        ) from error


def _show(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    columns = (
        "",
        "ms",
        "p95",
        "faces/s",
        "pictures/s",
        "of the limit",
        "peak MB",
        "to / from card, ms",
        "busy",
    )
    for place in dict.fromkeys(row.place for row in report.rows):
        rows = [row for row in report.rows if row.place == place]
        cells = [_cells(row) for row in rows]
        used = [number for number in range(len(columns)) if any(line[number] for line in cells)]
        table = Table(title=f"{place} ({rows[0].provider})", title_justify="left")
        for number in used:
            table.add_column(columns[number], justify="right" if number else "left")
        for line in cells:
            table.add_row(*(line[number] for number in used))
        console.print(table)
    for device, limits in report.limits.items():
        told = f"{limits.operations / 1e9:,.0f} GFLOP/s, {limits.bytes / 1e9:,.1f} GB/s"
        console.print(f"limits of {device}: {told} ({limits.said})")
    if any(row.limit_share is not None and row.limit_share > 1 for row in report.rows):
        console.print("A share over 100 %: that network reached more than the matrix product did.")
    for name, why in report.passed_over.items():
        console.print(f"not measured: {name}: {why}", markup=False)


def _cells(row: Row) -> list[str]:
    def shown(value: float | None, form: str = ",.4g") -> str:
        return "" if value is None else format(value, form)

    ways = (row.host_to_device_ms, row.device_to_host_ms)
    return [
        f"{row.name}, batch {row.batch}" if row.batch else row.name,
        shown(row.median_ms),
        shown(row.p95_ms) if row.samples > 1 else "",
        shown(row.faces_per_second),
        shown(row.pictures_per_second),
        f"{shown(row.limit_share, '.0%')} of {row.bound}" if row.limit_share else "",
        shown(row.peak_memory_mb, ",.0f"),
        " / ".join(shown(way, ".3g") for way in ways) if all(way is not None for way in ways) else "",
        shown(row.utilisation_percent, ".0f") + (" %" if row.utilisation_percent is not None else ""),
    ]
