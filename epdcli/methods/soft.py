"""`soft`: a smooth patch of a few of the face's own colours; also what every face falls back to.

At most 4 x 4 colours of the face are blown up smoothly under a feathered ellipse a tenth larger than the
face's box, with the grain of what lies around it: 49 numbers in all, less than a mosaic of 4 x 4 blocks
shows, since no edge is left. No recogniser is asked about it: there is nothing left to ask about.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.methods.box_frame import FRAME_TO_BOX, SIZE, box_matrix, box_radius
from epdcli.methods.strength import chosen
from epdcli.model import AlignedFace, Code, Face, Mask, Matrix, NewFace, Pixels
from epdcli.runtimes import Engine

_CELLS = 4  # colours across and down the face's box
_SOLID, _END = 1.0, 1.1  # radii of the ellipse in units of the box's: the mask is 1 up to here, 0 from there


class Soft:
    name = "soft"
    size = SIZE
    random = False
    synthetic = False

    def __init__(self, engine: Engine | None = None, strength: float | None = None) -> None:
        """`strength`: colours across and down, 1 to 4, 4 by default; fewer is stronger."""
        self._cells = round(chosen(self.name, strength, _CELLS, least=1, most=_CELLS))

    def matrix(self, face: Face) -> Matrix:
        return box_matrix(face)

    def leaves_nothing(self, face: Face) -> bool:
        return True

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        """Each face as a smooth patch of its own colours."""
        return [self._one(face) for face in faces]

    def _one(self, face: AlignedFace) -> NewFace:
        radius = box_radius(face.face)
        mask = np.clip((_END - radius) / (_END - _SOLID), 0, 1).astype(np.float32)
        colours = _colours(face.pixels, radius, self._cells)
        patch = _enlarged(colours, face.face) + _grain(face.pixels, radius)
        return NewFace(np.rint(np.clip(patch, 0, 255)).astype(np.uint8), mask)


def _colours(pixels: Pixels, radius: Mask, cells: int) -> NDArray[np.float32]:
    """The mean colours (cells, cells, 3) of the cells of the face's box, its ellipse alone counted."""
    inside = (radius <= 1).astype(np.float32)
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    window = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    weight, seen = inside[window], pixels[window] * inside[window][..., None]
    extent = (cells, cells)
    summed = cv2.resize(seen, extent, interpolation=cv2.INTER_AREA).reshape(cells, cells, 3)
    counted = cv2.resize(weight, extent, interpolation=cv2.INTER_AREA).reshape(cells, cells, 1)
    return np.asarray(summed / np.maximum(counted, 1e-3), np.float32)


def _enlarged(colours: NDArray[np.float32], face: Face) -> NDArray[np.float32]:
    """The colours over the whole frame (SIZE, SIZE, 3), smooth, each at the middle of its cell in the box."""
    cells = len(colours)
    longer = max(face.box.width, face.box.height, 1.0)
    across, down = (SIZE * side / longer / FRAME_TO_BOX / cells for side in (face.box.width, face.box.height))
    start_x, start_y = (SIZE - across * cells) / 2, (SIZE - down * cells) / 2
    to_frame = np.array([[across, 0, start_x + across / 2 - 0.5], [0, down, start_y + down / 2 - 0.5]])
    smooth = cv2.warpAffine(
        colours, to_frame, (SIZE, SIZE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.GaussianBlur(smooth, (0, 0), max(1.0, down / 3)), np.float32)


def _grain(pixels: Pixels, radius: Mask) -> NDArray[np.float32]:
    """Noise (SIZE, SIZE, 1) as strong as the finest detail around the face; always the same pattern."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.0))[(radius > _END) & (radius < 1.5 * _END)]
    strength = 1.48 * float(np.median(fine)) if fine.size else 0.0
    noise = np.random.default_rng(0).standard_normal((SIZE, SIZE, 1)).astype(np.float32)
    return strength * noise
