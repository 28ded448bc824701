"""What crosses from the old inner face to the new one, and that nothing else does."""

from __future__ import annotations

import numpy as np
import pytest

from epdcli.faces.alignment import TEMPLATE_256
from epdcli.faces.coverage import covered_share
from epdcli.faces.structure import (
    CHANNELS,
    draw,
    expression_crop,
    feather,
    hull_of,
    landmarks_from_network,
    softened,
    structure_of,
    what_crosses,
)
from epdcli.model import Box, Face


def drawn_landmarks(size: int) -> np.ndarray:
    """A plain frontal face in iBUG's order, in the aligned frame."""
    angles = np.linspace(np.pi, 0, 17)
    jaw = np.stack([64 + 36 * np.cos(angles), 60 + 46 * np.sin(angles)], axis=1)
    brows = [(x, 50 - abs(k - 2) % 2) for side in (40, 70) for k, x in enumerate(range(side, side + 20, 4))]
    nose = [(64, 56), (64, 62), (64, 68), (64, 73), (58, 76), (61, 77), (64, 78), (67, 77), (70, 76)]
    eyes = [
        (x + dx, 56 + dy)
        for x in (49, 79)
        for dx, dy in ((-6, 0), (-2, -3), (2, -3), (6, 0), (2, 2), (-2, 2))
    ]
    outer = [
        (64 + 13 * np.cos(a), 90 + 7 * np.sin(a)) for a in np.linspace(np.pi, 3 * np.pi, 12, endpoint=False)
    ]
    inner = [
        (64 + 8 * np.cos(a), 90 + 3 * np.sin(a)) for a in np.linspace(np.pi, 3 * np.pi, 8, endpoint=False)
    ]
    return (np.concatenate([jaw, brows, nose, eyes, outer, inner]) * size / 128).astype(np.float32)


