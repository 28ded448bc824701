"""What an evaluation found, and as files: `results.json` with everything, `figures.csv` with the numbers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from epdcli.evaluation.curves import Curve
from epdcli.evaluation.figures import Figure
from epdcli.evaluation.gate import Failure
from epdcli.files import write_text

VERSION = 1


@dataclass(frozen=True)
class SetSummary:
    """What is known of a set before anything is judged. `seconds` is the time of its de-identification."""

    name: str
    pictures: int
    missing: int
    filled: int
    not_found: int
    described: bool
    seconds: float | None


@dataclass(frozen=True)
class ExtraTable:
    """A table that another package made of the results, for the report; the first column names the set."""

    title: str
    text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class Results:
    """Everything that a report shows."""

    about: Mapping[str, Any]
    sets: tuple[SetSummary, ...]
    judges: tuple[Mapping[str, str], ...]
    headline: tuple[str, ...]
    figures: tuple[Figure, ...]
    failures: tuple[Failure, ...]
    curves: tuple[Curve, ...] = ()
    extras: tuple[ExtraTable, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """A JSON object: numbers are rounded to nine digits, missing ones are null."""
        return {
            "results_version": VERSION,
            **self.about,
            "sets": [asdict(item) for item in self.sets],
            "judges": list(self.judges),
            "headline": list(self.headline),
            "failures": [asdict(failure) for failure in self.failures],
            "figures": [rounded(figure) for figure in self.figures],
            "extras": [asdict(table) for table in self.extras],
            "curves": [asdict(curve) for curve in self.curves],
        }


def rounded(figure: Figure) -> dict[str, Any]:
    """A figure as JSON holds it."""
    return {key: float(f"{v:.9g}") if isinstance(v, float) else v for key, v in asdict(figure).items()}


def write_results(folder: Path, results: Results) -> None:
    """Write `results.json` and `figures.csv` into a folder, each whole or not at all."""
    write_text(folder / "results.json", json.dumps(results.as_json(), indent=1, allow_nan=False) + "\n")
    write_text(folder / "figures.csv", as_csv(results.figures))


def as_csv(figures: Sequence[Figure]) -> str:
    """One line a figure, the columns named in the first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Figure)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rounded(figure) for figure in figures)
    return text.getvalue()
