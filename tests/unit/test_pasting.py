from __future__ import annotations

import cv2
import numpy as np
import pytest

from epdcli.faces.pasting import composite, solid_core, to_picture, touched
from epdcli.model import NewFace


def hull(size: int = 128) -> np.ndarray:
    canvas = np.zeros((size, size), np.uint8)
    cv2.ellipse(canvas, (size // 2, size // 2), (size // 4, size // 3), 0, 0, 360, 255, -1)
    return canvas.astype(np.float32) / 255


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_inside_the_hull_eroded_by_5_percent_nothing_of_the_old_face_shines_through() -> None:
    shape = hull()
    width = int(np.ptp(np.nonzero(shape.any(axis=0))[0])) + 1
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(0.05 * width) + 1,) * 2)
    eroded = cv2.erode(shape, element) > 0.5
    assert eroded.any()
    assert solid_core(shape)[eroded].min() == 1


def test_the_mask_is_zero_outside_the_hull() -> None:
    assert solid_core(hull())[hull() == 0].max() == 0


def test_a_face_cut_by_the_crop_is_solid_up_to_its_edge() -> None:
    shape = np.zeros((64, 64), np.float32)
    shape[20:, 10:50] = 1
    assert solid_core(shape)[-1, 20:40].min() == 1


@pytest.mark.parametrize("zoom", [0.2, 1.0, 4.0])
def test_pixels_outside_the_mask_stay_bit_for_bit(zoom: float) -> None:
    source = noise(300, 200, 3)
    matrix = np.array([(1 / zoom, 0, -20 / zoom), (0, 1 / zoom, -30 / zoom)])
    patch = to_picture(NewFace(noise(128, 128, 3), solid_core(hull())), matrix, source.shape)
    result = composite(source, [patch])
    outside = ~touched(source.shape, [patch])
    assert outside.any() and not outside.all()
    np.testing.assert_array_equal(result[outside], source[outside])


def test_under_a_full_mask_the_result_does_not_depend_on_the_old_face() -> None:
    matrix = np.array([(1.0, 0, -20), (0, 1.0, -30)])
    patch = to_picture(NewFace(noise(128, 128, 3), solid_core(hull())), matrix, (300, 200, 3))
    core = touched((300, 200), [patch], 0.9999)
    one, other = (composite(np.full((300, 200, 3), v, np.uint8), [patch]) for v in (0, 255))
    assert core.sum() > 1000
    np.testing.assert_array_equal(one[core], other[core])


def test_a_face_over_the_border_is_cut() -> None:
    matrix = np.array([(1.0, 0, 70), (0, 1.0, 60)])
    patch = to_picture(NewFace(noise(128, 128, 3), solid_core(hull())), matrix, (50, 40, 3))
    rows, columns = patch.window
    assert rows.stop <= 50 and columns.stop <= 40 and patch.mask.max() == 1


def test_a_face_outside_the_picture_touches_nothing() -> None:
    matrix = np.array([(1.0, 0, 900), (0, 1.0, 900)])
    patch = to_picture(NewFace(noise(128, 128, 3), solid_core(hull())), matrix, (50, 40, 3))
    assert not touched((50, 40), [patch]).any()
