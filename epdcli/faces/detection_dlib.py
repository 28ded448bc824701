"""dlib's own frontal detector (HOG, Boost licence) as a plug-in."""

from __future__ import annotations

import numpy as np

from epdcli.errors import BackendNotInstalled
from epdcli.faces.candidates import suppress
from epdcli.faces.detection import Engine
from epdcli.faces.detection_passes import DetectionSettings
from epdcli.model import Box, Face, Pixels

# Five landmarks as parts of dlib's square box, in the upright face (means of its own frontal model).
_IN_BOX = np.array([(0.28, 0.30), (0.72, 0.30), (0.50, 0.57), (0.33, 0.77), (0.67, 0.77)])


class DlibDetector:
    """dlib's HOG detector on the picture and, with all passes, on its quarter turns."""

    name = "dlib"

    def __init__(self, engine: Engine, settings: DetectionSettings | None = None) -> None:
        try:
            import dlib
        except ImportError as error:
            raise BackendNotInstalled(
                "The detector dlib is not installed.", hint='Run: pip install "epdcli[dlib]"'
            ) from error
        self._detector = dlib.get_frontal_face_detector()
        self._turns = (0, 1, 2, 3) if (settings or DetectionSettings()).passes == "all" else (0,)

    def detect(self, pixels: Pixels) -> list[Face]:
        """The faces of a picture (uint8 H x W x 3, RGB); landmarks stand at fixed places of each box."""
        height, width = pixels.shape[:2]
        rows = []
        for turns in self._turns:
            turned = np.ascontiguousarray(np.rot90(pixels, turns))
            boxes, scores, _ = self._detector.run(turned, 1, 0.0)
            for box, score in zip(boxes, scores, strict=True):
                corner, side = np.array((box.left(), box.top())), np.array((box.width(), box.height()))
                points = np.concatenate([[corner, corner + side], corner + _IN_BOX * side])
                rows.append((_turned_back(points, turns, height, width), 1 / (1 + np.exp(-score))))
        return _merged(rows)


def _turned_back(points: np.ndarray, turns: int, height: int, width: int) -> np.ndarray:
    """Points of a picture turned counter-clockwise by quarters, in the picture itself."""
    turned_height, turned_width = (height, width) if turns % 2 == 0 else (width, height)
    for _ in range(turns):
        points = np.stack([turned_height - 1 - points[:, 1], points[:, 0]], axis=1)
        turned_width, turned_height = turned_height, turned_width
    return points


def _merged(rows: list) -> list[Face]:
    if not rows:
        return []
    table = np.zeros((len(rows), 15), np.float32)
    for row, (points, score) in zip(table, rows, strict=True):
        corners = np.sort(points[:2], axis=0)
        row[:2], row[2:4], row[4:14], row[14] = corners[0], corners[1] - corners[0], points[2:].ravel(), score
    kept = suppress(table, union=0.3, inside=0.7)
    faces = [Face(Box(*map(float, r[:4])), r[4:14].reshape(5, 2).copy(), float(r[14])) for r in kept]
    return sorted(faces, key=lambda face: face.box.centre[::-1])
