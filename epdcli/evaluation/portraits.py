"""The originals of an evaluation: who is on each, where the five points are, which labels are known."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from epdcli.batch.listing import Listing
from epdcli.errors import UsageError
from epdcli.model import Points

POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")
_POINT_COLUMNS = tuple(f"{point}_{axis}" for point in POINTS for axis in "xy")
_NOT_LABELS = {"file", "person", *_POINT_COLUMNS}
_AGES = ((18, "0-17"), (40, "18-39"), (60, "40-59"))

Row = Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Portrait:
    """One original: its file, its name relative to the folder, its person, the main face's five points (5, 2)
    if they were given, and labels such as gender or age band."""

    path: Path
    name: str
    person: str
    landmarks: Points | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def read_portraits(
    originals: Listing, people: Path | None = None, labels: Path | None = None
) -> tuple[Portrait, ...]:
    """The pictures of a folder that was listed, in the order of their names.

    `people` and `labels` are CSV files with a column `file` (relative to the folder); `person`, the five
    points (`left_eye_x`, ...) and labels may stand in either, and pictures that a `people` file lacks are
    left out. Without a column `person` the first folder of a name is the person, and a picture in no folder
    is a person of its own. Raises UsageError when a file can't be read or names no picture of the folder.
    """
    told = {**_table(people)} if people else {}
    labelled = _table(labels) if labels else {}
    found = [(path, name) for path, name in originals.pictures if not people or name in told]
    for given, rows in ((people, told), (labels, labelled)):
        if given and not any(name in rows for _, name in found):
            raise UsageError(
                f"{given} names no picture of the originals.",
                hint="Its column 'file' must hold paths relative to their folder.",
            )
    if not found:
        raise UsageError("There is no picture among the originals.", hint="Give the folder of the originals.")
    return tuple(
        _portrait(path, name, {**labelled.get(name, {}), **told.get(name, {})}) for path, name in found
    )


def people_of(portraits: Sequence[Portrait]) -> np.ndarray:
    """Whole numbers (n,) that are equal where the person is."""
    return np.unique([portrait.person for portrait in portraits], return_inverse=True)[1]


def groups_of(portraits: Sequence[Portrait], smallest: int = 10) -> dict[tuple[str, str], np.ndarray]:
    """For every label and value that at least `smallest` portraits have: which ones, bool (n,)."""
    counts = Counter(item for portrait in portraits for item in portrait.labels.items())
    return {
        (label, value): np.array([portrait.labels.get(label) == value for portrait in portraits])
        for (label, value), count in sorted(counts.items())
        if count >= smallest
    }


def _portrait(path: Path, name: str, row: Row) -> Portrait:
    labels = {
        key: _age_band(value) if key == "age" else value
        for key, value in row.items()
        if key not in _NOT_LABELS and value
    }
    return Portrait(path, name, row.get("person") or _person_by_folder(name), _points(row, name), labels)


def _person_by_folder(name: str) -> str:
    parts = PurePosixPath(name).parts
    return parts[0] if len(parts) > 1 else name


def _points(row: Row, name: str) -> Points | None:
    values = [row.get(column, "") for column in _POINT_COLUMNS]
    if not all(values):
        return None
    try:
        points = np.array(values, np.float64).reshape(5, 2).astype(np.float32)
    except ValueError as error:
        raise UsageError(f"The five points of {name} are no numbers.", hint="Correct the CSV.") from error
    if not np.isfinite(points).all() or np.ptp(points, axis=0).max() < 1:
        raise UsageError(f"The five points of {name} coincide or are infinite.", hint="Correct the CSV.")
    return points


def _age_band(value: str) -> str:
    try:
        age = float(value)
    except ValueError:
        return value
    return next((band for below, band in _AGES if age < below), "60+")


def _table(path: Path) -> dict[str, dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} can't be read as CSV: {error}.", hint="Check its name.") from error
    if not rows or "file" not in rows[0]:
        raise UsageError(f"{path} has no column 'file'.", hint="Its first line must name the columns.")
    return {row["file"]: {key: value or "" for key, value in row.items() if key} for row in rows}
