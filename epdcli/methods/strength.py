"""What a method makes of `--strength`."""

from __future__ import annotations

from epdcli.errors import UsageError


def chosen(
    method: str, strength: float | None, default: float, least: float, most: float = float("inf")
) -> float:
    """The strength asked for, or the default. Raises UsageError outside `least` to `most` (and on what is no
    number)."""
    value = default if strength is None else strength
    if not least <= value <= most or value == float("inf"):
        allowed = f"{least:g} or more" if most == float("inf") else f"{least:g} to {most:g}"
        raise UsageError(
            f"A strength of {value:g} makes no sense for {method}.",
            hint=f"Give {allowed}; {default:g} is the default.",
        )
    return value
