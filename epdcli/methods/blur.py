"""`blur`: a Gaussian over the face. What everybody knows, and weaker than it looks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from epdcli.methods.box_frame import SIZE, box_ellipse, box_matrix
from epdcli.methods.strength import chosen
from epdcli.model import AlignedFace, Code, Face, Matrix, NewFace
from epdcli.runtimes import Engine

_SIGMA = 0.12  # of the face's longer side
_LEAST = 0.001


class Blur:
    name = "blur"
    size = SIZE
    random = False
    synthetic = False

    def __init__(self, engine: Engine | None = None, strength: float | None = None) -> None:
        """`strength`: the Gaussian's sigma in units of the face's longer side, 0.12 by default."""
        self._sigma = chosen(self.name, strength, _SIGMA, _LEAST)

    def matrix(self, face: Face) -> Matrix:
        return box_matrix(face)

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        """Each face blurred under its ellipse."""
        sigma = self._sigma * SIZE / 1.5  # the frame is 1.5 boxes wide
        # cv2.GaussianBlur's whole numbers take seven times as long and differ by one grey level at most.
        bell = cv2.getGaussianKernel(round(6 * sigma) | 1, sigma)
        return [
            NewFace(cv2.sepFilter2D(face.pixels, -1, bell, bell).astype(np.uint8), box_ellipse(face.face))
            for face in faces
        ]
