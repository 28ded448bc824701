"""The face's own rectangle: how it is rolled, from its landmarks, and the boxes that follow from that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epdcli.faces.alignment import TEMPLATE_256
from epdcli.faces.candidates import SCORE, Candidates

ASPECT = 0.765  # width to height of CenterFace's boxes of upright faces (mean over lfw-dev)
MARGIN, PIXEL = 0.06, 0.5  # a finished box is larger than the net's by this part of its side, on each side,
# and by this many pixels

_TEMPLATE = (TEMPLATE_256 - TEMPLATE_256.mean(axis=0)) @ np.array([1, 1j])  # (5,) complex


def roll(landmarks: NDArray[np.floating]) -> NDArray[np.float64]:
    """How far faces are turned clockwise, in radians, from landmarks (n, 5, 2): -pi..pi, answer (n,).

    It is the angle of the least-squares similarity from the upright template; 0 for coinciding points.
    """
    points = landmarks.astype(np.float64) @ np.array([1, 1j])
    return np.angle((points - points.mean(axis=1, keepdims=True)) @ _TEMPLATE.conj())


def sides(extent: NDArray[np.floating], angle: NDArray[np.floating]) -> NDArray[np.float64]:
    """Width and height (n, 2) of the oval face whose box, after turning by `angle` (n,), is `extent` (n, 2).

    The box of an oval of half axes a, b turned by t has half sides sqrt(a^2 cos^2 t + b^2 sin^2 t) and
    sqrt(a^2 sin^2 t + b^2 cos^2 t). Near 45 degrees both are equal and say nothing of the aspect, which
    then is the usual one.
    """
    square = np.maximum(np.asarray(extent, np.float64), 1e-6) ** 2
    cos2, sin2 = np.cos(angle) ** 2, np.sin(angle) ** 2
    total = square.sum(axis=1)  # a^2 + b^2 at any angle
    known = np.abs(cos2 - sin2) > 0.64  # up to 25 degrees from upright or lying
    difference = (square[:, 0] - square[:, 1]) / np.where(known, cos2 - sin2, 1.0)  # a^2 - b^2
    usual = total * (ASPECT**2 - 1) / (ASPECT**2 + 1)
    difference = np.clip(np.where(known, difference, usual), -0.8 * total, 0.5 * total)
    return np.sqrt(np.stack([total + difference, total - difference], axis=1) / 2)


def oval_extent(axes: NDArray[np.floating], angle: NDArray[np.floating]) -> NDArray[np.float64]:
    """The box (n, 2) of ovals of width and height `axes` (n, 2) turned by `angle` (n,): undoes `sides`."""
    squares = np.asarray(axes, np.float64) ** 2
    cos2, sin2 = np.cos(angle) ** 2, np.sin(angle) ** 2
    width2 = squares[:, 0] * cos2 + squares[:, 1] * sin2
    return np.sqrt(np.stack([width2, squares.sum(axis=1) - width2], axis=1))


def enlarged(candidates: Candidates) -> Candidates:
    """Candidates with boxes that surely hold the face: the box of its turned rectangle, and a margin.

    The net's box is right to some 5 % of its side; of a face that is rolled it holds the oval, but not the
    corners of its rectangle. `MARGIN` and turning the rectangle make up for both.
    """
    angle = roll(candidates[:, 4:SCORE].reshape(-1, 5, 2))
    width, height = (sides(candidates[:, 2:4], angle) * (1 + 2 * MARGIN) + 2 * PIXEL).T
    cos, sin = np.abs(np.cos(angle)), np.abs(np.sin(angle))
    extent = np.stack([width * cos + height * sin, width * sin + height * cos], axis=1)
    table = candidates.copy()
    table[:, :2] += (candidates[:, 2:4] - extent) / 2
    table[:, 2:4] = extent
    return table
