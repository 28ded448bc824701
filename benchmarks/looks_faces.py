"""The faces of docs/looks.md: how they are chosen, and how the list is written and read.

The list holds names and numbers only, no picture: `number,set,file,x,y,w,h`, the box in pixels of the
picture. The boxes of wider-dev are WIDER FACE's own. lfw-dev and utk-dev have five points a face: their box
is `BOX_IN_FRAME` of the aligned 256 px frame, carried back along the face's similarity and kept upright.
"""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from epdcli.faces.alignment import TEMPLATE_256, inverse, map_points, scale_of, similarity_transform
from epdcli.model import Box, Points

LIST = Path(__file__).with_suffix(".csv")
SETS = {"lfw-dev": 60, "utk-dev": 40, "wider-dev": 50}  # faces of each
AGES = ((0, 12), (13, 30), (31, 60), (61, 200))  # years; the first are the children
LEAST_HEIGHT_PX, MOST_A_PICTURE = 50, 2  # of wider-dev
# Hairline to chin and temple to temple: the median of CenterFace's boxes of these two sets, made narrower and
# lower as WIDER FACE's own boxes are than CenterFace's.
BOX_IN_FRAME = Box(68.0, 47.0, 120.0, 174.0)

_COLUMNS = ("number", "set", "file", "x", "y", "w", "h")
_POINTS = ("left_eye", "right_eye", "nose", "left_mouth", "right_mouth")

Row = Mapping[str, str]


@dataclass(frozen=True)
class ListedFace:
    """One face of the list; `file` is relative to the set's folder of pictures."""

    number: int
    set: str
    file: str
    box: Box


def choose(originals: Path, seed: int) -> list[ListedFace]:
    """The list for a seed, from the tables of the shared data folder; numbers go on from set to set."""
    lfw = people(rows_of(originals / "lfw-dev" / "people.csv"), SETS["lfw-dev"], random.Random(seed))
    utk = strata(rows_of(originals / "utk-dev" / "labels.csv"), SETS["utk-dev"], random.Random(seed))
    wider = crowd(rows_of(originals / "wider-dev" / "boxes.csv"), SETS["wider-dev"], random.Random(seed))
    chosen = [
        *(("lfw-dev", row["file"], box_of_points(row)) for row in lfw),
        *(("utk-dev", row["file"], box_of_points(row)) for row in utk),
        *(("wider-dev", row["file"], labelled_box(row)) for row in wider),
    ]
    return [ListedFace(number, *face) for number, face in enumerate(chosen, 1)]


def rows_of(path: Path) -> list[Row]:
    """The lines of a table, each as a mapping from column to text."""
    with path.open(newline="", encoding="utf-8-sig") as lines:  # spreadsheets put a mark before the text
        return list(csv.DictReader(lines))


def people(rows: Sequence[Row], count: int, chance: random.Random) -> list[Row]:
    """`count` people of a `people.csv`, and one picture of each."""
    pictures = _grouped(rows, lambda row: row["person"])
    return [chance.choice(pictures[person]) for person in chance.sample(sorted(pictures), count)]


def strata(rows: Sequence[Row], count: int, chance: random.Random) -> list[Row]:
    """`count` faces of a `labels.csv`, as evenly over age band and sex, and in each over race, as it allows.

    Every band and sex has the same number, give or take one; where a race label is missing in it, the others
    take its place. Raises ValueError where a band and sex has too few faces.
    """
    groups = _grouped(rows, lambda row: f"{age_band(int(row['age']))} {row['gender']}")
    names = sorted(groups)
    quotas = {name: count // len(names) for name in names}
    for name in chance.sample(names, count % len(names)):
        quotas[name] += 1
    chosen: list[Row] = []
    for name in names:
        if len(groups[name]) < quotas[name]:
            raise ValueError(f"{len(groups[name])} faces of {name}, {quotas[name]} are needed")
        chosen += _in_turn(groups[name], quotas[name], chance)
    return chosen


def _in_turn(rows: Sequence[Row], count: int, chance: random.Random) -> list[Row]:
    """One face of each race label in turn, until there are `count`."""
    labels = _grouped(rows, lambda row: row["race"])
    queues = {label: chance.sample(labels[label], len(labels[label])) for label in sorted(labels)}
    order = chance.sample(sorted(queues), len(queues))
    rounds = max(map(len, queues.values()))
    taken = [queues[label][turn] for turn in range(rounds) for label in order if turn < len(queues[label])]
    return taken[:count]


def crowd(rows: Sequence[Row], count: int, chance: random.Random) -> list[Row]:
    """`count` valid faces of a `boxes.csv` of `LEAST_HEIGHT_PX` and more, `MOST_A_PICTURE` of a picture."""
    large = [row for row in rows if row["invalid"] == "0" and float(row["h"]) >= LEAST_HEIGHT_PX]
    of_picture: Counter[str] = Counter()
    chosen: list[Row] = []
    for row in chance.sample(large, len(large)):
        if of_picture[row["file"]] < MOST_A_PICTURE:
            of_picture[row["file"]] += 1
            chosen.append(row)
    if len(chosen) < count:
        raise ValueError(f"{len(chosen)} faces, {count} are needed")
    return chosen[:count]


def age_band(age: int) -> str:
    """The band of `AGES`, as `13-30`."""
    low, high = next(band for band in AGES if band[0] <= age <= band[1])
    return f"{low}-{high}"


def _grouped(rows: Sequence[Row], key: Callable[[Row], str]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups


def labelled_box(row: Row) -> Box:
    """The box that a table states as x, y, w, h."""
    return Box(*(float(row[name]) for name in ("x", "y", "w", "h")))


def box_of_points(row: Row) -> Box:
    """The box that belongs to the five points of a table's row, in tenths of a pixel."""
    points = np.array([(row[f"{name}_x"], row[f"{name}_y"]) for name in _POINTS], np.float32)
    return face_box(points)


def face_box(landmarks: Points) -> Box:
    """`BOX_IN_FRAME` about five landmarks (5, 2), scaled and moved with the face, and not turned."""
    matrix = similarity_transform(landmarks, TEMPLATE_256)
    (centre,) = map_points(inverse(matrix), np.array([BOX_IN_FRAME.centre]))
    width, height = (side / scale_of(matrix) for side in (BOX_IN_FRAME.width, BOX_IN_FRAME.height))
    return Box(*(round(float(v), 1) for v in (centre[0] - width / 2, centre[1] - height / 2, width, height)))


def write_list(path: Path, faces: Sequence[ListedFace]) -> None:
    """Write the list; `read_list` reads the same faces."""
    with path.open("w", newline="", encoding="utf-8") as lines:
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(_COLUMNS)
        table.writerows([f.number, f.set, f.file, *(f"{value:g}" for value in f.box)] for f in faces)


def read_list(path: Path = LIST) -> list[ListedFace]:
    """The faces of a list."""
    return [
        ListedFace(int(row["number"]), row["set"], str(PurePosixPath(row["file"])), labelled_box(row))
        for row in rows_of(path)
    ]
