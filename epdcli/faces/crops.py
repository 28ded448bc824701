"""Aligned faces as a method sees them: the face at hand, its neighbours concealed."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.faces.alignment import map_points, warp
from epdcli.faces.coverage import conceal, oval
from epdcli.faces.method import Method
from epdcli.model import AlignedFace, Face, Matrix, Pixels

_OWN = 1.4  # of a face's box: the ellipse that is its own, whoever stands beside it


def crops_for(
    method: Method, pixels: Pixels, faces: Sequence[Face], all_faces: Sequence[Face]
) -> list[AlignedFace]:
    """`faces` of a picture (H x W x 3, uint8), aligned as `method` takes them.

    Around each the others of `all_faces` are concealed, so that no method can carry a piece of one person's
    face into another's.
    """
    alone = len(all_faces) == 1
    backdrop = pixels if alone else conceal(pixels, all_faces)
    crops = []
    for face in faces:
        matrix = method.matrix(face)
        seen = warp(pixels, matrix, method.size)
        if not alone:
            own = _own_region(face, matrix, method.size)[..., None]
            seen = np.where(own, seen, warp(backdrop, matrix, method.size))
        crops.append(AlignedFace(face, seen, matrix))
    return crops


def _own_region(face: Face, matrix: Matrix, size: int) -> NDArray[np.bool_]:
    inside = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(inside, np.rint(map_points(matrix, oval(face.box, _OWN))).astype(np.int32), 1)
    return inside > 0
