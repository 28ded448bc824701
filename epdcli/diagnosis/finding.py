"""One line of the diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """`ok`; `note`: nothing is wrong, but something could be had; `warning`: it may go wrong; `failed`."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it stands, in a sentence, and what to do about it."""

    part: str
    subject: str
    state: State
    said: str
    hint: str = ""
