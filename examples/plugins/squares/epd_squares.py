"""An example of a method: squares of the face's colours, in another order for every identity code.

It teaches how a method is made. How much of a face it leaves was not measured beyond what every run checks.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from epdcli.methods.box_frame import SIZE, box_ellipse, box_matrix
from epdcli.methods.strength import chosen
from epdcli.model import AlignedFace, Code, Face, Matrix, NewFace
from epdcli.runtimes import Engine

_MARGIN = SIZE // 6  # the frame is 1.5 boxes wide


class Squares:
    name = "squares"
    size = SIZE
    random = True
    synthetic = False

    def __init__(self, engine: Engine, strength: float | None = None) -> None:
        """`strength`: squares across the new face, 8 by default; fewer is stronger."""
        self._across = round(chosen(self.name, strength, default=8, least=1, most=64))

    def matrix(self, face: Face) -> Matrix:
        return box_matrix(face)

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        return [self._one(face, code) for face, code in zip(faces, codes, strict=True)]

    def _one(self, aligned: AlignedFace, code: Code) -> NewFace:
        inner = aligned.pixels[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
        across = (self._across, self._across)
        colours = cv2.resize(inner, across, interpolation=cv2.INTER_AREA).reshape(-1, 3)
        mixed = np.random.default_rng(code.view(np.uint32)).permutation(colours).reshape(*across, 3)
        pixels = cv2.resize(mixed, (SIZE, SIZE), interpolation=cv2.INTER_NEAREST)
        return NewFace(pixels.astype(np.uint8), box_ellipse(aligned.face))
