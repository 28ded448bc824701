"""What de-identified pictures are still good for: expression, geometry, light, detection, picture by picture.

Each function takes clear and de-identified measurements of the same n pictures and returns values (n,), NaN
where something is missing. Both are measured in the crop of the original's landmarks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epdcli.evaluation.gauges import LIGHT, PSNR_OUTSIDE, SHARPNESS
from epdcli.evaluation.measurements import Measurements

Floats = NDArray[np.float32]
Values = NDArray[np.float64]

SHARE = "share"  # the unit of what is yes or no for a picture
_OUTER_EYES = (36, 45)
_EYES = (slice(36, 42), slice(42, 48))
_INNER_LIPS = slice(60, 68)
_SMALLEST_CLASS = 5  # pictures of an expression, for it to count in a mean over classes
# Points of a mean face in arbitrary units for head pose (nose tip, chin, outer eye corners, mouth corners):
# the model that OpenCV's and dlib's pose examples share.
_MODEL = np.array([(0, 0, 0), (0, -330, -65), (-225, 170, -135), (225, 170, -135),
                   (-150, -150, -125), (150, -150, -125)], np.float64)  # fmt: skip
_MODEL_POINTS = [30, 8, 36, 45, 48, 54]
_FRAME = 256.0


@dataclass(frozen=True)
class Quantity:
    """One number of a picture: what the report calls it, its unit, and whether more or less is better."""

    measure: str
    judge: str
    role: str
    unit: str
    better: str  # "higher" or "lower"


def same_class(clear: Floats, new: Floats) -> Values:
    """1 where the most probable class of (n, k) probabilities stayed, else 0."""
    same = clear.argmax(axis=1) == new.argmax(axis=1)
    known = np.isfinite(np.concatenate([clear, new], axis=1)).all(axis=1)
    return np.where(known, same, np.nan)


def divergence(clear: Floats, new: Floats) -> Values:
    """Kullback-Leibler divergence of (n, k) probabilities, in nats, from the clear to the new."""
    from scipy.special import rel_entr

    floor = 1e-6
    p, q = (np.clip(np.asarray(a, np.float64), floor, 1) for a in (clear, new))
    p, q = p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)
    return np.asarray(rel_entr(p, q).sum(axis=1), np.float64)


def over_classes(values: Values, clear: Floats) -> float | None:
    """The mean over classes of their means, so that smiles don't decide alone; classes of the clear pictures
    with fewer than five are left out."""
    kept = np.isfinite(values)
    classes = clear.argmax(axis=1)
    means = [
        values[kept & (classes == k)].mean()
        for k in range(clear.shape[1])
        if (kept & (classes == k)).sum() >= _SMALLEST_CLASS
    ]
    return float(np.mean(means)) if means else None


def landmark_error(clear: Floats, new: Floats) -> Values:
    """Mean distance of 68 landmarks (n, 136), in units of the distance of the outer eye corners."""
    a, b = _points(clear), _points(new)
    return np.linalg.norm(a - b, axis=2).mean(axis=1) / _eye_distance(a)


def eye_openness(landmarks: Floats) -> Values:
    """Mean eye aspect ratio (n,): lids' distance by the eye's width. T. Soukupova, J. Cech, 2016."""
    points = _points(landmarks)
    ratios = []
    for eye in _EYES:
        p = points[:, eye]
        lids = np.linalg.norm(p[:, 1] - p[:, 5], axis=1) + np.linalg.norm(p[:, 2] - p[:, 4], axis=1)
        ratios.append(lids / np.maximum(2 * np.linalg.norm(p[:, 0] - p[:, 3], axis=1), 1e-9))
    return np.minimum(np.mean(ratios, axis=0), 1.0)  # an eye higher than wide is none


def mouth_openness(landmarks: Floats) -> Values:
    """Distance of the inner lips in units of the distance of the outer eye corners (n,)."""
    points = _points(landmarks)
    lips = points[:, _INNER_LIPS]
    return np.linalg.norm(lips[:, 2] - lips[:, 6], axis=1) / _eye_distance(points)


def head_pose(landmarks: Floats) -> Values:
    """Rotation vectors in degrees (n, 3), from six of the 68 points and a mean face (perspective-n-point)."""
    return np.stack([_pose_of(points) for points in _points(landmarks)])


def box_overlap(clear: Floats, new: Floats) -> Values:
    """Intersection over union of found boxes (n, 15: box, points, score); NaN where either wasn't found."""
    both = (clear[:, -1] > 0) & (new[:, -1] > 0)
    low = np.maximum(clear[:, :2], new[:, :2])
    high = np.minimum(clear[:, :2] + clear[:, 2:4], new[:, :2] + new[:, 2:4])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    union = clear[:, 2:4].prod(axis=1) + new[:, 2:4].prod(axis=1) - shared
    return _where(both, shared / np.maximum(union, 1e-9))


