"""The soft fill shows a few colours, and no more."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from epdcli.errors import UsageError
from epdcli.faces.alignment import TEMPLATE_256, warp
from epdcli.methods.soft import Soft
from epdcli.model import AlignedFace, Box, Face, Pixels

FACE = Face(Box(60, 50, 120, 150), (TEMPLATE_256 * 0.8 + (10, 20)).astype(np.float32), 0.9)
CODE = np.zeros(0, np.float32)


def filled(picture: Pixels, strength: float | None = None) -> tuple[Pixels, np.ndarray]:
    matrix = Soft().matrix(FACE)
    aligned = AlignedFace(FACE, warp(picture, matrix, Soft.size), matrix)
    (new,) = Soft(strength=strength).replace([aligned], [CODE])
    return new.pixels, new.mask


def picture(seed: int, coarse: int) -> Pixels:
    """Blocks of `coarse` pixels in drawn colours."""
    drawn = np.random.default_rng(seed).integers(60, 200, (320 // coarse, 320 // coarse, 3), np.uint8)
    return np.kron(drawn, np.ones((coarse, coarse, 1), np.uint8))[:300, :300]


def test_faces_with_the_same_few_colours_get_the_same_fill() -> None:
    """Nothing finer than the cells is left: fine patterns that average out don't matter."""
    smooth = np.full((300, 300, 3), 130, np.uint8)
    checks = smooth.copy()
    ring = np.zeros((300, 300), np.uint8)
    cv2.ellipse(ring, (120, 125), (55, 70), 0, 0, 360, 1, cv2.FILLED)
    fine = (np.indices((300, 300)).sum(axis=0) % 2 * 80 - 40) * ring
    checks = np.clip(checks.astype(int) + fine[..., None], 0, 255).astype(np.uint8)
    gap = np.abs(filled(smooth)[0].astype(int) - filled(checks)[0])
    assert gap.max() <= 2


def test_it_is_smooth_and_has_its_own_colours() -> None:
    pixels, mask = filled(picture(3, 40))
    inside = mask == 1
    steps = np.abs(np.diff(cv2.GaussianBlur(pixels, (0, 0), 2).astype(int), axis=1))[inside[:, 1:]]
    assert steps.max() <= 8
    assert np.ptp(pixels[inside].reshape(-1, 3), axis=0).min() > 10


def test_one_colour_is_one_colour() -> None:
    pixels, mask = filled(np.full((300, 300, 3), (200, 100, 50), np.uint8), strength=1)
    np.testing.assert_array_equal(np.unique(pixels[mask == 1].reshape(-1, 3), axis=0), [(200, 100, 50)])


def test_it_is_hardly_larger_than_the_box_and_fades() -> None:
    _, mask = filled(picture(1, 10))
    across = np.flatnonzero((mask > 0).any(axis=0))
    wide = 256 / (1.5 * 150) * 120  # of the box in the frame
    assert wide <= np.ptp(across) + 1 <= 1.11 * wide
    assert ((mask > 0.05) & (mask < 0.95)).any(axis=0).sum() > 10


@pytest.mark.parametrize("strength", [0.0, 5.0, float("nan")])
def test_more_colours_than_sixteen_are_refused(strength: float) -> None:
    with pytest.raises(UsageError, match="soft"):
        Soft(strength=strength)
