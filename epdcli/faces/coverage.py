"""Which parts of a picture are covered by new faces, and whether a face found there is one of them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.model import Box, Face, Pixels

PROCESSED = 0.9  # of a face found in a finished picture must lie under applied masks
# A detector's box reaches into hair, ears and background; the face itself is the ellipse in its inner part.
INNER = 0.85


def oval(box: Box, scale: float = 1.0, points: int = 32) -> NDArray[np.float64]:
    """The ellipse inscribed in a box, as a polygon (points, 2). A box's corners hold background, not face."""
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    radii = np.array((box.width, box.height)) * (scale / 2)
    return np.array(box.centre) + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii


def covered_share(where: NDArray[np.bool_], box: Box) -> float:
    """How much of the face (the ellipse in the inner 85 % of its box), as far as it is inside the picture,
    lies where `where` (H, W) is true: 0..1.

    A face that lies outside the picture altogether counts as covered.
    """
    height, width = where.shape
    left, top = max(0, int(np.floor(box.x))), max(0, int(np.floor(box.y)))
    right = min(width, int(np.ceil(box.x + box.width)) + 1)
    bottom = min(height, int(np.ceil(box.y + box.height)) + 1)
    if right <= left or bottom <= top:
        return 1.0
    inside = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillConvexPoly(inside, np.rint(oval(box, INNER) - (left, top)).astype(np.int32), 1)
    total = int(inside.sum())
    return float((where[top:bottom, left:right] & (inside > 0)).sum()) / total if total else 1.0


def conceal(pixels: Pixels, faces: Sequence[Face]) -> Pixels:
    """A copy of the picture with every face under an ellipse of its mean colour (1.3 times its box).

    What a generator may see of the neighbours of the face at hand.
    """
    result = pixels.copy()
    height, width = pixels.shape[:2]
    for face in faces:
        box = face.box
        rows = slice(max(0, int(box.y)), min(height, int(box.y + box.height) + 1))
        columns = slice(max(0, int(box.x)), min(width, int(box.x + box.width) + 1))
        region = pixels[rows, columns]
        if region.size:
            colour = region.reshape(-1, 3).mean(axis=0)
            cv2.fillConvexPoly(result, np.rint(oval(box, 1.3)).astype(np.int32), [float(c) for c in colour])
    return result
