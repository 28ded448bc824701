"""`solid`: the face's mean colour. Nothing of a face is left; also what every failed face falls back to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from epdcli.methods.box_frame import SIZE, box_ellipse, box_matrix, inner_mean
from epdcli.model import AlignedFace, Code, Face, Matrix, NewFace
from epdcli.runtimes import Engine


class Solid:
    name = "solid"
    size = SIZE
    random = False
    synthetic = False

    def __init__(self, engine: Engine | None = None, strength: float | None = None) -> None:
        """`strength` is not used: solid is solid."""

    def matrix(self, face: Face) -> Matrix:
        return box_matrix(face)

    def leaves_nothing(self, face: Face) -> bool:
        return True

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        """Each face's ellipse in its mean colour."""
        return [self._one(face) for face in faces]

    def _one(self, aligned: AlignedFace) -> NewFace:
        mask = box_ellipse(aligned.face)
        colour = inner_mean(aligned.pixels, mask)
        return NewFace(np.full_like(aligned.pixels, np.rint(colour).astype(np.uint8)), mask)