def picture_values(
    clear: Measurements, new: Measurements, roles: Mapping[str, str]
) -> Iterator[tuple[Quantity, Values]]:
    """Every utility figure of every picture; `roles` says by column what the product uses a judge for."""
    for column in clear.columns:
        kind, _, judge = column.partition(" ")
        for name, unit, better, values in _BY_KIND.get(kind, _nothing)(clear[column], new[column]):
            shown = np.where(new.present, np.asarray(values, np.float64), np.nan)
            yield Quantity(name, judge, roles.get(column, ""), unit, better), shown


_Rows = Iterator[tuple[str, str, str, Values]]


def _nothing(clear: Floats, new: Floats) -> _Rows:
    return iter(())


def _emotion(clear: Floats, new: Floats) -> _Rows:
    yield "emotion", SHARE, "higher", same_class(clear, new)
    yield "emotion KL", "nats", "lower", divergence(clear, new)


def _landmarks(clear: Floats, new: Floats) -> _Rows:
    yield "landmark NME", "eye distances", "lower", landmark_error(clear, new)
    yield "eye openness", "change", "lower", np.abs(eye_openness(clear) - eye_openness(new))
    yield "mouth openness", "change", "lower", np.abs(mouth_openness(clear) - mouth_openness(new))
    turned = np.abs(head_pose(clear) - head_pose(new)).mean(axis=1)
    yield "head pose", "degrees", "lower", np.minimum(turned, 180)


def _pose(clear: Floats, new: Floats) -> _Rows:
    yield "head pose", "degrees", "lower", np.abs(clear - new).mean(axis=1)


def _gaze(clear: Floats, new: Floats) -> _Rows:
    cosine = np.clip((clear.astype(np.float64) * new).sum(axis=1), -1, 1)
    yield "gaze", "degrees", "lower", np.degrees(np.arccos(cosine))


def _found(clear: Floats, new: Floats) -> _Rows:
    seen = _where(clear[:, -1] > 0, (new[:, -1] > 0).astype(np.float64))
    yield "found again", SHARE, "higher", seen
    yield "box overlap", "IoU", "higher", box_overlap(clear, new)


def _pixels(clear: Floats, new: Floats) -> _Rows:
    yield "PSNR outside", "dB", "higher", np.asarray(new[:, PSNR_OUTSIDE], np.float64)
    sharper = np.maximum(new[:, SHARPNESS], 0) / np.maximum(clear[:, SHARPNESS], 1e-6)
    yield "sharpness", "of the original's", "higher", np.asarray(np.minimum(sharper, 10), np.float64)
    yield "light", "levels", "lower", np.abs(new[:, LIGHT] - clear[:, LIGHT]).astype(np.float64)


def _colours(clear: Floats, new: Floats) -> _Rows:
    yield "colour", "levels", "lower", np.abs(new - clear).mean(axis=1).astype(np.float64)


_BY_KIND: Mapping[str, Callable[[Floats, Floats], _Rows]] = {
    "emotion": _emotion,
    "landmarks": _landmarks,
    "pose": _pose,
    "gaze": _gaze,
    "found": _found,
    "pixels": _pixels,
    "colours": _colours,
}


def _points(landmarks: Floats) -> Values:
    return np.asarray(landmarks, np.float64).reshape(-1, 68, 2)


def _eye_distance(points: Values) -> Values:
    left, right = (points[:, corner] for corner in _OUTER_EYES)
    return np.maximum(np.linalg.norm(right - left, axis=1), 1e-6)


def _where(known: NDArray[np.bool_], values: NDArray[np.floating]) -> Values:
    return np.where(known, np.asarray(values, np.float64), np.nan)


def _pose_of(points: Values) -> Values:
    import cv2

    if not np.isfinite(points).all():
        return np.full(3, np.nan)
    side = 112.0
    camera = np.array([(side, 0, side / 2), (0, side, side / 2), (0, 0, 1)])
    seen = np.ascontiguousarray(points[_MODEL_POINTS] * side)
    solved, turn, _ = cv2.solvePnP(_MODEL * (1, -1, -1), seen, camera, None, flags=cv2.SOLVEPNP_SQPNP)
    return np.degrees(turn.ravel()) if solved else np.full(3, np.nan)
