"""`--keep`: which EXIF values may stay in a released picture, as the command line names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from epdcli.errors import UsageError

if TYPE_CHECKING:
    from epdcli.pictures import Keep


def kept_values(words: str) -> frozenset[Keep]:
    """The values that "date,gps,camera" or some of them name. Raises UsageError for any other word."""
    from epdcli.pictures import Keep

    named = frozenset(filter(None, (word.strip() for word in words.split(","))))
    if unknown := sorted(named.difference(Keep)):
        raise UsageError(f"--keep can't keep {', '.join(unknown)}.", hint=f"It knows {', '.join(Keep)}.")
    return frozenset(map(Keep, named))
