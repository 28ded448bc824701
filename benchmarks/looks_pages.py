"""The pages of docs/looks.md: each face of the list as it was and as it is, side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.detection import shows
from benchmarks.looks_faces import ListedFace
from epdcli.faces.candidates import overlaps
from epdcli.model import Box, Pixels

GENERATED = "generated"  # the manifest's word
NOT_FOUND, NOT_RUN = "not found", "not run"  # ours, of faces and of pictures that the manifest doesn't have
NOT_REPLACED = (NOT_FOUND, NOT_RUN, "withheld", "failed")  # there is no new face to judge

MARGIN, CUT_PX = 1.9, 200
_GAP_PX, _BETWEEN_PX, _CAPTION_PX, _FONT_PX = 12, 2, 20, 15
_CELL_PX = 2 * CUT_PX + _BETWEEN_PX + _GAP_PX, CUT_PX + _CAPTION_PX + _GAP_PX  # across and down
_PAPER, _NO_PICTURE = (48, 48, 48), 128

Records = Mapping[str, Mapping[str, Any]]  # a manifest's files by source


@dataclass(frozen=True, eq=False)
class Cell:
    """What a page shows of one face: both cuts (`CUT_PX` squared) and what the manifest says of it."""

    face: ListedFace
    original: Pixels
    new: Pixels
    method: str


def read_manifests(output: Path, sets: Sequence[str]) -> dict[str, Records]:
    """The manifests beside OUTPUT/<set>, by set; a set that was not run has no records.

    Raises FileNotFoundError when there is none at all.
    """
    paths = {name: output / f"{name}.manifest.json" for name in sets}
    if not any(path.exists() for path in paths.values()):
        raise FileNotFoundError(f"none of these is there: {', '.join(map(str, paths.values()))}")
    return {
        name: {file["source"]: file for file in json.loads(path.read_text(encoding="utf-8"))["files"]}
        if path.exists()
        else {}
        for name, path in paths.items()
    }


def method_of(box: Box, record: Mapping[str, Any] | None) -> str:
    """What the manifest's record of a picture says of the face in `box`; `generated + solid` where two
    replacements lie on it, the one that overlaps it better first."""
    if record is None:
        return NOT_RUN
    if record["verdict"] in NOT_REPLACED:
        return str(record["verdict"])
    there = [face for face in record["faces"] if shows(Box(*face["box"]), box)]
    if not there:
        return NOT_FOUND
    unions, _ = overlaps(np.array(box), np.array([face["box"] for face in there]))
    return " + ".join(dict.fromkeys(there[place]["method"] for place in np.argsort(-unions, kind="stable")))


def square_about(box: Box, width: int, height: int) -> tuple[int, int, int]:
    """Left, top and side of the square about a box in a picture: `MARGIN` times the box's longer side.

    At the border the square is moved inwards, and where the picture is smaller it is the largest that fits:
    nobody shall judge pixels that no camera saw.
    """
    side = min(max(1, round(MARGIN * max(box.width, box.height))), width, height)
    left, top = (round(middle - side / 2) for middle in box.centre)
    return min(max(left, 0), width - side), min(max(top, 0), height - side), side


def square_cut(pixels: Pixels, box: Box, size: int = CUT_PX) -> Pixels:
    """What `square_about` the box shows, as size x size x 3."""
    left, top, side = square_about(box, pixels.shape[1], pixels.shape[0])
    flags = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    cut = pixels[top : top + side, left : left + side]
    return cv2.resize(cut, (size, size), interpolation=flags).astype(np.uint8)


def cells(
    faces: Sequence[ListedFace], originals: Path, output: Path, manifests: Mapping[str, Records]
) -> Iterator[Cell]:
    """A cell for each face of the list; where no picture was written the new one is grey."""
    for face in faces:
        record = manifests[face.set].get(face.file)
        written = record["output"] if record else None
        original = square_cut(_pixels(originals / face.set / "images" / face.file), face.box)
        new = (
            square_cut(_pixels(output / face.set / written), face.box)
            if written
            else np.full_like(original, _NO_PICTURE)
        )
        yield Cell(face, original, new, method_of(face.box, record))


def pages(shown: Sequence[Cell], across: int = 5, down: int = 6) -> Iterator[Image.Image]:
    """Pages of `across` x `down` cells, in the list's order."""
    for first in range(0, len(shown), across * down):
        page = Image.new("RGB", (across * _CELL_PX[0] + _GAP_PX, down * _CELL_PX[1] + _GAP_PX), _PAPER)
        for place, cell in enumerate(shown[first : first + across * down]):
            row, column = divmod(place, across)
            _draw(page, cell, _GAP_PX + column * _CELL_PX[0], _GAP_PX + row * _CELL_PX[1])
        yield page


def _draw(page: Image.Image, cell: Cell, x: int, y: int) -> None:
    new, below = x + CUT_PX + _BETWEEN_PX, y + CUT_PX + 1
    page.paste(Image.fromarray(cell.original), (x, y))
    page.paste(Image.fromarray(cell.new), (new, y))
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(_FONT_PX)
    pen.text((x, below), str(cell.face.number), "white", font)
    pen.text((new, below), cell.method, "silver" if cell.method == GENERATED else "orange", font)


def _pixels(path: Path) -> Pixels:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))
