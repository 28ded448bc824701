"""One picture of a set as the judges see it: beside its original, with the face that is meant in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epdcli import pictures
from epdcli.evaluation.cache import Cache, key_of
from epdcli.evaluation.portraits import Portrait
from epdcli.faces.candidates import Candidates, faces
from epdcli.faces.detection import Detector
from epdcli.files import sha256_of
from epdcli.model import Box, Face, Pixels, Points

SAME_FACE = 0.5  # a detection is the main face when its centre moved by less than this part of its size
_ROW = 15  # box, five landmarks, score


@dataclass(frozen=True, eq=False)
class Main:
    """The main face of an original, all faces found there, and the SHA-256 of the file."""

    face: Face
    others: tuple[Face, ...]
    sha256: str

    @property
    def key(self) -> bytes:
        return self.sha256.encode() + np.round(self.face.landmarks, 2).tobytes()


@dataclass(frozen=True, eq=False)
class Pair:
    """A picture of a set (`path`) and its original (`source`); both are read when they are needed."""

    path: Path
    source: Path

    @cached_property
    def pixels(self) -> Pixels:
        return pictures.read(self.path).frames[0]

    @cached_property
    def original(self) -> Pixels:
        return self.pixels if self.path == self.source else pictures.read(self.source).frames[0]


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture with its original and main face.

    `found` is the main face as an attacker finds it in the picture itself, None where he doesn't.
    """

    pair: Pair
    main: Main
    found: Face | None = None

    @property
    def pixels(self) -> Pixels:
        return self.pair.pixels

    @property
    def original(self) -> Pixels:
        return self.pair.original

    @property
    def naive_points(self) -> Points:
        """The five points that an attacker aligns by; the original's where he finds no face."""
        return self.main.face.landmarks if self.found is None else self.found.landmarks


def main_face(portrait: Portrait, detector: Detector, cache: Cache) -> Main | None:
    """The face that a portrait shows: at the given points, else the largest and most central detection.

    None where neither is there. Raises PictureError when the original can't be read.
    """
    digest = sha256_of(portrait.path)
    key = key_of("faces", digest, detector.name)
    known = cache.load(key)
    if "faces" not in known or "size" not in known:
        pixels = pictures.read(portrait.path).frames[0]
        known = {
            "faces": rows_of(detector.detect(pixels)),
            "size": np.array(pixels.shape[:2], np.float32),
        }
        cache.store(key, known)
    found = faces(known["faces"].reshape(-1, _ROW))
    if portrait.landmarks is not None:
        given = _at(portrait.landmarks)
        same = nearest(found, given)
        box = given.box if same is None else same.box
        return Main(Face(box, portrait.landmarks, 1.0), tuple(found), digest)
    if not found:
        return None
    height, width = known["size"]
    centre = np.array((width / 2, height / 2))
    return Main(max(found, key=lambda face: _weight(face, centre)), tuple(found), digest)


def nearest(found: Sequence[Face], wanted: Face) -> Face | None:
    """The detection of the same face: the nearest, by less than `SAME_FACE` of the face's size."""
    if not found:
        return None
    gaps = [np.hypot(*np.subtract(_middle(face), _middle(wanted))) for face in found]
    best = int(np.argmin(gaps))
    return found[best] if gaps[best] < SAME_FACE * _size(wanted) else None


def rows_of(found: Sequence[Face]) -> Candidates:
    """Detections as a table (n, 15): box, five landmarks, score."""
    rows = [np.concatenate([face.box, face.landmarks.ravel(), [face.score]]) for face in found]
    return np.array(rows, np.float32).reshape(-1, _ROW)


def face_of(row: NDArray[np.float32]) -> Face | None:
    """The way back of one row; None where its score is 0."""
    if not row[-1] > 0:
        return None
    return Face(Box(*map(float, row[:4])), row[4:14].reshape(5, 2).astype(np.float32), float(row[-1]))


def _at(points: Points) -> Face:
    """A face at five points, with the box that detectors usually draw around such points."""
    middle = points.mean(axis=0)
    across = float(np.linalg.norm(points[1] - points[0]))
    return Face(
        Box(float(middle[0] - 1.2 * across), float(middle[1] - 1.5 * across), 2.4 * across, 3 * across),
        points,
        1.0,
    )


def _middle(face: Face) -> NDArray[np.float32]:
    return face.landmarks.mean(axis=0)


def _size(face: Face) -> float:
    return float(np.sqrt(face.box.width * face.box.height))


def _weight(face: Face, centre: NDArray[np.float64]) -> float:
    """Large and central: the size less the distance from the picture's centre, both in pixels."""
    return _size(face) - float(np.hypot(*(_middle(face) - centre)))
