"""What a method makes of `--strength`."""

from __future__ import annotations

from epdcli.errors import UsageError


def chosen(method: str, strength: float | None, default: float, least: float) -> float:
    """The strength asked for, or the default. Raises UsageError under `least` (and on what is no number)."""
    value = default if strength is None else strength
    if not least <= value < float("inf"):
        raise UsageError(
            f"A strength of {value:g} makes no sense for {method}.",
            hint=f"Give {least:g} or more; {default:g} is the default.",
        )
    return value
