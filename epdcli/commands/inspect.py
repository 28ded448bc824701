"""`epd inspect`: what a picture file holds besides its pixels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epdcli.commands.keeping import kept_values

if TYPE_CHECKING:
    from epdcli.pictures import Finding


def inspect(
    files: Annotated[list[Path], typer.Argument(help="Picture files to look into.", show_default=False)],
    keep: Annotated[
        str,
        typer.Option(metavar="date,gps,camera", help="EXIF values that the files were allowed to keep."),
    ] = "",
    json_: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """List every metadata block, embedded picture and trailer of FILES.

    `epd deidentify` runs the same check on each file before it releases it. Ends with 1 when a file
    holds something that a released picture must not, or can't be read.
    """
    from epdcli.errors import PictureError
    from epdcli.pictures import scan

    allowed = kept_values(keep)
    found, problems = {}, {}
    for file in files:
        try:
            found[file] = scan(file, keep=allowed)
        except PictureError as error:
            problems[file] = str(error)
    if json_:
        _print_json(found, problems)
    else:
        _print_tables(found, problems)
    if problems or any(not finding.released for findings in found.values() for finding in findings):
        raise typer.Exit(1)


def _print_json(found: dict[Path, list[Finding]], problems: dict[Path, str]) -> None:
    import json

    answer: dict[str, object] = {
        str(file): [
            {
                "kind": finding.kind,
                "where": finding.where,
                "bytes": finding.size,
                "may_be_released": finding.released,
                "detail": finding.detail,
                "pictures": [{"width": p.shape[1], "height": p.shape[0]} for p in finding.pictures],
            }
            for finding in findings
        ]
        for file, findings in found.items()
    }
    answer |= {str(file): {"error": message} for file, message in problems.items()}
    print(json.dumps(answer, indent=2))


def _print_tables(found: dict[Path, list[Finding]], problems: dict[Path, str]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False)  # names and keys are the file's, not ours
    for file, findings in found.items():
        if not findings:
            console.print(f"{file}: nothing but its pixels")
            continue
        table = Table(
            "what", "where", "bytes", "may be released", "detail", title=str(file), title_justify="left"
        )
        for finding in findings:
            sizes = ", ".join(f"{picture.shape[1]} x {picture.shape[0]}" for picture in finding.pictures)
            detail = f"{finding.detail}, holds a picture of {sizes}" if sizes else finding.detail
            released = "yes" if finding.released else "no"
            table.add_row(finding.kind, finding.where, f"{finding.size:,}", released, detail)
        console.print(table)
    for message in problems.values():
        console.print(message)
