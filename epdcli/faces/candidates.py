"""Geometry of found faces: decoding CenterFace's maps, overlaps, merging. Pure functions on arrays.

Convention: a *candidate table* is `float32 (n, 15)`: x, y, width, height, five landmarks (x, y) and the
score. Coordinates are continuous, x to the right, y down, in pixels of whatever picture the table
belongs to; a picture W pixels wide reaches from x = 0 to x = W.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.model import Box, Face

Candidates: TypeAlias = NDArray[np.float32]  # (n, 15): x, y, w, h, 5 x (x, y), score

SCORE = 14
STRIDE = 4  # CenterFace's maps are a quarter of its input
PEAK = np.ones((3, 3), np.uint8)


def empty() -> Candidates:
    """A table of no candidates."""
    return np.zeros((0, 15), np.float32)


def decode(outputs: dict[str, NDArray[np.float32]], threshold: float) -> list[Candidates]:
    """CenterFace's four maps to one candidate table for each picture of the batch.

    `outputs`: `537` heat (N, 1, h, w) 0..1, `538` log of height and width in strides (N, 2, h, w), `539`
    offset of the centre (y, x) in strides, `540` landmarks (N, 10, h, w) as (y, x) pairs, from the box's
    corner in units of the box. A face is a local maximum (3 x 3) of the heat above `threshold`.
    Source: Xu et al., "CenterFace: Joint Face Detection and Alignment Using Face as Point", 2019.
    """
    maps = zip(outputs["537"], outputs["538"], outputs["539"], outputs["540"], strict=True)
    return [_decode_one(heat[0], size, offset, points, threshold) for heat, size, offset, points in maps]


def _decode_one(
    heat: NDArray[np.float32],
    size: NDArray[np.float32],
    offset: NDArray[np.float32],
    points: NDArray[np.float32],
    threshold: float,
) -> Candidates:
    rows, columns = np.nonzero((heat > threshold) & (heat >= cv2.dilate(heat, PEAK)))
    # the logarithm is bounded so that a damaged map can't overflow; exp(7) strides are 4,386 px
    extent = np.exp(np.clip(size[::-1, rows, columns].T, -4, 7)) * STRIDE  # (n, 2): width, height
    cells = np.stack([columns, rows], axis=1)
    centre = (cells + offset[::-1, rows, columns].T + 0.5) * STRIDE
    corner = centre - extent / 2
    units = points[:, rows, columns].T.reshape(-1, 5, 2)[:, :, ::-1]  # (n, 5, 2): x, y
    landmarks = units * extent[:, None] + corner[:, None]
    columns_of_table = [corner, extent, landmarks.reshape(-1, 10), heat[rows, columns, None]]
    return np.concatenate(columns_of_table, axis=1, dtype=np.float32)


def mapped(candidates: Candidates, matrix: NDArray[np.float64]) -> Candidates:
    """The candidates where `matrix` (2 x 3) takes them; a box becomes the box of its turned corners."""
    corner, extent = candidates[:, None, :2], candidates[:, None, 2:4]
    corners = corner + extent * np.array([(0, 0), (1, 0), (1, 1), (0, 1)], np.float32)  # (n, 4, 2)
    points = np.concatenate([corners, candidates[:, 4:SCORE].reshape(-1, 5, 2)], axis=1)
    points = points @ matrix[:, :2].T + matrix[:, 2]
    low, high = points[:, :4].min(axis=1), points[:, :4].max(axis=1)
    rows = [low, high - low, points[:, 4:].reshape(-1, 10), candidates[:, SCORE:]]
    return np.concatenate(rows, axis=1, dtype=np.float32)


def overlaps(box: NDArray[np.float32], others: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Intersection over union, and intersection over the smaller of both, of one box with many.

    `box` (4,) and `others` (n, 4) are x, y, width, height; both answers are (n,), 0..1.
    """
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[:2] + box[2:4], others[:, :2] + others[:, 2:4])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    area, areas = np.prod(box[2:4]), np.prod(others[:, 2:4], axis=1)
    union = shared / np.maximum(area + areas - shared, 1e-9)
    return union, shared / np.maximum(np.minimum(area, areas), 1e-9)


def suppress(candidates: Candidates, union: float, inside: float) -> Candidates:
    """Keep the best of candidates that show the same face (greedy non-maximum suppression by score).

    A candidate goes when it shares more than `union` (intersection over union) with a better one, or
    when more than `inside` of the smaller of both lies in the other: the copy of a large face on which
    the net saw only half of it.
    """
    order = np.argsort(-candidates[:, SCORE], kind="stable")
    kept: list[int] = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(int(best))
        iou, contained = overlaps(candidates[best, :4], candidates[rest, :4])
        order = rest[(iou <= union) & (contained <= inside)]
    return candidates[kept]


def faces(candidates: Candidates) -> list[Face]:
    """The table's rows as `Face`, in reading order of their centres, so that scores decide no numbers.

    Coordinates are rounded to an eighth of a pixel: runtimes that differ in the sixth digit then cut out the
    same pixels, and everything after detection agrees.
    """
    rounded = np.round(candidates[:, :SCORE] * 8) / 8
    found = [
        Face(Box(*map(float, row[:4])), row[4:].reshape(5, 2).copy(), float(score))
        for row, score in zip(rounded, candidates[:, SCORE], strict=True)
    ]
    return sorted(found, key=lambda face: (*face.box.centre[::-1], *face.box))
