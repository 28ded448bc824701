"""Puts the pictures of two folders side by side into one picture, for a first look.

python examples/side_by_side.py examples/pictures out demo.jpg
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageOps

_HEIGHT = 512


def main(before: Path, after: Path, target: Path) -> None:
    """Write TARGET: a row for each picture of BEFORE that AFTER has as well."""
    rows = []
    for path in sorted(path for path in before.rglob("*") if (after / path.relative_to(before)).is_file()):
        pair = [ImageOps.exif_transpose(Image.open(one)) for one in (path, after / path.relative_to(before))]
        rows.append([one.convert("RGB").resize((one.width * _HEIGHT // one.height, _HEIGHT)) for one in pair])
    if not rows:
        sys.exit(f"{after} has no picture of {before}.")
    sheet = Image.new(
        "RGB", (max(sum(one.width for one in row) for row in rows), _HEIGHT * len(rows)), "white"
    )
    for number, (left, right) in enumerate(rows):
        sheet.paste(left, (0, _HEIGHT * number))
        sheet.paste(right, (left.width, _HEIGHT * number))
    sheet.save(target, quality=90)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
