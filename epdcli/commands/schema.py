"""`epd schema`: what the JSON that commands print and take looks like, as JSON Schemas (draft 07)."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Annotated

import typer

from epdcli.errors import UsageError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def schema(
    name: Annotated[
        str | None, typer.Argument(help="One of the names that are listed without it.", show_default=False)
    ] = None,
) -> None:
    """Print the JSON Schema of what `epd NAME --json` prints; without NAME, list all.

    `detections` is what `epd detect` prints, `manifest` the record of a run, `evaluate` the results.json
    of a report, `benchmark` what `epd benchmark` writes.
    """
    found = schemas()
    if name is None:
        print("\n".join(sorted(found)))
    elif name not in found:
        raise UsageError(
            f"There is no schema {name}, only {', '.join(sorted(found))}.", hint="'epd schema' lists them."
        )
    else:
        print(found[name].read_text(encoding="utf-8"), end="")


def schemas() -> dict[str, Traversable]:
    """The schemas' files by their names. The one that a run reads itself lies with what reads it."""
    beside = files("epdcli.commands").joinpath("schemas").iterdir()
    found = {file.name.removesuffix(".json"): file for file in beside if file.name.endswith(".json")}
    return found | {"detections": files("epdcli.batch").joinpath("detections.schema.json")}
