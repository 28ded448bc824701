"""Puts the pictures of two folders beside each other into one picture, for a first look.

python examples/side_by_side.py examples/pictures out demo.jpg
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

_WIDTH = 1080
_WIDE = 1.6  # width by height: from here on the new picture stands below the old one


def main(before: Path, after: Path, target: Path) -> None:
    """Write TARGET: the pictures of BEFORE that AFTER has as well; wide ones above each other, all others
    side by side in one row."""
    names = sorted(path.relative_to(before) for path in before.rglob("*") if path.is_file())
    pairs = [(_opened(before / name), _opened(after / name)) for name in names if (after / name).is_file()]
    if not pairs:
        sys.exit(f"{after} has no picture of {before}.")
    wide = [pair for pair in pairs if pair[0].width >= _WIDE * pair[0].height]
    others = [one for pair in pairs if pair not in wide for one in pair]
    rows = [_row([one]) for pair in wide for one in pair] + ([_row(others)] if others else [])
    sheet = Image.new("RGB", (_WIDTH, sum(row.height for row in rows)), "white")
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    sheet.save(target, quality=80, optimize=True, progressive=True)


def _opened(path: Path) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(path)).convert("RGB")


def _row(pictures: Sequence[Image.Image]) -> Image.Image:
    """The pictures beside each other, equally high, as wide as the sheet."""
    height = round(_WIDTH / sum(one.width / one.height for one in pictures))
    row, left = Image.new("RGB", (_WIDTH, height), "white"), 0
    for number, one in enumerate(pictures, 1):
        # The last one takes what rounding left over.
        width = _WIDTH - left if number == len(pictures) else round(one.width * height / one.height)
        row.paste(one.resize((width, height), Image.Resampling.LANCZOS), (left, 0))
        left += width
    return row


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
