"""An example of a method: a checkerboard in two shades of the face's mean colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from epdcli.methods.box_frame import SIZE, box_ellipse, box_matrix, inner_mean
from epdcli.model import AlignedFace, Code, Face, Matrix, NewFace
from epdcli.runtimes import Engine


class Checkerboard:
    name = "checkerboard"
    size = SIZE
    random = False
    synthetic = False

    def __init__(self, engine: Engine, strength: float | None = None) -> None:
        """`strength`: side of a field in pixels of the 256 px frame, 24 by default."""
        self._side = int(strength or 24)

    def matrix(self, face: Face) -> Matrix:
        return box_matrix(face)

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        rows, columns = np.indices((SIZE, SIZE)) // self._side
        shade = np.where((rows + columns) % 2, 1.2, 0.8)[..., None]
        masks = [box_ellipse(aligned.face) for aligned in faces]
        colours = [inner_mean(aligned.pixels, mask) for aligned, mask in zip(faces, masks, strict=True)]
        return [
            NewFace(np.clip(shade * colour, 0, 255).astype(np.uint8), mask)
            for colour, mask in zip(colours, masks, strict=True)
        ]
