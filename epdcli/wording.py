"""Numbers as people say them, and advice that is given in several places. Imports nothing of ours."""

from __future__ import annotations

MORE_MEMORY = "Lower --jobs or --max-pixels."


def counted(number: int, noun: str) -> str:
    """A number and what it counts: "1 picture", "1,413 pictures"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """A time in the units that suit it: "0.7 s", "45 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"
