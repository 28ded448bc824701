"""`--ignore`, and what is said of inputs that are not looked at."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from epdcli.batch.listing import Listing

Ignored = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore",
        metavar="PATTERN",
        help="Leave out files and folders of this name (*.pdf, drafts, 2019/*); may be repeated.",
    ),
]


def tell_skipped_in(folder: Path | None) -> None:
    """Name on stderr what is skipped in a folder of pictures that are measured, not released."""
    from epdcli.batch.listing import listing_of

    for one in listing_of([folder]).skipped if folder else ():
        print(f"epd: {one.name} is not measured: {one.reason}.", file=sys.stderr)


def tell_skipped(listing: Listing) -> bool:
    """Name on stderr what is skipped and may show people; returns whether anything is."""
    for one in listing.skipped:
        print(f"epd: {one.name} is skipped: {one.reason}. {one.hint}", file=sys.stderr)
    return bool(listing.skipped)
