"""The counts of docs/looks.md: the table that a judge fills in, and what follows from it."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from benchmarks.looks_faces import AGES, ListedFace, Row, rows_of
from benchmarks.looks_pages import GENERATED, NOT_REPLACED

ATTRIBUTES = ("age", "sex", "skin-tone")
FILL = "fill"
FAILURES = (
    "forehead", "seam", "light", "pose", "geometry", *ATTRIBUTES, "glasses", "occlusion", "eyes", "mouth",
    "sharpness", "colour", "collapsed", "not-a-face", FILL,
)  # fmt: skip
YES, NO, NONE, OPEN = "yes", "no", "none", ""  # none: there is no new face; open: not judged yet

_COLUMNS = ("number", "set", "method", "believable", "failures")


@dataclass(frozen=True)
class Count:
    """A judge's answer for one face of the list."""

    number: int
    believable: str
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Share:
    """How many of some faces are believable, or keep an attribute."""

    believable: int
    judged: int

    @property
    def value(self) -> float:
        return self.believable / self.judged if self.judged else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval.

        E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
        """
        if not self.judged:
            return 0.0, 1.0
        n, p, z = self.judged, self.value, 1.96
        centre, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (centre - half) / (1 + z * z / n)), min(1.0, (centre + half) / (1 + z * z / n))


def write_blank(path: Path, methods: Iterable[tuple[ListedFace, str]]) -> None:
    """A table to fill in; what the method alone says is filled in already.

    Raises FileExistsError where there is one: it may hold answers.
    """
    with path.open("x", newline="", encoding="utf-8") as lines:
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(_COLUMNS)
        for face, method in methods:
            answer = NONE if method in NOT_REPLACED else OPEN
            failure = "" if answer == NONE or GENERATED in method else FILL
            table.writerow((face.number, face.set, method, answer, failure))


def read_counts(path: Path, numbers: Collection[int]) -> list[Count]:
    """The answers of a filled-in table. Raises ValueError, naming the face, on what can't be counted."""
    counts = [_count(row) for row in rows_of(path)]
    seen: set[int] = set()
    for count in counts:
        if count.number not in numbers:
            raise ValueError(f"face {count.number}: not in the list")
        if count.number in seen:
            raise ValueError(f"face {count.number}: counted twice")
        seen.add(count.number)
    return counts


def _count(row: Row) -> Count:
    number, answer = int(row["number"]), (row["believable"] or "").strip().lower()
    failures = tuple(dict.fromkeys((row["failures"] or "").lower().split()))
    if answer not in (YES, NO, NONE, OPEN):
        raise ValueError(f"face {number}: believable is {answer!r}, not yes, no or none")
    if unknown := [kind for kind in failures if kind not in FAILURES]:
        raise ValueError(f"face {number}: {', '.join(unknown)} is none of: {', '.join(FAILURES)}")
    if answer == NO and not failures:
        raise ValueError(f"face {number}: not believable, and no failure says why")
    return Count(number, answer, failures)


def judged(counts: Iterable[Count]) -> list[Count]:
    """Those of a new face on which the judge has decided."""
    return [count for count in counts if count.believable in (YES, NO)]


def generated(counts: Iterable[Count]) -> list[Count]:
    """Those that were decided on and aren't filled."""
    return [count for count in judged(counts) if FILL not in count.failures]


def share(counts: Iterable[Count]) -> Share:
    """The believable ones of those decided on."""
    decided = judged(counts)
    return Share(sum(count.believable == YES for count in decided), len(decided))


def shares(counts: Sequence[Count], groups: Mapping[str, Collection[int]]) -> dict[str, Share]:
    """Of all, of those that are generated, and of each group of numbers."""
    parts = {
        name: share(count for count in counts if count.number in numbers) for name, numbers in groups.items()
    }
    return {"all": share(counts), GENERATED: share(generated(counts)), **parts}


def failures(counts: Iterable[Count]) -> dict[str, tuple[int, int]]:
    """For each kind, the most frequent first: new faces that show it, and those of them not believable."""
    decided = judged(counts)
    told = {
        kind: (
            sum(kind in count.failures for count in decided),
            sum(kind in count.failures and count.believable == NO for count in decided),
        )
        for kind in FAILURES
    }
    return dict(sorted(told.items(), key=lambda item: -item[1][0]))


def kept(counts: Iterable[Count]) -> dict[str, Share]:
    """For each attribute: the generated faces that have the original's."""
    made = generated(counts)
    return {
        attribute: Share(sum(attribute not in count.failures for count in made), len(made))
        for attribute in ATTRIBUTES
    }


def groups(faces: Sequence[ListedFace], labels: Sequence[Row]) -> dict[str, set[int]]:
    """The numbers of each set; and of women, men and children as far as `labels` (utk-dev's) know them."""
    numbers = {name: {f.number for f in faces if f.set == name} for name in sorted({f.set for f in faces})}
    known = {row["file"]: row for row in labels}
    for face in faces:
        if face.set == "utk-dev" and face.file in known:
            numbers.setdefault(_group(known[face.file]), set()).add(face.number)
    return numbers


def _group(label: Row) -> str:
    if int(label["age"]) <= AGES[0][1]:
        return "utk-dev: children"
    return "utk-dev: women" if label["gender"] == "female" else "utk-dev: men"


def report(counts: Sequence[Count], parts: Mapping[str, Collection[int]]) -> Iterable[str]:
    """The tables that docs/looks.md is filled in from, line by line."""
    yield "| faces | judged | believable | share | 95 % interval |"
    yield "|---|---|---|---|---|"
    for title, told in shares(counts, parts).items():
        low, high = told.interval
        interval = f"{low:.2f} to {high:.2f}"
        yield f"| {title} | {told.judged} | {told.believable} | {_share_in_words(told)} | {interval} |"
    yield ""
    yield "| failure | faces | of them not believable |"
    yield "|---|---|---|"
    for kind, (number, bad) in failures(counts).items():
        yield f"| {kind} | {number} | {bad} |"
    yield ""
    yield "| attribute | kept, of generated faces | share |"
    yield "|---|---|---|"
    for kind, told in kept(counts).items():
        yield f"| {kind} | {told.believable} of {told.judged} | {_share_in_words(told)} |"
    yield ""
    missing = sum(count.believable == NONE for count in counts)
    unjudged = sum(count.believable == OPEN for count in counts)
    yield f"{missing} without a new face (not found, withheld); {unjudged} not judged yet"


def _share_in_words(told: Share) -> str:
    return f"{told.value:.2f}" if told.judged else "–"
