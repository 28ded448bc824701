"""Finds faces: CenterFace on several copies of the picture, merged, the doubtful ones looked at again."""

from __future__ import annotations

from itertools import groupby
from typing import Protocol

import numpy as np

from epdcli.faces import boxes
from epdcli.faces.boxes import SCORE, Candidates
from epdcli.faces.detection_passes import DetectionSettings, plan_passes, render, scale_picture
from epdcli.faces.face_outline import enlarged
from epdcli.faces.second_look import Session, look_again
from epdcli.model import Face, Pixels

FIRST_LOOK = 0.6  # of the threshold is enough to be looked at again
SMALLEST_COARSE_PX = 14.0  # smaller finds on the coarse copies are left to the finer ones


class Engine(Protocol):
    """What opens a network of the weights by its name."""

    def session(self, name: str) -> Session: ...


class Detector(Protocol):
    """What finds faces. Found by entry point (`epd.detectors`), made with an engine and settings."""

    name: str

    def detect(self, pixels: Pixels) -> list[Face]:
        """The faces of a picture (uint8 H x W x 3, RGB), in a fixed order, each with five landmarks."""
        ...


class CenterFaceDetector:
    """CenterFace (MIT) with an image pyramid, tiles, turned copies and a second look."""

    name = "centerface"

    def __init__(self, engine: Engine, settings: DetectionSettings | None = None) -> None:
        self._session = engine.session("centerface")
        self._settings = settings or DetectionSettings()

    def detect(self, pixels: Pixels) -> list[Face]:
        """The faces of a picture (uint8 H x W x 3, RGB), from top to bottom, each with five landmarks.

        Boxes hold the whole face with some room, of a rolled face its turned rectangle; boxes and
        landmarks are in pixels of the picture and may reach over its border. Scores are 0..1; rolled
        faces have their landmarks in the order of the upright face.
        """
        candidates = self._first_look(pixels)
        candidates = boxes.suppress(candidates, union=0.4, inside=0.8)
        candidates = look_again(self._session, pixels, candidates)
        candidates = boxes.suppress(_good_enough(candidates, self._settings), union=0.4, inside=0.8)
        return boxes.faces(enlarged(candidates))

    def _first_look(self, pixels: Pixels) -> Candidates:
        height, width = pixels.shape[:2]
        passes = plan_passes(height, width, self._settings)
        tables = []
        for size, steps in groupby(passes, key=lambda step: step.size):
            copy = scale_picture(pixels, size)  # one copy at a time: that bounds the memory
            for step in steps:
                outputs = self._session.run({"input.1": render(copy, step)})
                (found,) = boxes.decode(outputs, FIRST_LOOK * self._settings.threshold)
                if size != passes[0].size:
                    found = found[found[:, 2:4].max(axis=1) >= SMALLEST_COARSE_PX]
                tables.append(boxes.mapped(found, step.matrix(height, width)))
        return np.concatenate(tables)


def _good_enough(candidates: Candidates, settings: DetectionSettings) -> Candidates:
    small = candidates[:, 2:4].max(axis=1) < settings.small_px
    return candidates[candidates[:, SCORE] >= np.where(small, settings.small_threshold, settings.threshold)]
