"""`warp`: the face bent by a smooth random field that knows nothing of eyes or mouths.

After P. Korshunov and T. Ebrahimi, "Using warping for privacy protection in video surveillance", DSP 2013,
with a grid of random shifts in place of their key points. Weak: skin, hair, glasses and every mark stay, a
bent face is still somebody's, and whoever guesses the field bends it back. Of 118 main faces of LFW 60 pass
the verification at once at the default strength (87 at 0.08) and 103 after up to four warps: retries pick
what this one recogniser misses, and another one may still see through it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.methods.box_frame import SIZE, box_ellipse, box_matrix
from epdcli.methods.strength import chosen
from epdcli.model import AlignedFace, Code, Face, Matrix, NewFace, Pixels
from epdcli.runtimes import Engine

_SHIFT = 0.05  # of the face's longer side
_LEAST = 0.001
_GRID = 6  # random shifts across the frame, four of them across the face


class Warp:
    name = "warp"
    size = SIZE
    random = True
    synthetic = False

    def __init__(self, engine: Engine | None = None, strength: float | None = None) -> None:
        """`strength`: standard deviation of the shifts in longer sides of the face, 0.05 by default."""
        self._shift = chosen(self.name, strength, _SHIFT, _LEAST)

    def matrix(self, face: Face) -> Matrix:
        return box_matrix(face)

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        """Each face bent by the field that belongs to its code."""
        return [
            NewFace(self._bent(face.pixels, code), box_ellipse(face.face))
            for face, code in zip(faces, codes, strict=True)
        ]

    def _bent(self, pixels: Pixels, code: Code) -> Pixels:
        down, across = np.indices((SIZE, SIZE), dtype=np.float32)
        field = smooth_field(code) * np.float32(self._shift * SIZE / 1.5)  # the frame is 1.5 boxes wide
        bent = cv2.remap(
            pixels,
            across + field[..., 0],
            down + field[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        return bent.astype(np.uint8)


def smooth_field(code: Code) -> NDArray[np.float32]:
    """The shifts (SIZE, SIZE, 2) in x and y that belong to a code; standard deviation 1 at the grid."""
    digest = hashlib.sha256(np.ascontiguousarray(code, np.float32).tobytes()).digest()
    generator = np.random.Generator(np.random.Philox(int.from_bytes(digest[:16], "big")))
    grid = generator.standard_normal((_GRID, _GRID, 2)).astype(np.float32)
    return cv2.resize(grid, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC).astype(np.float32)
