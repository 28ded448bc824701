"""Which parts of a picture are covered by new faces, and whether a face found there is one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.faces.alignment import alignment_matrix, inverse, map_points
from epdcli.model import Box, Face, Pixels

_PLAIN = 8  # levels of alpha
PROCESSED = 0.9  # of a face found in a finished picture must lie under applied masks
# The inner face, brows to chin and cheek to cheek, as an ellipse of the aligned 256 px frame. Detectors'
# boxes differ and reach into hair and background; this is what identifies.
_CENTRE, _RADII = (128.0, 148.0), (56.0, 64.0)
_STRAIGHT_PX, _TURNED_PX, _NARROWEST = 4.0, 36.0, 0.4  # pixels by which the nose stands out of the middle


def inner_face(face: Face) -> NDArray[np.float64]:
    """The outline (32, 2) of a face's inner part in the picture, as its five landmarks place it.

    Where they determine nothing, the ellipse in its box.
    """
    try:
        matrix = alignment_matrix(face, 256)
    except ValueError:
        return oval(face.box)
    return map_points(inverse(matrix), inner_outline(map_points(matrix, face.landmarks)))


def inner_outline(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """The outline (32, 2) of the inner face in the aligned 256 px frame, given the five landmarks there.

    An ellipse; of a turned head, whose nose stands out of the middle, the half behind it is narrower: there
    the face ends, and the background begins.
    """
    turned = float(landmarks[2, 0] - landmarks[[0, 1, 3, 4], 0].mean())
    narrow = float(np.clip(1 - (abs(turned) - _STRAIGHT_PX) / _TURNED_PX, _NARROWEST, 1))
    outline = oval(Box(_CENTRE[0] - _RADII[0], _CENTRE[1] - _RADII[1], 2 * _RADII[0], 2 * _RADII[1]))
    behind = (outline[:, 0] - _CENTRE[0]) * turned > 0
    outline[behind, 0] = _CENTRE[0] + narrow * (outline[behind, 0] - _CENTRE[0])
    return outline


def oval(box: Box, scale: float = 1.0, points: int = 32) -> NDArray[np.float64]:
    """The ellipse inscribed in a box, as a polygon (points, 2)."""
    angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
    radii = np.array((box.width, box.height)) * (scale / 2)
    return np.array(box.centre) + np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii


def covered_share(where: NDArray[np.bool_], face: Face) -> float:
    """How much of the inner face, where it is inside the picture, `where` (H, W) holds: 0..1.

    A face that lies outside the picture altogether counts as covered.
    """
    inside = _inner(where, face)
    return float(inside.mean()) if inside.size else 1.0


def is_plain(alpha: NDArray[np.uint8], face: Face) -> bool:
    """Whether transparency (H, W) shows nothing of a face: nine tenths of its inner part are alike."""
    inside = _inner(alpha, face).astype(np.int16)
    return not inside.size or float((np.abs(inside - np.median(inside)) <= _PLAIN).mean()) >= PROCESSED


def _inner(plane: NDArray[Any], face: Face) -> NDArray[Any]:
    """The values (n,) of a plane (H, W) in the inner face, where that is inside the picture."""
    outline = inner_face(face)
    low = np.maximum(np.floor(outline.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(outline.max(axis=0)) + 1, plane.shape[::-1]).astype(int)
    if (high <= low).any():
        return plane.reshape(-1)[:0]
    inside = np.zeros((high - low)[::-1], np.uint8)
    cv2.fillConvexPoly(inside, np.rint(outline - low).astype(np.int32), 1)
    return np.asarray(plane[low[1] : high[1], low[0] : high[0]][inside > 0])


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
