"""Where the new face lies over the old one."""

from __future__ import annotations

import numpy as np

from epdcli.faces.coverage import inner_outline
from epdcli.synthetic.blending import (
    clean_rim,
    hull_of,
    open_forehead,
    paste_mask,
    skin_likeness,
    skin_share,
    with_bare_forehead,
)
from epdcli.synthetic.structure import five_points
from tests.unit.synthetic.conftest import picture_of_a_face, points_of_a_face

POINTS = points_of_a_face()
HULL = hull_of(POINTS)


def with_fringe() -> np.ndarray:
    pixels = picture_of_a_face()
    pixels[30:78, 60:130] = (40, 25, 20)
    return pixels


def forehead(pixels: np.ndarray) -> np.ndarray:
    return open_forehead(skin_likeness(pixels, POINTS), POINTS)


def test_the_hull_holds_all_points_and_some_forehead() -> None:
    assert all(HULL[int(y), int(x)] > 0.5 for x, y in POINTS)
    assert HULL[70, 128] == 1 and HULL[250, 128] == 0


def test_a_fringe_stays_in_front_and_skin_does_not() -> None:
    mask = paste_mask(HULL, forehead(with_fringe()))
    assert mask[68, 95] < 0.1 and mask[72, 150] > 0.8
    assert mask[110:200, 100:156].min() > 0.95


def test_below_the_brows_everything_is_replaced_whatever_its_colour() -> None:
    pixels = picture_of_a_face()
    pixels[105:230] = (10, 200, 30)
    mask = paste_mask(HULL, forehead(pixels))
    assert mask[110:200, 100:156].min() > 0.95


def test_a_fringe_of_the_new_person_is_not_put_on_an_open_forehead() -> None:
    mask = paste_mask(HULL, forehead(picture_of_a_face()), forehead(with_fringe()))
    assert mask[68, 95] < 0.1


def test_a_fringe_of_the_new_person_becomes_skin_and_nothing_else_changes() -> None:
    pixels = with_fringe()
    bare = with_bare_forehead(pixels, skin_likeness(pixels, POINTS), POINTS, HULL)
    assert np.abs(bare[66:74, 80:110].astype(int) - (200, 160, 140)).max() < 25
    np.testing.assert_array_equal(bare[110:], pixels[110:])


def test_the_hull_holds_the_inner_face_of_the_detectors_landmarks_too() -> None:
    """Which is what coverage is judged by, whatever the mesh thinks of the pose."""
    small = (POINTS - 128) * np.float32(0.5) + 128
    small[27:36, 0] += 30  # turned, so that its own inner face is narrower on one side
    detected = five_points(POINTS)
    outline = (inner_outline(detected) - 128) * 0.97 + 128  # its very border is half inside
    assert all(hull_of(small, detected)[int(y), int(x)] > 0.4 for x, y in outline)
    assert not all(hull_of(small)[int(y), int(x)] > 0.4 for x, y in outline)


def test_at_the_rim_only_skin_of_the_new_person_is_shown() -> None:
    pixels = picture_of_a_face()
    pixels[:, 176:] = (20, 200, 220)  # background behind a cheek that ends too soon
    mask = paste_mask(HULL, clean_rim(skin_likeness(pixels, POINTS), HULL))
    assert mask[150, 184] < 0.5 * mask[150, 72] and mask[150, 128] == 1


def test_the_mask_fades_inside_the_hull() -> None:
    mask = paste_mask(HULL)
    assert mask.max() == 1 and (mask[HULL == 0] < 0.2).all()
    rows = mask[150]
    assert ((rows > 0.05) & (rows < 0.95)).sum() >= 8


def test_a_free_forehead_is_told_from_a_hidden_one() -> None:
    free, hidden = (skin_share(face, POINTS, HULL) for face in (picture_of_a_face(), with_fringe()))
    assert free > 0.9 and hidden < 0.7
