"""The contracts of the three examples, once they are installed: pytest examples/plugins/test_plugins.py"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from epd_mirrored import MirroredDetector
from epd_opencv import OpenCvBackend
from epd_squares import Squares
from PIL import Image

from epdcli.model import Pixels
from epdcli.runtimes import Engine, choose_backend
from epdcli.testing import BackendContract, DetectorContract, MethodContract

PICTURE = Path(__file__).parent.parent / "pictures" / "astronaut.jpg"


class TestSquares(MethodContract):
    def subject(self) -> Squares:
        return Squares(Engine(choose_backend()))


class TestMirrored(DetectorContract):
    def subject(self) -> MirroredDetector:
        return MirroredDetector(Engine(choose_backend()))

    def picture(self) -> Pixels:  # with one face, seen from the front
        return np.asarray(Image.open(PICTURE))


class TestOpenCv(BackendContract):
    def subject(self) -> OpenCvBackend:
        return OpenCvBackend()
