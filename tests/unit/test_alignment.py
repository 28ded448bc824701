from __future__ import annotations

import numpy as np
import pytest

from epdcli.faces.alignment import (
    TEMPLATE_256,
    align,
    crop_of_frame,
    inverse,
    map_points,
    scale_of,
    similarity_transform,
    warp,
)
from epdcli.model import Box, Face


def turned(points: np.ndarray, degrees: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    angle = np.deg2rad(degrees)
    rotation = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    return scale * points @ rotation.T + shift


@pytest.mark.parametrize("degrees", [0, 33, 90, 180, 271])
def test_a_similarity_is_recovered_exactly(degrees: float) -> None:
    source = turned(TEMPLATE_256, degrees, 0.3, (40, -7))
    matrix = similarity_transform(source, TEMPLATE_256)
    np.testing.assert_allclose(map_points(matrix, source), TEMPLATE_256, atol=1e-9)
    assert scale_of(matrix) == pytest.approx(1 / 0.3)


def test_a_mirrored_face_is_not_reflected() -> None:
    mirrored = TEMPLATE_256 * (-1, 1)
    assert np.linalg.det(similarity_transform(mirrored, TEMPLATE_256)[:, :2]) > 0


@pytest.mark.parametrize("bad", [np.ones((5, 2)), np.full((5, 2), np.nan)])
def test_landmarks_that_determine_nothing_are_an_error(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="landmarks"):
        similarity_transform(bad, TEMPLATE_256)


def test_the_inverse_leads_back() -> None:
    matrix = similarity_transform(turned(TEMPLATE_256, 20, 2, (5, 5)), TEMPLATE_256)
    points = np.array([(3.0, 4.0), (100.0, 20.0)])
    np.testing.assert_allclose(map_points(inverse(matrix), map_points(matrix, points)), points, atol=1e-9)


@pytest.mark.parametrize("scale", [0.25, 1.0, 5.0])
def test_what_stands_at_a_landmark_stands_at_the_template_after_alignment(scale: float) -> None:
    points = turned(TEMPLATE_256, 15, scale, (30 * scale, 60 * scale))
    side = int(400 * scale)
    rows, columns = np.mgrid[:side, :side]
    pixels = np.zeros((side, side, 3), np.uint8)
    for channel, (x, y) in enumerate(points[[0, 1, 4]]):
        spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * (6 * scale) ** 2))
        pixels[..., channel] = (255 * spot).astype(np.uint8)
    face = Face(Box(0, 0, side, side), points.astype(np.float32), 1.0)
    aligned = align(pixels, face, 128)
    for channel, wanted in enumerate(TEMPLATE_256[[0, 1, 4]] / 2):
        weights = aligned.pixels[..., channel].astype(float)
        found = [(axis * weights).sum() / weights.sum() for axis in np.mgrid[:128, :128][::-1]]
        np.testing.assert_allclose(found, wanted, atol=0.6)


def test_a_square_of_the_frame_is_cut_out_at_its_size() -> None:
    identity = np.array([(1.0, 0, 0), (0, 1.0, 0)])
    matrix = crop_of_frame(identity, 256, (43.6, 56.6), 171.0, 150)
    np.testing.assert_allclose(map_points(matrix, np.array([(43.6, 56.6)])), [(0, 0)], atol=1e-9)
    np.testing.assert_allclose(map_points(matrix, np.array([(214.6, 227.6)])), [(150, 150)], atol=1e-9)


def test_a_crop_outside_the_picture_repeats_its_border() -> None:
    pixels = np.full((20, 20, 3), 77, np.uint8)
    away = np.array([(1.0, 0, 500), (0, 1.0, 500)])
    assert (warp(pixels, away, 32) == 77).all()
