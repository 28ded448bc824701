"""The frame of the classical methods: the detector's box, centred, and an ellipse over it."""

from __future__ import annotations

import cv2
import numpy as np

from epdcli.model import Face, Mask, Matrix

SIZE = 256
FRAME_TO_BOX = 1.5  # side of the frame in units of the box's longer side
_ELLIPSE_TO_BOX = 1.3  # the ellipse holds all but the outermost corners of the box
_SOFT_EDGE = 0.06  # of the ellipse's radius


def box_matrix(face: Face) -> Matrix:
    """Picture points to a SIZE x SIZE frame with the face's box in its middle (2 x 3)."""
    zoom = SIZE / (FRAME_TO_BOX * max(face.box.width, face.box.height, 1.0))
    x, y = face.box.centre
    middle = (SIZE - 1) / 2
    return np.array([(zoom, 0.0, middle - zoom * x), (0.0, zoom, middle - zoom * y)])


def box_ellipse(face: Face) -> Mask:
    """The mask (SIZE, SIZE): 1 in an ellipse 1.3 times the box, fading to 0 just outside it."""
    return np.clip(1 + (1 - box_radius(face) / _ELLIPSE_TO_BOX) / _SOFT_EDGE, 0, 1).astype(np.float32)


def box_radius(face: Face) -> Mask:
    """How far out each pixel of the frame lies, (SIZE, SIZE): 0 in the middle of the face's box, 1 on the
    ellipse inscribed in it."""
    longer = max(face.box.width, face.box.height, 1.0)
    radii = [max(1.0, SIZE / 2 / FRAME_TO_BOX * side / longer) for side in face.box[2:]]
    grid = np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2
    across, down = grid / radii[0], grid / radii[1]
    return np.sqrt(down[:, None] ** 2 + across[None, :] ** 2).astype(np.float32)


def inner_mean(pixels: np.ndarray, mask: Mask) -> np.ndarray:
    """The mean colour (3,) under a mask."""
    return np.array(cv2.mean(pixels, mask=(mask >= 1).astype(np.uint8))[:3])
