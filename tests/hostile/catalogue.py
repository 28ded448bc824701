"""All cases, each with a number that names its folder."""

from __future__ import annotations

from . import (
    cases_broken,
    cases_colour,
    cases_formats,
    cases_kept,
    cases_metadata,
    cases_odd,
    cases_shown,
    cases_unread,
)
from .case import Case

CASES: tuple[Case, ...] = (
    *cases_metadata.CASES,
    *cases_formats.CASES,
    *cases_broken.CASES,
    *cases_kept.CASES,
    *cases_odd.CASES,
    *cases_shown.CASES,
    *cases_colour.CASES,
    *cases_unread.CASES,
)


def folder_of(number: int) -> str:
    return f"{number:03d}"
