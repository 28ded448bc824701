"""What is measured of each picture: by detectors, by judging networks, and on the pixels themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.errors import UsageError
from epdcli.evaluation.cache import key_of
from epdcli.evaluation.judges import Judge
from epdcli.evaluation.scenes import Scene, nearest, rows_of
from epdcli.faces.alignment import align
from epdcli.faces.detection import Detector
from epdcli.model import Face, Pixels

Floats = NDArray[np.float32]

NAIVE, ORACLE = "naive", "oracle"
SHARPNESS, LIGHT, PSNR_OUTSIDE = range(3)  # the columns of `pixels`
BLOCKS = 8  # colours are means of 8 x 8 blocks of the aligned face
IDENTICAL_DB = 60.0  # what equal pixels count as: one level in a thousand pixels
_AROUND = 1.8  # a box grown by this holds whatever a method may paint
_ALIGNED = 128


@dataclass(frozen=True, eq=False)
class Gauge:
    """A column of the measurements: its name, what its values are stored under, and how they are measured.

    `measure` takes scenes and returns an array (n, length), float32.
    """

    name: str
    key: str
    measure: Callable[[Sequence[Scene]], Floats]


def finder(name: str, detector: Detector) -> Gauge:
    """Where the main face is found in the picture itself: box, five landmarks and score (15,), else zeros."""

    def measure(scenes: Sequence[Scene]) -> Floats:
        return np.stack([_found_row(detector, scene) for scene in scenes])

    return Gauge(name, key_of("found 1", detector.name)[:24], measure)


def judged(kind: str, judge: Judge, view: str = ORACLE) -> Gauge:
    """A network's answer on the main face.

    `naive`: aligned as an attacker finds it in the picture itself; `oracle`: by the original's landmarks.
    """

    def measure(scenes: Sequence[Scene]) -> Floats:
        return judge.ask([(scene.pixels, _points(scene, view)) for scene in scenes])

    return Gauge(f"{kind} {judge.name}", key_of(kind, view, judge.key)[:24], measure)


def gaze_gauge(judge: Judge) -> Gauge:
    """Where the main face looks, as a unit vector (3,): to the right, down and towards the viewer."""

    def measure(scenes: Sequence[Scene]) -> Floats:
        answers = judge.ask([(scene.pixels, _points(scene, ORACLE)) for scene in scenes])
        return directions(answers, judge.convention.unit)

    return Gauge(f"gaze {judge.name}", key_of("gaze 1", judge.convention.unit, judge.key)[:24], measure)


def directions(answers: Floats, unit: str) -> Floats:
    """Unit vectors (n, 3) of a gaze network's answers: directions (n, 3), or pitch and yaw (n, 2) in `unit`.
    Raises UsageError for another number of them."""
    if answers.shape[1] == 3:
        return np.asarray(answers / np.linalg.norm(answers, axis=1, keepdims=True), np.float32)
    if answers.shape[1] != 2:
        raise UsageError(
            f"The gaze network answers {answers.shape[1]} numbers a face.",
            hint="It must answer two angles (pitch and yaw) or the three coordinates of a direction.",
        )
    pitch, yaw = (np.radians(answers) if unit == "degrees" else answers).T
    towards = np.cos(pitch)
    return np.stack([towards * np.sin(yaw), np.sin(pitch), towards * np.cos(yaw)], axis=1).astype(np.float32)


def pixel_gauge() -> Gauge:
    """Sharpness and light of the aligned face, and PSNR in dB outside all faces of the original: (3,)."""

    def measure(scenes: Sequence[Scene]) -> Floats:
        return np.array([_pixels(scene) for scene in scenes], np.float32)

    return Gauge("pixels", key_of("pixels 1")[:24], measure)


def colour_gauge() -> Gauge:
    """Mean colours of 8 x 8 blocks of the aligned face, 0..255: (192,)."""

    def measure(scenes: Sequence[Scene]) -> Floats:
        return np.stack([_colours(scene) for scene in scenes])

    return Gauge("colours", key_of("colours 1")[:24], measure)


def _points(scene: Scene, view: str) -> NDArray[np.float32]:
    return scene.naive_points if view == NAIVE else scene.main.face.landmarks


def _found_row(detector: Detector, scene: Scene) -> Floats:
    face = nearest(detector.detect(scene.pixels), scene.main.face)
    return rows_of([face])[0] if face else np.zeros(15, np.float32)


def _pixels(scene: Scene) -> tuple[float, float, float]:
    aligned = align(scene.pixels, scene.main.face, _ALIGNED).pixels
    grey = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY)
    inner = grey[_ALIGNED // 4 : -_ALIGNED // 8, _ALIGNED // 4 : -_ALIGNED // 4]
    sharpness = float(cv2.Laplacian(inner, cv2.CV_64F).var())
    return sharpness, float(inner.mean()), psnr_outside(scene.pixels, scene.original, scene.main.others)


def psnr_outside(pixels: Pixels, original: Pixels, faces: Sequence[Face]) -> float:
    """PSNR in dB of what lies outside all faces, at most `IDENTICAL_DB`; NaN where the sizes differ."""
    if pixels.shape != original.shape:
        return float("nan")
    outside = np.ones(pixels.shape[:2], bool)
    for face in faces:
        centre = np.array(face.box.centre)
        reach = np.array((face.box.width, face.box.height)) * (_AROUND / 2)
        low = np.maximum(np.floor(centre - reach), 0).astype(int)
        high = np.maximum(np.ceil(centre + reach), 0).astype(int)
        outside[low[1] : high[1], low[0] : high[0]] = False
    if not outside.any():
        return float("nan")
    return min(IDENTICAL_DB, float(cv2.PSNR(pixels[outside], original[outside])))


def _colours(scene: Scene) -> Floats:
    aligned = align(scene.pixels, scene.main.face, _ALIGNED).pixels
    means = cv2.resize(aligned.astype(np.float32), (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA)
    return np.asarray(means, np.float32).reshape(-1)
