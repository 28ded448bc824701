"""Turn faces upright: the similarity from five landmarks to the template, and crops along it."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.model import AlignedFace, Face, Matrix, Pixels

# ArcFace's 112 px template, widened by 1.7 about (56, 62), so that the whole head has room.
TEMPLATE_256 = np.array(
    [(97.90, 110.48), (157.80, 110.15), (128.04, 144.55), (103.43, 179.62), (153.04, 179.35)], np.float64
)
FRAME = 256.0  # the aligned frame in which templates and crops are stated

Coordinates: TypeAlias = NDArray[np.floating]  # n x 2, x and y

_MARGIN_PX = 4


def align(pixels: Pixels, face: Face, size: int) -> AlignedFace:
    """Cut `face` out of a picture (H x W x 3, uint8), upright, as size x size x 3.

    Convention: the matrix maps picture points to points of the crop; both have pixel centres at whole
    coordinates; what lies outside the picture repeats its border. Raises ValueError on landmarks that
    determine no similarity.
    """
    matrix = alignment_matrix(face, size)
    return AlignedFace(face, warp(pixels, matrix, size), matrix)


def alignment_matrix(face: Face, size: int) -> Matrix:
    """The similarity (2 x 3) that takes the face's five landmarks to the template of `size` pixels."""
    return similarity_transform(face.landmarks, TEMPLATE_256 * (size / FRAME))


def similarity_transform(source: Coordinates, target: Coordinates) -> Matrix:
    """The similarity (2 x 3) that takes `source` (n, 2) to `target` (n, 2) with the least squared error.

    S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    PAMI 1991, equations 34 to 42. Raises ValueError when the points coincide or are not finite.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ValueError("landmarks must be finite numbers")
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)  # (34), (35)
    centred, aimed = source - source_mean, target - target_mean
    variance = (centred**2).sum() / len(source)  # (36)
    if variance < 1e-6:
        raise ValueError("landmarks coincide, so they determine no similarity")
    u, singular, vt = np.linalg.svd(aimed.T @ centred / len(source))  # (38)
    signs = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])  # (39): no reflection
    rotation = u @ np.diag(signs) @ vt  # (40)
    scale = (singular * signs).sum() / variance  # (42)
    return np.hstack([scale * rotation, (target_mean - scale * rotation @ source_mean)[:, None]])  # (41)


def crop_of_frame(matrix: Matrix, size: int, corner: tuple[float, float], side: float, out: int) -> Matrix:
    """The matrix that cuts a square of the 256 px frame (`corner`, `side`) out of the picture as `out` px.

    `matrix` maps the picture to an aligned face of `size` pixels.
    """
    to_frame = FRAME / size
    zoom = out / side
    result = matrix * (to_frame * zoom)
    result[:, 2] -= np.array(corner) * zoom
    return result


def warp(pixels: Pixels, matrix: Matrix, size: int) -> Pixels:
    """Cut size x size x 3 out of a picture along `matrix` (picture to crop), without aliasing.

    A face larger than the crop is first shrunk by area, so that no pixel is skipped; the border repeats.
    """
    height, width = pixels.shape[:2]
    corners = map_points(inverse(matrix), np.array([(0, 0), (size, 0), (size, size), (0, size)], np.float64))
    left, top = np.floor(corners.min(axis=0)).astype(int) - _MARGIN_PX
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + _MARGIN_PX
    left, right = np.clip((left, right), 0, width)
    top, bottom = np.clip((top, bottom), 0, height)
    if right - left < 1 or bottom - top < 1:  # the face lies outside: its nearest pixel is all there is
        left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
        right, bottom = left + 1, top + 1
    region = pixels[top:bottom, left:right]
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (left, top)
    region, moved = _shrunk(region, moved)
    flags = cv2.INTER_CUBIC if scale_of(moved) > 1 else cv2.INTER_LINEAR
    return cv2.warpAffine(region, moved, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE).astype(
        np.uint8
    )


def _shrunk(region: Pixels, matrix: Matrix) -> tuple[Pixels, Matrix]:
    """Shrink a region by area to the crop's scale, and the matrix with it."""
    scale = scale_of(matrix)
    if scale > 0.75:
        return region, matrix
    height, width = region.shape[:2]
    small = max(1, round(width * scale)), max(1, round(height * scale))
    stretch = np.array((width / small[0], height / small[1]))
    adjusted = matrix.copy()
    adjusted[:, 2] += matrix[:, :2] @ ((stretch - 1) / 2)  # pixel centres: x = (x' + 0.5) * stretch - 0.5
    adjusted[:, :2] = matrix[:, :2] * stretch
    return cv2.resize(region, small, interpolation=cv2.INTER_AREA).astype(np.uint8), adjusted


def inverse(matrix: Matrix) -> Matrix:
    """The matrix (2 x 3) of the way back."""
    return np.asarray(cv2.invertAffineTransform(matrix), np.float64)


def scale_of(matrix: Matrix) -> float:
    """How much a similarity (2 x 3) enlarges: pixels of the crop to a pixel of the picture."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def map_points(matrix: Matrix, points: Coordinates) -> NDArray[np.float64]:
    """Points (n, 2) carried along a matrix (2 x 3)."""
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
