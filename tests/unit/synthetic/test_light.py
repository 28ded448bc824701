"""The new face has the old one's light, sharpness and lack of colour."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from epdcli.synthetic.light import detail_of, is_grey, light_of, relit
from epdcli.synthetic.structure import SIZE
from tests.unit.synthetic.conftest import picture_of_a_face

MASK = np.zeros((SIZE, SIZE), np.float32)
cv2.ellipse(MASK, (128, 135), (60, 90), 0, 0, 360, 1.0, cv2.FILLED)
PLENTY = np.full(3, 99, np.float32)


def mean(pixels: np.ndarray) -> np.ndarray:
    return pixels[MASK > 0].mean(axis=0)


@pytest.mark.parametrize("factor", [0.35, 0.7, 1.15])
def test_a_face_gets_as_light_as_the_old_one(factor: float) -> None:
    person, old = picture_of_a_face(), (picture_of_a_face((180, 150, 120)) * factor).astype(np.uint8)
    new = relit(person, MASK, light_of(old, MASK), PLENTY)
    np.testing.assert_allclose(mean(new), mean(old), atol=6)


def test_light_from_one_side_stays_on_that_side() -> None:
    ramp = np.linspace(0.4, 1.1, SIZE)[None, :, None]
    old = np.clip(picture_of_a_face() * ramp, 0, 255).astype(np.uint8)
    new = relit(picture_of_a_face((170, 140, 130)), MASK, light_of(old, MASK), PLENTY).astype(float)
    left, right = new[100:170, 80:100].mean(), new[100:170, 156:176].mean()
    assert right > 1.15 * left


def test_what_lies_outside_the_mask_does_not_count() -> None:
    other = picture_of_a_face()
    other[MASK == 0] = 255
    np.testing.assert_allclose(light_of(other, MASK), light_of(picture_of_a_face(), MASK), atol=0.5)


def test_a_soft_picture_gets_a_soft_face() -> None:
    sharp = picture_of_a_face(seed=1)
    soft = cv2.GaussianBlur(picture_of_a_face(), (0, 0), 3)
    light, detail = light_of(soft, MASK), detail_of(soft, MASK)
    new = relit(sharp, MASK, light, detail)
    assert detail_of(new, MASK)[0] < 0.5 * detail_of(sharp, MASK)[0]
    np.testing.assert_allclose(detail_of(new, MASK)[0], detail[0], atol=0.6)


def test_detail_is_never_blown_up() -> None:
    sharp = picture_of_a_face()
    new = relit(sharp, MASK, light_of(sharp, MASK), PLENTY)
    assert detail_of(new, MASK)[0] < 1.3 * detail_of(sharp, MASK)[0]


@pytest.mark.parametrize("grey", [True, False])
def test_a_black_and_white_picture_gets_a_black_and_white_face(grey: bool) -> None:
    old = picture_of_a_face()
    if grey:
        old = np.repeat(cv2.cvtColor(old, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    light = light_of(old, MASK)
    assert is_grey(light) is grey
    new = relit(picture_of_a_face((210, 120, 90)), MASK, light, PLENTY)
    assert (np.ptp(new, axis=2).max() == 0) is np.bool_(grey)


def test_a_picture_of_one_tint_keeps_it() -> None:
    grey = cv2.cvtColor(picture_of_a_face(), cv2.COLOR_RGB2GRAY).astype(float)
    sepia = np.clip(grey[..., None] * (1.0, 0.85, 0.6), 0, 255).astype(np.uint8)
    person = picture_of_a_face((210, 120, 110))
    person[150:160, 100:150] = (60, 120, 220)  # something blue
    inside = cv2.cvtColor(relit(person, MASK, light_of(sepia, MASK), PLENTY), cv2.COLOR_RGB2HSV)[MASK > 0]
    assert np.ptp(np.percentile(inside[:, 0], (2, 98))) < 12, "one hue, that of the picture"


def test_a_white_highlight_on_dark_skin_does_not_turn_blue() -> None:
    person = picture_of_a_face((90, 60, 45))
    cv2.circle(person, (128, 150), 8, (235, 230, 225), cv2.FILLED)
    light = light_of(picture_of_a_face((220, 150, 110)), MASK)
    red, _, blue = relit(person, MASK, light, PLENTY)[150, 128].astype(int)
    assert blue <= red + 5
