"""A sheet of faces, originals above and every set below, for eyes that may see the originals."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli import pictures
from epdcli.evaluation.bench import Subject
from epdcli.faces.alignment import align
from epdcli.model import Pixels

_SIDE, _GAP, _LABEL = 144, 4, 110
_INK, _PAPER = (40, 40, 40), 255


def picture_sheet(subject: Subject, seed: int, columns: int = 8) -> str:
    """A JPEG in a data address: the same drawn portraits in every row, aligned by the originals' points."""
    complete = np.flatnonzero(np.all([m.present for m in subject.measured], axis=0))
    if not len(complete):
        return ""
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(complete, min(columns, len(complete)), replace=False))
    rows = [_row(subject, number, chosen) for number in range(len(subject.sets))]
    sheet = np.concatenate(rows)
    done, content = cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    assert done
    return "data:image/jpeg;base64," + base64.b64encode(content.tobytes()).decode("ascii")


def _row(subject: Subject, number: int, chosen: NDArray[np.integer]) -> Pixels:
    given = subject.sets[number]
    label = np.full((_SIDE + _GAP, _LABEL, 3), _PAPER, np.uint8)
    cv2.putText(label, given.name[:14], (4, _SIDE // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
    cells: Sequence[Pixels] = [_face(subject, number, int(i)) for i in chosen]
    return np.concatenate([label, *cells], axis=1)


def _face(subject: Subject, number: int, portrait: int) -> Pixels:
    path = subject.sets[number].files[portrait]
    assert path is not None
    pixels = pictures.read(path).frames[0]
    cell = np.full((_SIDE + _GAP, _SIDE + _GAP, 3), _PAPER, np.uint8)
    cell[:_SIDE, :_SIDE] = align(pixels, subject.mains[portrait].face, _SIDE).pixels
    return cell
