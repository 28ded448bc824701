"""A person's picture bends to the points that are asked for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from epdcli.synthetic.registration import bent, destinations, with_gaze
from epdcli.synthetic.structure import EYES, SIZE
from tests.unit.synthetic.conftest import picture_of_a_face, points_of_a_face

POINTS = points_of_a_face().astype(np.float64)


def test_points_that_stay_leave_the_picture_as_it_is() -> None:
    pixels = picture_of_a_face()
    assert np.abs(bent(pixels, POINTS, POINTS).astype(int) - pixels).max() <= 1


@pytest.mark.parametrize("shift", [(6, 0), (0, -5), (3, 4)])
def test_a_mark_moves_with_its_point(shift: tuple[int, int]) -> None:
    pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
    cv2.circle(pixels, (128, 180), 3, (255, 255, 255), cv2.FILLED)
    source = np.vstack([POINTS, [(128.0, 180.0)]])
    moved = bent(pixels, source, source + np.array(shift))[..., 0].astype(float)
    rows, columns = np.indices(moved.shape)
    centre = np.array([(columns * moved).sum(), (rows * moved).sum()]) / moved.sum()
    np.testing.assert_allclose(centre, np.array((128, 180)) + shift, atol=0.7)


def test_the_jaw_is_the_old_ones_and_of_the_rest_a_share_is_the_persons() -> None:
    old, person = points_of_a_face(), points_of_a_face()
    person[31:36, 1] += 8
    for own in (0.0, 0.5, 1.0):
        target = destinations(old, person, own)
        np.testing.assert_allclose(target[:17], old[:17])
    np.testing.assert_allclose(destinations(old, person, 0.0), old, atol=1e-4)
    nostrils = [destinations(old, person, own)[31:36, 1].mean() for own in (0.0, 0.5, 1.0)]
    assert nostrils[0] < nostrils[1] < nostrils[2] <= person[31:36, 1].mean()


def test_most_of_the_lips_shape_stays_whatever_else_is_the_persons() -> None:
    old, person = points_of_a_face(), points_of_a_face()
    person[48:60, 1] += 8
    moved = [destinations(old, person, own)[48:60, 1].mean() - old[48:60, 1].mean() for own in (0.4, 1.0)]
    assert moved[0] > 0 and moved[1] == pytest.approx(moved[0])


def test_the_new_eye_looks_where_the_old_one_did() -> None:
    old, person = points_of_a_face(), points_of_a_face()
    middle = np.array([(98, 110), (158, 110)], np.float32)
    aside = middle + np.array((4, 1), np.float32)
    source, target = with_gaze(old, aside, person, middle, person.astype(np.float64))
    np.testing.assert_allclose(source[68:], middle)
    np.testing.assert_allclose(target[68:], aside, atol=1e-5)
    assert all(len(person[eye]) == 6 for eye in EYES)
