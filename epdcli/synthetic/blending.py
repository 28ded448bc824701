"""Where a new face lies over the old one: between jaw and a line above the brows, behind hair and hats."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.faces.coverage import inner_outline
from epdcli.model import Mask, Pixels, Points
from epdcli.synthetic.structure import BROWS, JAW, SIZE, filled, five_points, skin_colour

_RAISED = 0.35  # of the distance from chin to brows: how far above the brows the face is replaced
_GROWN = 1.02
_ERODED_PX, _FEATHER_PX = 7, 4.0
_FULL = 1.001  # so that rounding leaves the mask's middle at exactly 1
_SPECK_PX = 9
_FRINGE_PX, _SKIN_PX = 13, 16.0  # the edge of a person's hair that goes with it; the Gaussian that fills it
_QUARTER = 4
_RIM_PX = (6.0, 16.0)  # from the hull's border inwards: up to here it is the rim, and from here on it isn't
_BROW_PX = 7.0  # above the brows: from here on what is not skin lies in front
_SHINE = 0.85  # how much lighter skin than the cheeks' counts: a shining forehead is still one
_LIGHT_SPREAD, _HUE_SPREAD = 38.0, 14.0  # levels of L, a and b by which skin differs from the cheeks


def hull_of(landmarks: Points, detected: Points | None = None) -> Mask:
    """The part of the frame that is replaced, (256, 256) in 0..1.

    The convex hull of the jaw and of the brows, raised by 0.35 of the distance to the chin, its corners
    scaled by 1.02 about their mean, and of the inner face as eyes, nose and mouth place it: the landmarks',
    and those of a detector (`detected`, 5 points), by which coverage is judged.
    """
    brows, chin = landmarks[BROWS], landmarks[8]
    up = brows.mean(axis=0) - chin
    corners = np.concatenate([landmarks[JAW], brows + np.float32(_RAISED) * up])
    centre = corners.mean(axis=0)
    grown = (corners - centre) * np.float32(_GROWN) + centre
    inner = [inner_outline(five) for five in (five_points(landmarks), detected) if five is not None]
    outline = np.concatenate([grown, *inner]).astype(np.float32)
    return filled(cv2.convexHull(outline)[:, 0])


def skin_share(pixels: Pixels, landmarks: Points, hull: Mask) -> float:
    """How much of the forehead inside the hull has the colour of the cheeks, 0..1: no fringe, no cap."""
    forehead = (_forehead(landmarks) > 0.5) & (hull > 0.5)
    return float(skin_likeness(pixels, landmarks)[forehead].mean()) if forehead.any() else 0.0


def open_forehead(skin: Mask, landmarks: Points) -> Mask:
    """Where nothing lies in front of a face, (256, 256) in 0..1: everywhere below the brows, and above them
    where `skin` (`skin_likeness` of the face) is seen, no hair and no hat."""
    return _closed(1 - _forehead(landmarks) * (1 - skin))


def shown_part(pixels: Pixels, landmarks: Points) -> Mask:
    """Where a face's own skin and features are seen, (256, 256) in 0..1: its light is measured there."""
    return inner_part(hull_of(landmarks)) * open_forehead(skin_likeness(pixels, landmarks), landmarks)


def paste_mask(hull: Mask, *shown: Mask) -> Mask:
    """The mask to paste with, (256, 256) in 0..1: the hull, faded inside its border, where all masks of
    what is `shown` (foreheads, rim) allow it."""
    inside = inner_part(hull)
    for mask in shown:
        inside = inside * mask
    faded = cv2.GaussianBlur(inside, (0, 0), _FEATHER_PX)
    return np.asarray(np.minimum(1, faded * _FULL), np.float32)


def with_bare_forehead(pixels: Pixels, skin: Mask, landmarks: Points, hull: Mask) -> Pixels:
    """A person's face without its fringe or cap: what lies over the forehead gets the colours of the skin
    around it, so that none of it is painted onto another's forehead."""
    clear = cv2.erode(open_forehead(skin, landmarks), np.ones((_FRINGE_PX,) * 2)) * inner_part(hull)
    weight, summed = (_spread(values) for values in (clear, pixels * clear[..., None]))
    around = summed / np.maximum(weight, 1e-4)[..., None]
    shown = cv2.GaussianBlur(np.maximum(clear, 1 - _forehead(landmarks)), (0, 0), _FEATHER_PX)[..., None]
    return np.rint(shown * pixels + (1 - shown) * np.clip(around, 0, 255)).astype(np.uint8)


def _spread(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gaussian means of 16 px, by way of a quarter of the size: exact ones take ten times as long."""
    side = SIZE // _QUARTER
    small = cv2.resize(values, (side, side), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small, (0, 0), _SKIN_PX / _QUARTER)
    return np.asarray(cv2.resize(smooth, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR), np.float32)


def clean_rim(skin: Mask, hull: Mask) -> Mask:
    """Where the new person shows a face, (256, 256) in 0..1: all of the hull but pixels near its border
    that have not the colour of the cheeks (`skin`, as `skin_likeness` has it). They are hair, neck or
    background; there the old face's border stays."""
    depth = cv2.distanceTransform((hull > 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    deep = np.clip((depth - _RIM_PX[0]) / (_RIM_PX[1] - _RIM_PX[0]), 0, 1)
    return np.asarray(np.maximum(deep, _closed(skin)), np.float32)


def inner_part(hull: Mask) -> Mask:
    """The hull without its border, where the new face's own background may show."""
    return np.asarray(cv2.erode(hull, np.ones((_ERODED_PX, _ERODED_PX), np.uint8)), np.float32)


def _forehead(landmarks: Points) -> Mask:
    """The part of the frame above a line just over the brows, (256, 256) in 0..1."""
    brows = landmarks[BROWS]
    up = brows.mean(axis=0) - landmarks[8]
    up = up / max(1e-6, float(np.hypot(*up)))
    line = brows + np.float32(_BROW_PX) * up
    far = np.float32(2 * SIZE) * up
    along = np.array([-up[1], up[0]], np.float32) * 2 * SIZE
    outline = np.vstack(
        [line[0] - along, line, line[-1] + along, line[-1] + along + far, line[0] - along + far]
    )
    return filled(outline.astype(np.float32))


def _closed(mask: Mask) -> Mask:
    """The mask without specks: small holes filled, small islands gone."""
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_SPECK_PX, _SPECK_PX))
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, element)
    return np.asarray(cv2.morphologyEx(closed, cv2.MORPH_OPEN, element), np.float32)


def skin_likeness(pixels: Pixels, landmarks: Points) -> Mask:
    """How much each pixel has the colour of the cheeks, (256, 256) in 0..1; light may differ, hue less."""
    skin = skin_colour(pixels, landmarks)
    lab = cv2.GaussianBlur(cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB), (0, 0), 2.0).astype(np.float32)
    light, red, yellow = cv2.split(lab - skin)
    light *= np.where(light > 0, _SHINE, 1).astype(np.float32) * (_HUE_SPREAD / _LIGHT_SPREAD)
    off = np.sqrt(light * light + red * red + yellow * yellow) / np.float32(_HUE_SPREAD)
    return np.asarray(np.clip(2 - off, 0, 1), np.float32)
