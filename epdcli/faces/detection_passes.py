"""Which copies of a picture the detection net looks at: scaled, turned by quarters, cut into tiles.

The bare net misses faces over about 550 px, most under 15 px, and those rolled by more than 45 degrees.
So it looks at several copies; `plan_passes` says which, `render` makes one, `Pass.matrix` leads back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.model import Matrix, Pixels

COARSE = 0.375  # of the finest copy: what is seen from four sides; faces of 64 px and more are seen on both
COARSEST = 2 / 3  # of the coarse copy, while it is larger than LARGEST_PX
SMALLEST_PX, LARGEST_PX = 128, 512  # of the coarse copies' longer side
ENLARGED_TO = 256  # smaller pictures are enlarged to this, at most twice
PROMISED_PX = 20.0  # of a face's height in the finest copy
ASKED_PX = 26.0  # where a size is asked for: of faces of 20 px one in five is missed
TILE, OVERLAP = 1024, 160
BATCH, BATCH_PIXELS = 4, 1_000_000


@dataclass(frozen=True)
class DetectionSettings:
    """How hard to look.

    `threshold` is the score 0..1 that a face needs; small ones need more, up to 2.5 times as much (see
    `needed_score`). `passes`: "all" also looks at the picture turned by 90, 180 and 270 degrees, "upright"
    doesn't. `megapixels` bounds the finest copy and with it the time that a large picture takes, unless faces
    that are `smallest` px high in the picture are asked for: one is promised to be seen from PROMISED_PX of
    height on in the finest copy.
    """

    threshold: float = 0.18
    passes: str = "all"
    megapixels: float = 4.0
    smallest: float | None = None


@dataclass(frozen=True)
class Pass:
    """One input of the net: a window of the scaled picture, turned by quarters.

    `size` is the scaled picture's (width, height), `window` is x, y, width, height in it;
    `quarter_turns` counts counter-clockwise, as `numpy.rot90` does.
    """

    size: tuple[int, int]
    window: tuple[int, int, int, int]
    quarter_turns: int = 0

    @property
    def input_shape(self) -> tuple[int, int]:
        """Rows and columns of the net's input. Few shapes: runtimes prepare themselves anew for each."""
        across, down = self.window[2:]
        rows, columns = (across, down) if self.quarter_turns % 2 else (down, across)
        return _padded(rows), _padded(columns)

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


def finest_scale(height: int, width: int, settings: DetectionSettings) -> float:
    """The finest copy's pixels to one of the picture: 1 up to `settings.megapixels` or for the smallest faces
    that are asked for, 2 for tiny pictures."""
    enlarging = min(2.0, max(1.0, ENLARGED_TO / max(height, width)))
    bounded = (settings.megapixels * 1e6 / (height * width)) ** 0.5
    asked = 0.0 if settings.smallest is None else min(1.0, ASKED_PX / settings.smallest)
    return min(enlarging, max(bounded, asked))


def smallest_promised(height: int, width: int, settings: DetectionSettings) -> float:
    """From how many pixels of height on a face of a picture of this size is promised to be seen."""
    return PROMISED_PX / min(1.0, finest_scale(height, width, settings))


def plan_passes(height: int, width: int, settings: DetectionSettings) -> list[Pass]:
    """The passes for a picture of this size, finest copy first.

    The finest copy, in tiles, is for small upright faces. The coarse copy, three eighths of it, is looked
    at from four sides: rolled faces are found from about 24 px there, 64 px in the finest. Further copies
    follow until one is small enough that a face can't be too large for it (the net's limit is 550 px).
    Each of the others adds one upright look, which finds large faces more surely than one copy alone.
    """
    longest = max(height, width)
    scale = finest_scale(height, width, settings)
    size = _scaled(height, width, scale)
    passes = [Pass(size, tile) for tile in tiles(*size)]
    turns = (0, 2, 1, 3) if settings.passes == "all" else (0,)  # equal shapes beside each other
    coarse = max(scale * COARSE, min(scale, SMALLEST_PX / longest))
    size = _scaled(height, width, coarse)
    passes += [Pass(size, tile, turn) for tile in tiles(*size) for turn in turns]
    while coarse * longest > LARGEST_PX // 2:
        coarse *= COARSEST if coarse * longest <= LARGEST_PX else COARSE
        size = _scaled(height, width, coarse)
        passes += [Pass(size, tile) for tile in tiles(*size)]
    return passes


def _scaled(height: int, width: int, scale: float) -> tuple[int, int]:
    return max(1, round(width * scale)), max(1, round(height * scale))


def tiles(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Windows (x, y, width, height) of at most TILE that cover the area, neighbours sharing OVERLAP.

    A face smaller than the overlap lies whole in one of them; the next copy sees the larger ones.
    """

    def windows(length: int) -> list[tuple[int, int]]:
        if length <= TILE:
            return [(0, length)]
        count = -(-(length - OVERLAP) // (TILE - OVERLAP))
        side = _padded(-(-(length + (count - 1) * OVERLAP) // count))
        return [(round(i * (length - side) / (count - 1)), side) for i in range(count)]

    return [(x, y, across, down) for y, down in windows(height) for x, across in windows(width)]


def batches(passes: list[Pass]) -> list[list[Pass]]:
    """Passes over one copy, in runs that go through the net together: equal shapes, bounded memory."""
    runs: list[list[Pass]] = []
    for step in passes:
        shape = step.input_shape
        fits = bool(runs) and runs[-1][0].input_shape == shape
        if fits and len(runs[-1]) < BATCH and (len(runs[-1]) + 1) * shape[0] * shape[1] <= BATCH_PIXELS:
            runs[-1].append(step)
        else:
            runs.append([step])
    return runs


def render(copy: Pixels, steps: list[Pass]) -> NDArray[np.float32]:
    """The net's input for passes of one shape: float32 N x 3 x H x W, 0..255, padded with black.

    `copy` is the picture already scaled to the passes' `size`.
    """
    inputs = np.zeros((len(steps), 3, *steps[0].input_shape), np.float32)
    for plane, step in zip(inputs, steps, strict=True):
        x, y, width, height = step.window
        turned = np.rot90(copy[y : y + height, x : x + width], step.quarter_turns)
        plane[:, : turned.shape[0], : turned.shape[1]] = turned.transpose(2, 0, 1)
    return inputs


def digest_of(copy: Pixels, steps: list[Pass]) -> bytes:
    """What tells the inputs that `render` makes of these passes from all others."""
    digest = hashlib.sha256()
    for step in steps:
        x, y, width, height = step.window
        digest.update(f"{width} {height} {step.quarter_turns} ".encode())
        digest.update(np.ascontiguousarray(copy[y : y + height, x : x + width]))  # type: ignore[arg-type]
    return digest.digest()


def _padded(length: int) -> int:
    multiple = 32 if length <= 256 else 64  # the net itself asks for 32
    return -(-length // multiple) * multiple


def scale_picture(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """The picture at `size` (width, height): averaged when smaller, bilinear when larger."""
    if size == (pixels.shape[1], pixels.shape[0]):
        return pixels
    smaller = size[0] < pixels.shape[1]
    return np.asarray(
        cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR), np.uint8
    )
