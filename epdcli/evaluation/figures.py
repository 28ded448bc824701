"""A figure: one number with its interval, what it was counted on, and why it is missing where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

ALL, FILLED = "all", "filled"
FLOOR = "auc floor"  # what strangers who share their labels reach


class Interval(NamedTuple):
    """A value with the ends of its 95 % interval; `size` is what it was counted on."""

    value: float | None
    low: float | None
    high: float | None
    size: int


@dataclass(frozen=True)
class Figure:
    """One number of the report.

    set        the method or folder
    part       which pictures: all, those filled, or a group such as "gender: female"
    attack     naive, oracle, parrot, ...; empty for utility and quality
    measure    tpr@1e-3, auc, emotion, ...
    judge      the network that judged; `role` is what the product uses that network for, else empty
    note       why there is no value, or what the value needs to be understood
    """

    set: str
    part: str
    attack: str
    measure: str
    judge: str
    role: str
    value: float | None
    low: float | None = None
    high: float | None = None
    count: int = 0
    note: str = ""
