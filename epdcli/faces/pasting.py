"""Put new faces back: from the aligned frame to the picture's own, and over the old ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.faces.alignment import inverse, map_points, scale_of
from epdcli.model import Mask, Matrix, NewFace, Patch, Pixels

COVERED = 0.5  # from here on a mask counts as covering a pixel
_EROSION = 0.05  # of the hull's width: further in than this the mask is 1


def solid_core(hull: Mask) -> Mask:
    """The mask to paste with: 0 outside the hull, 1 in the hull eroded by 5 % of its width, a ramp between.

    `hull` (S, S) in 0..1. Measured by the distance to the hull's border: corners are as safe as sides.
    """
    inside = (hull >= COVERED).astype(np.uint8)
    if not inside.any():
        return np.zeros_like(hull)
    # A face that leaves the crop is solid up to the crop's edge: there is no border to fade to.
    padded = cv2.copyMakeBorder(inside, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    width = float(np.ptp(np.nonzero(inside.any(axis=0))[0])) + 1
    return np.clip(distance / max(1.0, _EROSION * width - 0.5), 0, 1).astype(np.float32)


def to_picture(new: NewFace, matrix: Matrix, shape: Sequence[int]) -> Patch:
    """A new face in the frame of a picture of `shape` (height, width, ...), cut at its border.

    Convention: `matrix` is the one that made the aligned face (picture to crop). Enlarged bicubically,
    shrunk by area first, so that small faces don't alias.
    """
    size = new.mask.shape[0]
    rows, columns = np.nonzero(new.mask > 0)
    if len(rows) == 0:
        return _empty_patch()
    edges = [(x, y) for x in (columns.min() - 1, columns.max() + 1) for y in (rows.min() - 1, rows.max() + 1)]
    back = inverse(matrix)
    corners = map_points(back, np.array(edges, np.float64))
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, (shape[1], shape[0]))
    if right <= left or bottom <= top:
        return _empty_patch()
    pixels, mask, back = _shrunk(new.pixels, new.mask, back, size)
    back = back.copy()
    back[:, 2] -= (left, top)
    extent = int(right - left), int(bottom - top)
    flags = cv2.INTER_CUBIC if scale_of(back) > 1 else cv2.INTER_LINEAR
    warped = cv2.warpAffine(pixels, back, extent, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    soft = cv2.warpAffine(mask, back, extent, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return Patch(int(left), int(top), warped.astype(np.uint8), soft.astype(np.float32))


def composite(pixels: Pixels, patches: Iterable[Patch]) -> Pixels:
    """A copy of the picture with the patches over it, in the order given; other pixels stay bit for bit."""
    result = pixels.copy()
    for patch in patches:
        if patch.mask.size:
            below = np.ascontiguousarray(result[patch.window])
            result[patch.window] = cv2.blendLinear(patch.pixels, below, patch.mask, 1 - patch.mask)
    return result


def touched(shape: Sequence[int], patches: Iterable[Patch], level: float = 0.0) -> NDArray[np.bool_]:
    """Where the patches' masks exceed `level`: (height, width)."""
    where = np.zeros(shape[:2], np.bool_)
    for patch in patches:
        where[patch.window] |= patch.mask > level
    return where


def _shrunk(pixels: Pixels, mask: Mask, back: Matrix, size: int) -> tuple[Pixels, Mask, Matrix]:
    """Shrink the crop by area to the picture's scale when the face is smaller there than in the crop."""
    small = max(1, round(size * scale_of(back)))
    if small > 0.75 * size:
        return pixels, mask, back
    stretch = size / small
    adjusted = back.copy()
    adjusted[:, 2] += back[:, :2] @ np.full(2, (stretch - 1) / 2)  # x = (x' + 0.5) * stretch - 0.5
    adjusted[:, :2] = back[:, :2] * stretch
    shrink = (small, small)
    return (
        cv2.resize(pixels, shrink, interpolation=cv2.INTER_AREA).astype(np.uint8),
        cv2.resize(mask, shrink, interpolation=cv2.INTER_AREA).astype(np.float32),
        adjusted,
    )


def _empty_patch() -> Patch:
    return Patch(0, 0, np.zeros((0, 0, 3), np.uint8), np.zeros((0, 0), np.float32))
