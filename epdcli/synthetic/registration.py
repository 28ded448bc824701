"""Bend a person's picture until landmarks lie where they are asked for: a thin-plate spline.

F. L. Bookstein, "Principal warps: thin-plate splines and the decomposition of deformations", PAMI 1989, with
G. Wahba's smoothing: the points are met to within what bends least.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.model import Pixels, Points
from epdcli.synthetic.structure import EYES, JAW, LIDS, LIPS, SIZE

_LIPS, _LIDS = 0.6, 0.2  # of the old shape
_SMOOTHING = 2.0
_STEP = 16  # pixels between the nodes at which the spline is computed
_EDGE = SIZE - 1.0
# The frame's border stays where it is.
_BORDER = np.array(
    [(x, y) for x in (0.0, _EDGE / 2, _EDGE) for y in (0.0, _EDGE / 2, _EDGE) if (x, y) != (_EDGE / 2,) * 2]
)
# In the middle of each step: so `resize` puts every node where it belongs.
_NODES = np.stack(np.meshgrid(*[np.arange(SIZE / _STEP) * _STEP + (_STEP - 1) / 2] * 2), -1)
_DOWN, _ACROSS = np.indices((SIZE, SIZE), dtype=np.float32)

Coordinates = NDArray[np.float64]


def destinations(old: Points, person: Points, own: float, expressive: bool = True) -> Coordinates:
    """Where the person's 68 landmarks go: (68, 2).

    The person's face is put in the old one's place by the affine map that fits best; `own` (0..1) of its own
    shape is kept, but for the jaw, which is the old one's: it has to meet the old outline. Of an `expressive`
    face at least 0.6 of the lips' shape and 0.2 of the lids' is the old one's, too.
    """
    share = np.full((68, 1), 1 - own)
    share[JAW] = 1
    if expressive:
        share[LIPS], share[LIDS] = max(1 - own, _LIPS), max(1 - own, _LIDS)
    placed = _with_ones(person) @ np.linalg.lstsq(_with_ones(person), old.astype(np.float64), rcond=None)[0]
    return share * old + (1 - share) * placed


def gaze(old_eye: Points, old_iris: Points, person_eye: Points, new_eye: Coordinates) -> Coordinates:
    """Where the person's iris goes, so that it lies in its new outline as the old iris does in the old: (2,).

    Outlines are the six points of an eye; corners are the first and the fourth.
    """
    return _from_eye(new_eye, _in_eye(old_eye, old_iris))


def bent(pixels: Pixels, source: Coordinates, target: Coordinates) -> Pixels:
    """The picture (256 x 256 x 3, uint8) with the points `source` (n, 2) at `target` (n, 2)."""
    # The map goes from the new picture to the old one, which is what remap asks for.
    ones = _with_ones(target)
    affine = np.linalg.lstsq(ones, source, rcond=None)[0]
    anchors = np.vstack([target, _BORDER])
    shifts = np.vstack([source - ones @ affine, np.zeros_like(_BORDER)])
    nodes = _NODES.reshape(-1, 2)
    moves = _with_ones(nodes) @ affine + _spline(anchors, shifts, nodes) - nodes
    field = cv2.resize(
        moves.reshape(_NODES.shape).astype(np.float32), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC
    )
    return cv2.remap(
        pixels,
        _ACROSS + field[..., 0],
        _DOWN + field[..., 1],
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.uint8)


def _spline(anchors: Coordinates, values: Coordinates, at: Coordinates) -> Coordinates:
    """A smoothing thin-plate spline through `values` (n, 2) at `anchors`, read at `at` (m, 2)."""
    scale = _EDGE / 2
    anchors, at = (anchors - scale) / scale, (at - scale) / scale
    n = len(anchors)
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = _kernel(anchors, anchors) + (_SMOOTHING / scale**2) * np.eye(n)
    system[:n, n:] = _with_ones(anchors)
    system[n:, :n] = system[:n, n:].T
    solved = np.linalg.solve(system, np.vstack([values, np.zeros((3, 2))]))
    return _kernel(at, anchors) @ solved[:n] + _with_ones(at) @ solved[n:]


def _kernel(a: Coordinates, b: Coordinates) -> Coordinates:
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    return 0.5 * squared * np.log(np.maximum(squared, 1e-12))  # r^2 log r


def _with_ones(points: NDArray[np.floating]) -> Coordinates:
    return np.hstack([points, np.ones((len(points), 1))]).astype(np.float64)


def _in_eye(outline: NDArray[np.floating], point: NDArray[np.floating]) -> Coordinates:
    """A point's place along the line between the corners (0..1), and across it in units of its length."""
    along = outline[3].astype(np.float64) - outline[0]
    length = float(along @ along) or 1.0
    offset = point - outline[0]
    return np.array([offset @ along, offset @ np.array([-along[1], along[0]])]) / length


def _from_eye(outline: NDArray[np.floating], place: Coordinates) -> Coordinates:
    along = outline[3].astype(np.float64) - outline[0]
    return np.asarray(outline[0] + place[0] * along + place[1] * np.array([-along[1], along[0]]))


def with_gaze(
    old: Points, old_irises: Points, person: Points, person_irises: Points, target: Coordinates
) -> tuple[Coordinates, Coordinates]:
    """All points to register, (70, 2) each: the 68 landmarks and both irises, from the person's to the new
    places."""
    irises = [gaze(old[eye], old_irises[k], person[eye], target[eye]) for k, eye in enumerate(EYES)]
    return np.vstack([person, person_irises]).astype(np.float64), np.vstack([target, *irises])