def drawn_face(size: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    return rng.integers(0, 256, (size, size, 3), dtype=np.uint8)


PROBABILITIES = np.full(7, 1 / 7, np.float32)


@pytest.mark.parametrize("size", [128, 256])
def test_a_structure_has_the_promised_shapes_and_types(size: int) -> None:
    structure = structure_of(drawn_face(size), drawn_landmarks(size), PROBABILITIES)
    assert structure.context.shape == (CHANNELS, size, size) and structure.context.dtype == np.float32
    assert structure.hull.shape == (size, size) and structure.hull.min() == 0 and structure.hull.max() == 1
    assert structure.landmarks.shape == (68, 2) and structure.expression.shape == (7,)
    assert np.isfinite(structure.context).all() and np.abs(structure.context).max() <= 2


@pytest.mark.parametrize("size", [128, 256])
def test_inner_pixels_that_keep_the_numbers_leave_the_structure_bit_identical(size: int) -> None:
    """No copy-through: change pixels inside the hull, keep the list, and every bit stays."""
    face, landmarks = drawn_face(size), drawn_landmarks(size)
    crossing = what_crosses(face, landmarks, PROBABILITIES)
    other = face.copy()
    inside = hull_of(landmarks, size) == 1
    other[inside] = np.random.default_rng(8).integers(0, 256, (int(inside.sum()), 3), dtype=np.uint8)
    assert not np.array_equal(face, other)
    one, two = draw(crossing, face), draw(crossing, other)
    assert one.context.tobytes() == two.context.tobytes()
    assert one.hull.tobytes() == two.hull.tobytes()


def test_pixels_swapped_within_a_block_away_from_the_measured_places_change_nothing() -> None:
    """The same from picture to structure: the measuring itself is blind to everything it doesn't list."""
    face, landmarks = drawn_face(128), drawn_landmarks(128)
    other = face.copy()
    rows, columns = slice(64, 72), slice(35, 38)  # a cheek, inside one block of 16 pixels
    assert (hull_of(landmarks, 128)[rows, columns] == 1).all()
    other[rows, columns] = face[rows, columns][::-1, ::-1]
    assert not np.array_equal(face, other)
    before = structure_of(face, landmarks, PROBABILITIES)
    after = structure_of(other, landmarks, PROBABILITIES)
    assert before.context.tobytes() == after.context.tobytes()


def test_what_the_list_names_does_change_the_structure() -> None:
    face, landmarks = drawn_face(128), drawn_landmarks(128)
    darker = face.copy()
    darker[50:62, 43:55] //= 4
    before, after = (structure_of(f, landmarks, PROBABILITIES).context for f in (face, darker))
    changed = [c for c in range(CHANNELS) if not np.array_equal(before[c], after[c])]
    assert set(changed) == {7, 8, 9, 10, 11, 12, 13, 14, 15, 16}


def test_the_iris_is_found_where_the_eye_is_dark() -> None:
    landmarks = drawn_landmarks(128)
    face = np.full((128, 128, 3), 200, np.uint8)
    face[53:60, 50:53] = 20
    irises = what_crosses(face, landmarks, PROBABILITIES).irises
    assert irises[0, 0] == pytest.approx(51, abs=0.8)


def test_the_feathered_mask_is_one_inside_and_zero_outside_the_hull() -> None:
    hull = hull_of(drawn_landmarks(128), 128)
    mask = feather(hull)
    assert mask[70, 64] == 1 and mask[2, 2] == 0
    assert (mask[hull == 0] == 0).all(), "the mask must not reach pixels that the generator never blanked"


def test_the_network_crop_and_its_landmarks_fit_together() -> None:
    assert expression_crop(drawn_face(256)).shape == (3, 112, 112)
    corners = landmarks_from_network(np.tile(np.array([0.0, 1.0], np.float32), 68), 256)
    assert corners[0] == pytest.approx((58, 230))


def test_landmarks_are_rounded_so_that_runtimes_draw_the_same_lines() -> None:
    output = np.random.default_rng(1).random(136).astype(np.float32)
    points = landmarks_from_network(output, 128)
    assert (points * 4 == np.round(points * 4)).all()
    assert np.abs(points - (output.reshape(68, 2) * 70 + (29, 45))).max() <= 0.125 + 1e-4
    assert (landmarks_from_network(output + np.float32(1e-7), 128) == points).mean() > 0.99


def test_softer_light_has_the_same_colour_on_average_and_fewer_differences() -> None:
    pixels, landmarks = drawn_face(128), drawn_landmarks(128)
    pixels[40:80, 40:64] = 20  # a shadow
    crossing = what_crosses(pixels, landmarks, PROBABILITIES)
    soft = softened(crossing, 2)
    inside = (slice(3, 6), slice(2, 6))  # blocks of the inner face
    assert soft.means[inside].std() < crossing.means[inside].std() / 2
    assert soft.means[inside].mean() == pytest.approx(crossing.means[inside].mean(), abs=20)
    assert softened(crossing, 0) is crossing
    assert soft.means.dtype == np.float32 and (soft.landmarks == crossing.landmarks).all()


def test_softer_light_takes_nothing_from_beside_the_face() -> None:
    face, landmarks = drawn_face(128), drawn_landmarks(128)
    beside = face.copy()
    beside[:, :16] = beside[:, -16:] = 255 - face[:, :16]
    one, other = (softened(what_crosses(p, landmarks, PROBABILITIES), 2) for p in (face, beside))
    assert (one.means[4, 4] == other.means[4, 4]).all()


@pytest.mark.parametrize("size", [128, 256])
def test_the_hull_holds_the_inner_face_even_where_the_landmarks_are_lost(size: int) -> None:
    """What `coverage` asks to be covered is covered by construction, whatever the landmark network says."""
    lost = np.tile(np.array((0.1, 0.1), np.float32) * size, (68, 1))
    template = TEMPLATE_256 * (size / 256)
    face = Face(Box(0, 0, size, size), template.astype(np.float32), 1.0)
    assert covered_share(hull_of(lost, size) >= 0.5, face) > 0.99


def test_glimpses_say_where_the_mouth_is_bright_and_no_more() -> None:
    landmarks = drawn_landmarks(128)
    face = np.full((128, 128, 3), 60, np.uint8)
    face[86:91, 50:64] = 240  # teeth in the left half
    glimpses = what_crosses(face, landmarks, PROBABILITIES).glimpses
    mouth = glimpses[30:].reshape(4, 8)
    assert len(glimpses) == 62 and glimpses[:30] == pytest.approx(60)
    assert mouth[:, 1:3].max() > 150 and mouth[:, 5:].max() < 61


@pytest.mark.parametrize("size", [128, 256])
def test_features_at_and_beyond_the_frames_border_are_measured_and_drawn(size: int) -> None:
    moved = drawn_landmarks(size) + np.array((0.45, 0.3), np.float32) * size
    context = structure_of(drawn_face(size), moved, PROBABILITIES).context
    assert np.isfinite(context).all() and np.abs(context[16]).max() <= 1
