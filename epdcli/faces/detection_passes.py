"""Which copies of a picture the detection net looks at: scaled, turned by quarters, cut into tiles.

The bare net misses faces over about 550 px, under about 15 px, and those rolled by more than 45
degrees. So it looks at several copies; `plan_passes` says which, `render` makes one, `to_picture`
brings what was found back.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.faces.boxes import Candidates
from epdcli.model import Pixels

MULTIPLE = 32  # the net halves its input five times


@dataclass(frozen=True)
class DetectionSettings:
    """How hard to look. `threshold` 0..1 is the score a face needs on an upright copy.

    `passes`: "all" also looks at the picture turned by 90, 180 and 270 degrees, "upright" doesn't.
    """

    threshold: float = 0.25
    turned_threshold: float = 0.35
    passes: str = "all"


@dataclass(frozen=True)
class Pass:
    """One input of the net: a window of the scaled picture, turned by quarters, and the score it needs.

    `size` is the scaled picture's (width, height), `window` is x, y, width, height in it;
    `quarter_turns` counts counter-clockwise, as `numpy.rot90` does.
    """

    size: tuple[int, int]
    window: tuple[int, int, int, int]
    quarter_turns: int
    threshold: float


def plan_passes(height: int, width: int, settings: DetectionSettings) -> list[Pass]:
    """The passes for a picture of this size, finest first.

    The copy for small faces is the picture itself (up to 4 megapixels; smaller than 512 px: enlarged at
    most twice), in overlapping tiles; copies at quarter size of the one before follow as long as a face
    could be too large for the net; then the turned copies, at most 512 px.
    """
    longest = max(height, width)
    finest = min(max(1.0, min(2.0, 512 / longest)), (4e6 / (height * width)) ** 0.5)
    scales = [finest]
    while scales[-1] * longest > 1100:
        scales.append(max(scales[-1] / 4, 480 / longest))
    passes = [
        Pass(scaled, window, 0, settings.threshold)
        for scaled in (_scaled(height, width, scale) for scale in scales)
        for window in tiles(*scaled)
    ]
    if settings.passes == "all":
        scaled = _scaled(height, width, min(finest, 512 / longest))
        passes += [Pass(scaled, (0, 0, *scaled), turns, settings.turned_threshold) for turns in (1, 2, 3)]
    return passes


def _scaled(height: int, width: int, scale: float) -> tuple[int, int]:
    return max(1, round(width * scale)), max(1, round(height * scale))


def tiles(width: int, height: int, side: int = 1280, overlap: int = 160) -> list[tuple[int, int, int, int]]:
    """Windows (x, y, width, height) of at most `side` that cover the area, neighbours sharing `overlap`.

    A face smaller than the overlap lies whole in one of them.
    """

    def starts(length: int) -> list[int]:
        if length <= side:
            return [0]
        count = -(-(length - overlap) // (side - overlap))
        return [round(i * (length - side) / (count - 1)) for i in range(count)]

    return [(x, y, min(side, width), min(side, height)) for y in starts(height) for x in starts(width)]


def render(copy: Pixels, step: Pass) -> NDArray[np.float32]:
    """The net's input for one pass: float32 1 x 3 x H x W, 0..255, sides padded with black to 32.

    `copy` is the picture already scaled to `step.size`.
    """
    x, y, width, height = step.window
    turned = np.rot90(copy[y : y + height, x : x + width], step.quarter_turns)
    rows, columns = turned.shape[:2]
    blob = np.zeros((1, 3, -(-rows // MULTIPLE) * MULTIPLE, -(-columns // MULTIPLE) * MULTIPLE), np.float32)
    blob[0, :, :rows, :columns] = turned.transpose(2, 0, 1)
    return blob


def scale_picture(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """The picture at `size` (width, height): averaged when smaller, bilinear when larger."""
    if size == (pixels.shape[1], pixels.shape[0]):
        return pixels
    smaller = size[0] < pixels.shape[1]
    return np.asarray(
        cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR), np.uint8
    )


def to_picture(candidates: Candidates, step: Pass, height: int, width: int) -> Candidates:
    """Candidates of a pass, in pixels of its input, to pixels of the picture.

    Turned boxes stay upright rectangles; landmarks keep their order: the left eye is the one on the
    left when the face is upright.
    """
    x, y, window_width, window_height = step.window
    points = candidates[:, :14].reshape(-1, 7, 2).copy()  # corner, extent, five landmarks
    points[:, 1] += points[:, 0]
    turned_width, turned_height = (window_width, window_height)[:: -1 if step.quarter_turns % 2 else 1]
    for _ in range(step.quarter_turns):  # undo one counter-clockwise turn: the top edge becomes the right
        points = np.stack([turned_height - points[:, :, 1], points[:, :, 0]], axis=2)
        turned_width, turned_height = turned_height, turned_width
    points = (points + np.array((x, y))) * (width / step.size[0], height / step.size[1])
    corners = np.sort(points[:, :2], axis=1)
    table = candidates.copy()
    table[:, :2] = corners[:, 0]
    table[:, 2:4] = corners[:, 1] - corners[:, 0]
    table[:, 4:14] = points[:, 2:].reshape(-1, 10)
    return table
