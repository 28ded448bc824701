"""Boxes, numbers and scores on copies of pictures, for people to look at."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from epdcli.errors import UsageError
from epdcli.files import write_bytes
from epdcli.model import Face, Pixels

_GREEN, _BLACK = (0, 255, 0), (0, 0, 0)
_PRIVATE = 0o600  # the copies show the original faces
_QUALITY = 90


def write_drawn(out: Path, name: str, frames: Sequence[Pixels], faces: Sequence[Sequence[Face]]) -> None:
    """Write `out`/NAME.jpg, of several frames NAME.1.jpg and so on, with the faces drawn in.

    Raises UsageError where a file is there already: it may be a picture.
    """
    for number, (frame, some) in enumerate(zip(frames, faces, strict=True), 1):
        target = out / (f"{name}.{number}.jpg" if len(frames) > 1 else f"{name}.jpg")
        if target.exists():
            raise UsageError(f"{target} exists.", hint="Give --draw a new folder.")
        encoded = io.BytesIO()
        Image.fromarray(drawn(frame, some)).save(encoded, "JPEG", quality=_QUALITY)
        write_bytes(target, encoded.getvalue(), _PRIVATE)


def drawn(frame: Pixels, faces: Sequence[Face]) -> Pixels:
    """A copy of a frame (H x W x 3) with a box, a number from 1 on and the score at each face."""
    copy = np.ascontiguousarray(frame).copy()
    thick = max(1, round(max(frame.shape[:2]) / 600))
    size = thick * 0.4
    for number, face in enumerate(faces, 1):
        x, y, width, height = (round(side) for side in face.box)
        cv2.rectangle(copy, (x, y), (x + width, y + height), _GREEN, thick, cv2.LINE_AA)
        place, text = (max(0, x), max(12 * thick, y - 3 * thick)), f"{number}: {face.score:.2f}"
        for colour, around in ((_BLACK, 3 * thick), (_GREEN, thick)):
            cv2.putText(copy, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, colour, around, cv2.LINE_AA)
    return copy
