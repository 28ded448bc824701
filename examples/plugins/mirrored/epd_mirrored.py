"""An example of a detector: CenterFace asked about the picture and about its mirror image.

A network is not symmetrical: it finds some faces in one of the two only. Asking twice takes twice as long.
"""

from __future__ import annotations

from epdcli.faces.detection import CenterFaceDetector, Engine, detect_mirrored
from epdcli.faces.detection_passes import DetectionSettings
from epdcli.model import Face, Pixels


class MirroredDetector:
    name = "mirrored"

    def __init__(self, engine: Engine, settings: DetectionSettings | None = None) -> None:
        self._detector = CenterFaceDetector(engine, settings)

    def detect(self, pixels: Pixels) -> list[Face]:
        """The faces of the picture, and those of its mirror image whose centre lies in none of them."""
        found = self._detector.detect(pixels)
        mirrored = detect_mirrored(self._detector, pixels)
        more = [face for face in mirrored if not any(known.box.holds(face.box.centre) for known in found)]
        return sorted([*found, *more], key=lambda face: (*face.box.centre[::-1], *face.box))

    def smallest(self, height: int, width: int) -> float:
        """From how many pixels of height on faces are looked for; the manifest says it. May be left out."""
        return self._detector.smallest(height, width)
