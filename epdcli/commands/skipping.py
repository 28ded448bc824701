"""`--ignore`, and what is said of inputs that are not looked at."""

from __future__ import annotations

import sys
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


def tell_skipped(listing: Listing) -> bool:
    """Name on stderr what is skipped and may show people; returns whether anything is."""
    for one in listing.skipped:
        print(f"epd: {one.name} is skipped: {one.reason}. {one.hint}", file=sys.stderr)
    return bool(listing.skipped)
