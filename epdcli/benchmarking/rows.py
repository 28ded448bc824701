"""What was measured, as rows: for a table, a chart, a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from epdcli.benchmarking.worker import About


class Kind(StrEnum):
    START = "start"
    STAGE = "stage"
    WHOLE = "whole"
    NETWORK = "network"


@dataclass(frozen=True)
class Row:
    """One thing measured at one place.

    `runtime`, `device`, `provider` and `precision` are what really ran. `median_ms` and `p95_ms` are over
    `samples` runs after warm-up, of one picture, or of one call with `batch` inputs. `limit_share` is what
    part of the machine's own limit was reached, `bound` which limit is nearer. What does not apply to a
    row, or can't be had on its device, is None and left out of the file.
    """

    kind: Kind
    name: str
    runtime: str
    device: str
    provider: str
    precision: str
    median_ms: float
    p95_ms: float
    samples: int
    batch: int | None = None
    faces_per_second: float | None = None
    pictures_per_second: float | None = None
    peak_memory_mb: float | None = None
    operations: int | None = None
    bytes: int | None = None
    limit_share: float | None = None
    bound: str | None = None
    host_to_device_ms: float | None = None
    device_to_host_ms: float | None = None
    utilisation_percent: float | None = None

    @property
    def place(self) -> str:
        return f"{self.runtime}, {self.device}, {self.precision}"


def row(kind: Kind, name: str, about: About, seconds: Sequence[float], **more: Any) -> Row:
    """A row from the seconds of each run."""
    milliseconds = 1000 * np.asarray(seconds)
    return Row(
        kind=kind,
        name=name,
        runtime=about.runtime,
        device=about.device,
        provider=about.provider,
        precision=about.precision,
        median_ms=round(float(np.median(milliseconds)), 3),
        p95_ms=round(float(np.percentile(milliseconds, 95)), 3),
        samples=len(milliseconds),
        **more,
    )


def as_json(rows: Sequence[Row]) -> list[Mapping[str, Any]]:
    """The rows without what does not apply to them."""
    return [{key: value for key, value in dataclasses.asdict(r).items() if value is not None} for r in rows]
