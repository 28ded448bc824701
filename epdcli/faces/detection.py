"""Finds faces: CenterFace on several copies of the picture, what they find merged into one list."""

from __future__ import annotations

from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from epdcli.faces import boxes
from epdcli.faces.detection_passes import (
    DetectionSettings,
    plan_passes,
    render,
    scale_picture,
    to_picture,
)
from epdcli.model import Face, Pixels

Tensors = dict[str, NDArray[np.float32]]


class Session(Protocol):
    """An open network: named float32 arrays in, named float32 arrays out."""

    def run(self, inputs: Tensors) -> Tensors: ...


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
    """CenterFace (MIT) with an image pyramid, tiles and turned copies."""

    name = "centerface"

    def __init__(self, engine: Engine, settings: DetectionSettings | None = None) -> None:
        self._session = engine.session("centerface")
        self._settings = settings or DetectionSettings()

    def detect(self, pixels: Pixels) -> list[Face]:
        """The faces of a picture (uint8 H x W x 3, RGB), from top to bottom, each with five landmarks.

        Boxes and landmarks are in pixels of the picture and may reach over its border. Scores are
        0..1; turned faces have their landmarks in the order of the upright face.
        """
        height, width = pixels.shape[:2]
        tables = [boxes.empty()]
        passes = plan_passes(height, width, self._settings)
        for size, steps in groupby(passes, key=lambda step: step.size):
            copy = scale_picture(pixels, size)  # one copy at a time: that bounds the memory
            for step in steps:
                (found,) = boxes.decode(self._session.run({"input.1": render(copy, step)}), step.threshold)
                tables.append(to_picture(found, step, height, width))
        return boxes.faces(boxes.suppress(np.concatenate(tables), union=0.3, inside=0.7))
