"""Finds faces: CenterFace on several copies of the picture, merged, the doubtful ones looked at again."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from epdcli.faces import candidates as candidate_tables
from epdcli.faces.candidates import SCORE, Candidates
from epdcli.faces.detection_passes import (
    DetectionSettings,
    Pass,
    batches,
    digest_of,
    finest_scale,
    plan_passes,
    render,
    scale_picture,
    smallest_promised,
)
from epdcli.faces.face_outline import enlarged
from epdcli.faces.second_look import Session, look_again
from epdcli.model import Face, Pixels

FIRST_LOOK = 0.67  # of the score it needs in the end: then a candidate gets its second look
SMALLEST_COARSE_PX = 14.0  # smaller finds on the coarse copies are left to the finest
# Size (root of the area, in pixels of the finest copy) and how many times the threshold a face then needs.
NEEDED_SIZES, NEEDED_TIMES = (12.0, 16.0, 24.0), (2.5, 1.4, 1.0)
REMEMBERED = 64  # inputs of the net
_MIRRORED_POINTS = [1, 0, 2, 4, 3]  # eyes and corners of the mouth change sides
SAME_UNION, SAME_INSIDE = 0.4, 0.8  # candidates that overlap by more show the same face


class Engine(Protocol):
    """What opens a network of the weights by its name."""

    def session(self, name: str) -> Session: ...


class Detector(Protocol):
    """What finds faces. Found by entry point (`epd.detectors`), made with an engine and settings."""

    name: str

    def detect(self, pixels: Pixels) -> list[Face]:
        """The faces of a picture (uint8 H x W x 3, RGB), in a fixed order, each with five landmarks."""
        ...


@runtime_checkable
class Promising(Protocol):
    """A detector that says how small a face may be for it."""

    def smallest(self, height: int, width: int) -> float:
        """From how many pixels of height on faces of a picture of this size are looked for."""
        ...


def detect_mirrored(detector: Detector, pixels: Pixels) -> list[Face]:
    """The faces of a picture (uint8 H x W x 3, RGB) as found in its mirror image, where the detector decides
    anew; boxes and landmarks are the picture's own."""
    width = pixels.shape[1]
    found = detector.detect(np.ascontiguousarray(pixels[:, ::-1]))
    return [_mirrored(face, width) for face in found]


def _mirrored(face: Face, width: int) -> Face:
    box = face.box._replace(x=width - face.box.x - face.box.width)
    landmarks = np.stack([width - face.landmarks[:, 0], face.landmarks[:, 1]], axis=1)[_MIRRORED_POINTS]
    return replace(face, box=box, landmarks=landmarks.astype(np.float32))


class CenterFaceDetector:
    """CenterFace (MIT) with an image pyramid, tiles, turned copies and a second look."""

    name = "centerface"

    def __init__(self, engine: Engine, settings: DetectionSettings | None = None) -> None:
        self._session = engine.session("centerface")
        self._settings = settings or DetectionSettings()
        self._remembered: dict[bytes, list[Candidates]] = {}

    def detect(self, pixels: Pixels) -> list[Face]:
        """The faces of a picture (uint8 H x W x 3, RGB), from top to bottom, each with five landmarks.

        Boxes hold the whole face with some room, of a rolled face its turned rectangle; boxes and
        landmarks are in pixels of the picture and may reach over its border. Scores are 0..1; rolled
        faces have their landmarks in the order of the upright face.
        """
        height, width = pixels.shape[:2]
        scale = finest_scale(height, width, self._settings)
        candidates = candidate_tables.suppress(self._first_look(pixels), SAME_UNION, SAME_INSIDE)
        sizes = np.sqrt(candidates[:, 2] * candidates[:, 3]) * scale
        needed = needed_score(sizes, self._settings.threshold)
        worth = (sizes >= NEEDED_SIZES[0]) & (candidates[:, SCORE] >= FIRST_LOOK * needed)
        candidates = look_again(self._session, pixels, candidates, worth)
        good = (candidates[:, SCORE] >= needed) & (worth | (sizes < NEEDED_SIZES[0]))
        return candidate_tables.faces(
            enlarged(candidate_tables.suppress(candidates[good], SAME_UNION, SAME_INSIDE))
        )

    def smallest(self, height: int, width: int) -> float:
        """From how many pixels of height on faces of a picture of this size are promised to be seen."""
        return smallest_promised(height, width, self._settings)

    def _first_look(self, pixels: Pixels) -> Candidates:
        height, width = pixels.shape[:2]
        passes = plan_passes(height, width, self._settings)
        tables = []
        largest = scale_picture(pixels, min(passes[0].size, (width, height)))
        for size, group in groupby(passes, key=lambda step: step.size):
            copy = scale_picture(largest, size)  # one copy more at a time: that bounds the memory
            for steps in batches(list(group)):
                fine = size == passes[0].size
                for step, table in zip(steps, self._seen(copy, steps), strict=True):
                    kept = table if fine else table[table[:, 2:4].max(axis=1) >= SMALLEST_COARSE_PX]
                    tables.append(candidate_tables.mapped(kept, step.matrix(height, width)))
        return np.concatenate(tables)

    def _seen(self, copy: Pixels, steps: list[Pass]) -> list[Candidates]:
        """What the net sees in these passes. Tiles of a finished file that are the source's, bit for bit,
        show what they showed there: that is remembered."""
        key = digest_of(copy, steps)
        if key not in self._remembered:
            outputs = self._session.run({"input.1": render(copy, steps)})
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = candidate_tables.decode(outputs, FIRST_LOOK * self._settings.threshold)
        return self._remembered[key]


def needed_score(sizes: NDArray[np.floating], threshold: float) -> NDArray[np.float64]:
    """The score that faces of these sizes (n,) need: a few pixels look like a face in many places.

    `sizes` are roots of the boxes' areas in pixels of the finest copy.
    """
    return threshold * np.interp(sizes, NEEDED_SIZES, NEEDED_TIMES)
