"""How faithful JPEG files stay outside the faces: ours, and ORB-HD's deface when it is installed.

    python -m tests.hostile.fidelity PICTURES...

For each JPEG file the peak signal-to-noise ratio, in decibels over R, G and B, of what lies outside every
face's box grown by its own size on each side, so that the new faces of both tools lie inside. Ends with 1
when one of ours is below 45 dB.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

_EPD = [sys.executable, "-m", "epdcli", "deidentify", "--method", "solid", "--seed", "1", "--quiet"]


def decibels(old: NDArray[np.uint8], new: NDArray[np.uint8], outside: NDArray[np.bool_]) -> float:
    """Peak signal-to-noise ratio of two H x W x 3 pictures where `outside` (H x W) is set; 99 when equal."""
    error = float(((old.astype(np.float64) - new)[outside] ** 2).mean())
    return min(99.0, 10 * np.log10(255**2 / max(error, 1e-12)))


def outside_of(boxes: list[list[float]], size: tuple[int, int]) -> NDArray[np.bool_]:
    """H x W, true outside of every box grown by its own width and height on each side."""
    flags = np.ones(size, dtype=bool)
    for x, y, width, height in boxes:
        rows = slice(max(0, int(y - height)), max(0, int(y + 2 * height)))
        columns = slice(max(0, int(x - width)), max(0, int(x + 2 * width)))
        flags[rows, columns] = False
    return flags


def rows(pictures: list[Path], folder: Path) -> Iterator[tuple[str, float, float | None]]:
    """Each written JPEG file with our decibels and deface's, None where it is not there or wrote nothing."""
    deface = shutil.which("deface", path=str(Path(sys.executable).parent)) or shutil.which("deface")
    for number, source in enumerate(pictures):
        ours, theirs = (folder / f"{number}-{tool}{source.suffix}" for tool in ("ours", "deface"))
        subprocess.run([*_EPD, str(source), str(ours)], check=False, capture_output=True)
        manifest = ours.with_name(ours.name + ".manifest.json")
        record = json.loads(manifest.read_text())["files"][0] if manifest.exists() else {}
        if not ours.exists() or not record.get("faces"):
            continue
        old = _pixels(source)
        outside = outside_of([face["box"] for face in record["faces"]], old.shape[:2])
        if not outside.any():
            continue
        if deface:
            subprocess.run([deface, "-o", str(theirs), str(source)], check=False, capture_output=True)
        other = decibels(old, _pixels(theirs), outside) if theirs.exists() else None
        yield source.name, decibels(old, _pixels(ours), outside), other


def _pixels(path: Path) -> NDArray[np.uint8]:
    return np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))


def main() -> int:
    given = [Path(name) for name in sys.argv[1:]]
    pictures = [
        path
        for one in given
        for path in (sorted(one.rglob("*")) if one.is_dir() else [one])
        if path.suffix.lower() in (".jpg", ".jpeg")
    ]
    ours, theirs = list[float](), list[float]()
    with tempfile.TemporaryDirectory(prefix="epd-fidelity-") as name:
        for title, own, other in rows(pictures, Path(name)):
            print(f"{title:40} {own:5.1f} dB" + (f"   deface {other:5.1f} dB" if other is not None else ""))
            ours.append(own)
            theirs += [] if other is None else [other]
    for tool, values in (("ours", ours), ("deface", theirs)):
        if values:
            least, middle = min(values), float(np.median(values))
            print(f"{tool}: {len(values)} pictures, least {least:.1f} dB, median {middle:.1f} dB")
    return 0 if ours and min(ours) >= 45 else 1


if __name__ == "__main__":
    sys.exit(main())
