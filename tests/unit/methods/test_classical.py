"""`filter` and `warp` on drawn faces: what they keep, what they change, and what their chance hangs on."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from epdcli.errors import UsageError
from epdcli.methods.blur import Blur
from epdcli.methods.box_frame import SIZE, box_matrix
from epdcli.methods.filter import Filter
from epdcli.methods.pixelate import Pixelate
from epdcli.methods.warp import Warp, smooth_field
from epdcli.model import AlignedFace, Box, Code, Face

FOUND = Face(Box(40, 40, 100, 120), np.zeros((5, 2), np.float32), 0.9)


def drawn_face(noise: int = 0) -> AlignedFace:
    """An oval with two eyes and a mouth before a dark wall."""
    pixels = np.full((SIZE, SIZE, 3), 40, np.uint8)
    cv2.ellipse(pixels, (128, 128), (70, 85), 0, 0, 360, (210, 170, 150), cv2.FILLED)
    for centre in ((100, 105), (156, 105)):
        cv2.circle(pixels, centre, 9, (30, 20, 20), cv2.FILLED)
    cv2.ellipse(pixels, (128, 170), (28, 9), 0, 0, 360, (150, 50, 60), cv2.FILLED)
    grain = np.random.default_rng(1).integers(-noise, noise + 1, pixels.shape)
    return AlignedFace(FOUND, np.clip(pixels + grain, 0, 255).astype(np.uint8), box_matrix(FOUND))


def code(number: int) -> Code:
    drawn = np.random.default_rng(number).normal(size=128)
    return (drawn / np.linalg.norm(drawn)).astype(np.float32)


def contrast(pixels: np.ndarray) -> float:
    """From the forehead to an eye, in grey levels."""
    return float(pixels[70, 128].astype(float).mean() - pixels[105, 100].astype(float).mean())


def test_the_filter_keeps_size_and_type_and_smooths_the_grain() -> None:
    face = drawn_face(noise=12)
    (new,) = Filter().replace([face], [code(1)])
    assert new.pixels.shape == face.pixels.shape and new.pixels.dtype == np.uint8
    cheek = slice(130, 150), slice(80, 100)
    before, after = (pixels[cheek].std(axis=(0, 1)) for pixels in (face.pixels, new.pixels))
    assert (after < 0.3 * before).all()


def test_the_filter_keeps_edges_that_are_higher_than_its_strength() -> None:
    face = drawn_face(noise=12)
    (gentle,), (strong,) = (Filter(None, strength).replace([face], [code(1)]) for strength in (0.05, 1.0))
    assert contrast(gentle.pixels) > 0.95 * contrast(face.pixels) > contrast(strong.pixels)


@pytest.mark.parametrize("strength", [0.001, 0.02, 0.12, 0.3])
def test_the_blur_is_opencvs_gaussian_to_a_grey_level(strength: float) -> None:
    face = drawn_face(noise=40)
    (new,) = Blur(None, strength).replace([face], [code(1)])
    wanted = cv2.GaussianBlur(face.pixels, (0, 0), strength * SIZE / 1.5)
    assert np.abs(new.pixels.astype(int) - wanted).max() <= 1


def test_the_same_code_gives_the_same_warp_and_another_code_another() -> None:
    face = drawn_face()
    one, again, other = (Warp().replace([face], [code(n)])[0].pixels for n in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any(axis=2).mean() > 0.1


def test_a_faces_warp_does_not_depend_on_its_neighbours_in_the_batch() -> None:
    face = drawn_face()
    together = Warp().replace([face, face], [code(1), code(2)])
    np.testing.assert_array_equal(together[1].pixels, Warp().replace([face], [code(2)])[0].pixels)


def test_the_field_is_smooth_and_as_large_as_it_says() -> None:
    field = np.stack([smooth_field(code(n)) for n in range(40)])
    assert 0.6 < field.std() < 1.2
    assert np.abs(np.diff(field, axis=1)).max() < 0.2


def test_a_warp_of_no_strength_to_speak_of_changes_next_to_nothing() -> None:
    face = drawn_face()
    (new,) = Warp(None, 0.001).replace([face], [code(1)])
    assert np.abs(new.pixels.astype(int) - face.pixels).mean() < 2


@pytest.mark.parametrize("method", [Blur, Pixelate, Filter, Warp])
@pytest.mark.parametrize("strength", [0.0, -1.0, float("nan"), float("inf")])
def test_a_strength_that_makes_no_sense_is_refused(method: type, strength: float) -> None:
    with pytest.raises(UsageError, match="makes no sense"):
        method(None, strength)
