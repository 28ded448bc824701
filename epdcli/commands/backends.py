"""`epd backends`: what could run the networks here, and why the rest can't."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from epdcli.commands.streams import output_for


def backends(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show every declared backend, its package, and its devices or the reason it can't be used.

    Ends with 3 when none can be used.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from epdcli.errors import SetupError
    from epdcli.runtimes import devices_of, find_backends, load_backend

    rows: list[dict[str, Any]] = []
    with output_for(json_only=as_json):
        for name, plugin in find_backends().items():
            try:
                devices, reason = list(devices_of(load_backend(name))), ""
            except SetupError as error:
                devices, reason = [], str(error)
            package = f"{plugin.distribution} {plugin.version}"
            rows.append({"name": name, "package": package, "devices": devices, "reason": reason})
    if as_json:
        print(json.dumps(rows, indent=1))
    else:
        table = Table("backend", "package", "devices, or why not")
        for row in rows:
            shown = (row["name"], row["package"], ", ".join(row["devices"]) or row["reason"])
            table.add_row(*map(escape, shown))  # "epdcli[torch]" is not a colour
        Console().print(table)
    raise typer.Exit(0 if any(row["devices"] for row in rows) else 3)
