"""A bank at a glance: its faces in rows, each with number, apparent age and sex."""

from __future__ import annotations

import cv2
import numpy as np

from epdcli.model import Pixels
from epdcli.synthetic.bank import Bank

_FACE_PX, _LINE_PX = 128, 16
_MARGIN = 36  # pixels of the aligned frame that are cut off at each side: they show no face
_QUALITY = 88


def contact_sheet(bank: Bank, most: int) -> bytes:
    """A JPEG with at most `most` people, spread evenly over the bank, in a sheet about as wide as high."""
    numbers = np.unique(np.linspace(0, len(bank) - 1, min(most, len(bank))).round().astype(int))
    across = max(1, round(float(np.sqrt(len(numbers)))))
    cells = [_cell(bank, int(number)) for number in numbers]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % across)
    rows = [np.hstack(cells[start : start + across]) for start in range(0, len(cells), across)]
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return encoded.tobytes()


def _cell(bank: Bank, number: int) -> Pixels:
    face = bank.picture(number)[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    shown = cv2.resize(face, (_FACE_PX, _FACE_PX), interpolation=cv2.INTER_AREA)
    line = np.full((_LINE_PX, _FACE_PX, 3), 255, np.uint8)
    sex = "m" if bank.male[number] > 0.5 else "f"
    text = f"{number}: {bank.age[number]:.0f} {sex}"
    cv2.putText(line, text, (3, _LINE_PX - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([shown, line]).astype(np.uint8)
