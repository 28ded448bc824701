"""`pixelate`: a mosaic of a few blocks across the face, also the second choice for faces under 40 px."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from epdcli.faces.verification import is_small
from epdcli.methods.box_frame import SIZE, box_ellipse, box_matrix
from epdcli.methods.strength import chosen
from epdcli.model import AlignedFace, Code, Face, Matrix, NewFace
from epdcli.runtimes import Engine

_BLOCKS = 6.0  # across the face
_LEAST = 0.5  # one block in the whole frame


class Pixelate:
    name = "pixelate"
    size = SIZE
    random = False
    synthetic = False

    def __init__(self, engine: Engine | None = None, strength: float | None = None) -> None:
        """`strength`: blocks across the face's longer side, 6 by default; fewer is stronger."""
        self._blocks = chosen(self.name, strength, _BLOCKS, _LEAST)

    def matrix(self, face: Face) -> Matrix:
        return box_matrix(face)

    def leaves_nothing(self, face: Face) -> bool:
        return is_small(face)

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        """Each face as a mosaic under its ellipse."""
        across = max(1, round(self._blocks * 1.5))  # the frame is 1.5 boxes wide
        return [
            NewFace(
                cv2.resize(
                    cv2.resize(face.pixels, (across, across), interpolation=cv2.INTER_AREA),
                    (SIZE, SIZE),
                    interpolation=cv2.INTER_NEAREST,
                ).astype(np.uint8),
                box_ellipse(face.face),
            )
            for face in faces
        ]
