"""Links the faces that were not left out into one folder, for `epd bank build`.

python weights/people/choose.py FIRST_FACES labels.csv SECOND_FACES rejected.csv OUT
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import typer

UNWANTED = {"sunglasses", "hat", "fringe", "front", "artefact"}


def main(first: Path, labels: Path, second: Path, rejected: Path, out: Path) -> None:
    """Link the wanted faces of both folders into OUT."""
    out.mkdir(parents=True)
    flags = {int(row["number"]): set(row["flags"].split()) for row in csv.DictReader(labels.open())}
    left_out = {int(row["number"]) for row in csv.DictReader(rejected.open())}
    for path in sorted(first.glob("[0-9]*.jpg")):
        if not flags[int(path.stem)] & UNWANTED:
            os.link(path, out / f"first-{path.name}")
    for path in sorted(second.glob("[0-9]*.jpg")):
        if int(path.stem) not in left_out:
            os.link(path, out / f"second-{path.name}")


if __name__ == "__main__":
    typer.run(main)
