"""`epd doctor`: what works here, and what to do about the rest."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epdcli.commands.streams import output_for

if TYPE_CHECKING:
    from epdcli.diagnosis.finding import Finding

_SIGNS = {"ok": "[green]ok[/]", "note": "note", "warning": "[yellow]warning[/]", "failed": "[red]failed[/]"}


def doctor(
    picture: Annotated[
        Path | None, typer.Option(help="A portrait to run through every backend; by default the example.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Where pictures will be written.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Try everything that is installed, and say what to do about what doesn't work.

    Every network runs on every device of every backend and is compared with its golden output; the privacy
    verdicts must be the same on all. Ends with 1 when something failed, 3 when nothing usable is left.
    """
    from epdcli.diagnosis.examination import examine, exit_code

    with output_for(json_only=as_json):
        findings = list(examine(output, picture))
    if as_json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=1))
    else:
        _show(findings)
    raise typer.Exit(exit_code(findings))


def _show(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "what", "how it stands, and what to do")
    part = ""
    for finding in findings:
        if finding.part != part:
            part = finding.part
            table.add_section()
        told = finding.said + (f"\n{finding.hint}" if finding.hint else "")
        table.add_row(_SIGNS[finding.state], escape(finding.subject), escape(told))
    Console().print(table)
