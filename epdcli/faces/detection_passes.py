"""Which copies of a picture the detection net looks at: scaled, turned by quarters, cut into tiles.

The bare net misses faces over about 550 px, most under 15 px, and those rolled by more than 45 degrees.
So it looks at several copies; `plan_passes` says which, `render` makes one, `Pass.matrix` leads back.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.model import Matrix, Pixels

SHRINK = 0.375  # the next copy's size in units of the one before: faces of 20 px to 500 px overlap amply
SMALLEST_COPY, LARGEST_LAST_COPY = 128, 512  # pixels of the longer side
ENLARGED_UP_TO = 256  # smaller pictures are enlarged to this, at most twice
TILE, OVERLAP = 1280, 160


@dataclass(frozen=True)
class DetectionSettings:
    """How hard to look.

    `threshold` is the score 0..1 a face needs, `small_threshold` one under `small_px` pixels of height.
    `passes`: "all" also looks at the picture turned by 90, 180 and 270 degrees, "upright" doesn't.
    `megapixels` bounds the finest copy, and with it the time a large picture takes; a face needs 20 px of
    height there.
    """

    threshold: float = 0.25
    small_threshold: float = 0.5
    small_px: float = 20.0
    passes: str = "all"
    megapixels: float = 4.0


@dataclass(frozen=True)
class Pass:
    """One input of the net: a window of the scaled picture, turned by quarters.

    `size` is the scaled picture's (width, height), `window` is x, y, width, height in it;
    `quarter_turns` counts counter-clockwise, as `numpy.rot90` does.
    """

    size: tuple[int, int]
    window: tuple[int, int, int, int]
    quarter_turns: int = 0

    def matrix(self, height: int, width: int) -> Matrix:
        """From this pass's input to the picture of that size (2 x 3); a pixel reaches from 0 to 1."""
        x, y, across, down = self.window
        turned_back = [
            np.array([(1, 0, 0), (0, 1, 0)]),
            np.array([(0, -1, across), (1, 0, 0)]),
            np.array([(-1, 0, across), (0, -1, down)]),
            np.array([(0, 1, 0), (-1, 0, down)]),
        ][self.quarter_turns].astype(np.float64)
        turned_back[:, 2] += (x, y)
        return turned_back * np.array([[width / self.size[0]], [height / self.size[1]]])


def plan_passes(height: int, width: int, settings: DetectionSettings) -> list[Pass]:
    """The passes for a picture of this size, finest copy first.

    The finest copy, in tiles, is for small upright faces: the picture itself up to `settings.megapixels`.
    Each further copy is .375 of the one before, down to 512 px, so that no face is too large for all of
    them; these are looked at from four sides. A rolled face so needs about 24 px in the second copy,
    64 px in the picture.
    """
    longest = max(height, width)
    enlarging = min(2.0, max(1.0, ENLARGED_UP_TO / longest))
    scale = min(enlarging, (settings.megapixels * 1e6 / (height * width)) ** 0.5)
    passes = [Pass(size, tile) for size in [_scaled(height, width, scale)] for tile in tiles(*size)]
    turns = (0, 1, 2, 3) if settings.passes == "all" else (0,)
    while True:
        scale = max(scale * SHRINK, min(scale, SMALLEST_COPY / longest))
        size = _scaled(height, width, scale)
        passes += [Pass(size, tile, turn) for tile in tiles(*size) for turn in turns]
        if scale * longest <= LARGEST_LAST_COPY:
            return passes


def _scaled(height: int, width: int, scale: float) -> tuple[int, int]:
    return max(1, round(width * scale)), max(1, round(height * scale))


def tiles(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Windows (x, y, width, height) of at most TILE that cover the area, neighbours sharing OVERLAP.

    A face smaller than the overlap lies whole in one of them; the next copy sees the larger ones.
    """

    def starts(length: int) -> list[int]:
        if length <= TILE:
            return [0]
        count = -(-(length - OVERLAP) // (TILE - OVERLAP))
        return [round(i * (length - TILE) / (count - 1)) for i in range(count)]

    return [(x, y, min(TILE, width), min(TILE, height)) for y in starts(height) for x in starts(width)]


def render(copy: Pixels, step: Pass) -> NDArray[np.float32]:
    """The net's input for one pass: float32 1 x 3 x H x W, 0..255, its sides padded with black.

    `copy` is the picture already scaled to `step.size`. Few different input sizes come out, because
    runtimes prepare themselves anew for each.
    """
    x, y, width, height = step.window
    turned = np.rot90(copy[y : y + height, x : x + width], step.quarter_turns)
    rows, columns = turned.shape[:2]
    blob = np.zeros((1, 3, _padded(rows), _padded(columns)), np.float32)
    blob[0, :, :rows, :columns] = turned.transpose(2, 0, 1)
    return blob


def _padded(length: int) -> int:
    multiple = 32 if length <= 256 else 64 if length <= 512 else 128  # the net itself asks for 32
    return -(-length // multiple) * multiple


def scale_picture(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """The picture at `size` (width, height): averaged when smaller, bilinear when larger."""
    if size == (pixels.shape[1], pixels.shape[0]):
        return pixels
    smaller = size[0] < pixels.shape[1]
    return np.asarray(
        cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR), np.uint8
    )
