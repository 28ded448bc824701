"""Are the new faces believable? Pages to look at, and the count: docs/looks.md has the rules.

python -m benchmarks.looks pictures ../shared/data --out LISTED        the pictures that the list needs
epd deidentify --seed 1 LISTED/lfw-dev OUTPUT/lfw-dev                  and utk-dev, wider-dev
python -m benchmarks.looks sheet ../shared/data OUTPUT --out PAGES     pages, and PAGES/counts.csv to fill in
python -m benchmarks.looks tally PAGES/counts.csv --originals ../shared/data
python -m benchmarks.looks choose ../shared/data                       writes the list again
"""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import looks_counts, looks_faces, looks_pages

COUNTS = "counts.csv"

app = typer.Typer(help=__doc__, add_completion=False, rich_markup_mode=None)
Originals = Annotated[
    Path, typer.Argument(help="The shared data folder, with lfw-dev/images and the others.")
]
List = Annotated[Path, typer.Option("--list", help="The list of faces.")]


@app.command()
def choose(
    originals: Originals,
    seed: int = 1,
    out: Annotated[Path, typer.Option(help="Where the list goes.")] = looks_faces.LIST,
) -> None:
    """Choose the faces and write the list."""
    faces = looks_faces.choose(originals, seed)
    looks_faces.write_list(out, faces)
    print(f"{len(faces)} faces in {len({(face.set, face.file) for face in faces})} pictures: {out}")


@app.command()
def pictures(
    originals: Originals,
    out: Annotated[Path, typer.Option(help="Gets a folder for each set.")],
    listed: List = looks_faces.LIST,
) -> None:
    """Copy the pictures that the list needs, so that `epd deidentify` runs on no others."""
    needed = sorted({(face.set, face.file) for face in looks_faces.read_list(listed)})
    for name, file in needed:
        target = out / name / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(originals / name / "images" / file, target)
    print(f"{len(needed)} pictures: {out}")


@app.command()
def sheet(
    originals: Originals,
    output: Annotated[Path, typer.Argument(help="Holds <set>/ and <set>.manifest.json of epd deidentify.")],
    out: Annotated[Path, typer.Option(help="Where the pages go.")],
    listed: List = looks_faces.LIST,
    across: Annotated[int, typer.Option(help="Cells in a row: fewer where a viewer shrinks the page.")] = 5,
    down: Annotated[int, typer.Option(help="Rows of cells.")] = 6,
) -> None:
    """Draw the pages, and a table to fill in unless there is one."""
    faces = looks_faces.read_list(listed)
    try:
        manifests = looks_pages.read_manifests(output, list(looks_faces.SETS))
    except FileNotFoundError as error:
        raise typer.BadParameter(str(error)) from error
    shown = list(looks_pages.cells(faces, originals, output, manifests))
    out.mkdir(parents=True, exist_ok=True)
    for stale in out.glob("page-*.png"):
        stale.unlink()
    for number, page in enumerate(looks_pages.pages(shown, across, down), 1):
        page.save(out / f"page-{number}.png")
    counts = out / COUNTS
    if counts.exists():
        print(f"{counts} is kept: it may hold answers (another run needs another folder)")
    else:
        looks_counts.write_blank(counts, [(cell.face, cell.method) for cell in shown])
    methods = Counter(cell.method for cell in shown).most_common()
    print(f"{len(shown)} faces: {', '.join(f'{number} {method}' for method, number in methods)}; {out}")


@app.command()
def tally(
    counts: Annotated[Path, typer.Argument(help="The filled-in table.")],
    originals: Annotated[
        Path | None, typer.Option(help="The shared data folder: women, men and children apart.")
    ] = None,
    listed: List = looks_faces.LIST,
) -> None:
    """Print the shares and how often each failure occurs."""
    faces = looks_faces.read_list(listed)
    labels = looks_faces.rows_of(originals / "utk-dev" / "labels.csv") if originals else []
    try:
        answers = looks_counts.read_counts(counts, {face.number for face in faces})
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    for line in looks_counts.report(answers, looks_counts.groups(faces, labels)):
        print(line)


if __name__ == "__main__":
    app()
