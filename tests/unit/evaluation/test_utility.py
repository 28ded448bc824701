"""Utility figures with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.needs import needs

needs("sklearn", "scipy")

from epdcli.errors import UsageError  # noqa: E402
from epdcli.evaluation import quality, utility  # noqa: E402
from epdcli.evaluation.gauges import IDENTICAL_DB, directions, psnr_outside  # noqa: E402
from epdcli.model import Box, Face  # noqa: E402

RANDOM = np.random.default_rng(7)


def probabilities(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32)


def face68() -> np.ndarray:
    """68 points on a circle: (1, 136), 0..1 of a crop."""
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    return (0.5 + 0.3 * np.stack([np.cos(angles), np.sin(angles)], 1)).reshape(1, -1).astype(np.float32)


def test_a_class_is_kept_or_not_and_unknown_where_there_is_no_picture() -> None:
    clear = probabilities((0.9, 0.1), (0.2, 0.8), (0.7, 0.3))
    new = probabilities((0.6, 0.4), (0.9, 0.1), (np.nan, np.nan))
    found = utility.same_class(clear, new)
    assert found[:2].tolist() == [1, 0] and np.isnan(found[2])


def test_the_divergence_of_equal_distributions_is_nothing() -> None:
    clear = probabilities((0.5, 0.5), (0.5, 0.5))
    found = utility.divergence(clear, probabilities((0.5, 0.5), (0.25, 0.75)))
    assert found == pytest.approx([0, 0.5 * np.log(2) + 0.5 * np.log(2 / 3)], abs=1e-6)


def test_the_mean_over_classes_lets_no_class_decide_by_its_number() -> None:
    clear = probabilities(*[(1.0, 0.0)] * 90, *[(0.0, 1.0)] * 10)
    values = np.concatenate([np.ones(90), np.zeros(10)])
    assert utility.over_classes(values, clear) == 0.5
    assert utility.over_classes(values[:94], clear[:94]) == 1  # four of a class are too few


def test_landmarks_moved_by_an_eye_distance_have_an_error_of_one() -> None:
    clear = face68()
    points = clear.reshape(68, 2)
    moved = points + (points[45] - points[36])
    assert utility.landmark_error(clear, moved.reshape(1, -1)) == pytest.approx([1], abs=1e-5)


def test_an_eye_that_shuts_has_no_openness() -> None:
    points = face68().reshape(68, 2)
    for start in (36, 42):
        points[start : start + 6, 1] = 0.5
        points[start : start + 6, 0] = (0, 0.2, 0.4, 0.6, 0.4, 0.2)
    shut = utility.eye_openness(points.reshape(1, -1))
    for start in (36, 42):
        points[start + 1 : start + 3, 1] -= 0.1
    assert shut == pytest.approx([0]) and utility.eye_openness(points.reshape(1, -1)) > 0.1


def test_a_box_that_was_not_found_overlaps_nothing_and_counts_nowhere() -> None:
    clear = np.zeros((3, 15), np.float32)
    clear[:, 2:4], clear[:, -1] = 10, 0.9
    new = clear.copy()
    new[1, 0], new[2, -1] = 5, 0
    found = utility.box_overlap(clear, new)
    assert found[:2] == pytest.approx([1, 1 / 3]) and np.isnan(found[2])


def test_equal_crowds_have_no_distance_and_moved_ones_the_square_of_the_move() -> None:
    clear = RANDOM.normal(size=(400, 6))
    assert quality.frechet_distance(clear, clear) == pytest.approx(0, abs=1e-5)
    assert quality.frechet_distance(clear, clear + 2) == pytest.approx(6 * 4, rel=1e-4)
    assert quality.kernel_distance(clear, clear) == pytest.approx(0, abs=1e-9)
    assert quality.kernel_distance(clear, RANDOM.normal(size=(400, 6))) == pytest.approx(0, abs=0.05)
    assert quality.kernel_distance(clear, clear + 2) > 1


def test_only_what_lies_outside_the_faces_counts_as_damage() -> None:
    original = RANDOM.integers(0, 255, (100, 100, 3)).astype(np.uint8)
    face = Face(Box(40, 40, 20, 20), np.zeros((5, 2), np.float32), 1.0)
    changed = original.copy()
    changed[40:60, 40:60] = 0
    assert psnr_outside(changed, original, [face]) == IDENTICAL_DB
    assert psnr_outside(changed, original, []) < 30
    assert np.isnan(psnr_outside(changed[:50], original, [face]))


def test_a_gaze_is_a_direction_whether_told_by_angles_or_by_coordinates() -> None:
    ahead, right = (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)
    by_angles = directions(np.array([(0, 0), (0, 90)], np.float32), "degrees")
    by_radians = directions(np.array([(0, 0), (0, np.pi / 2)], np.float32), "radians")
    by_coordinates = directions(np.array([(0, 0, 2), (5, 0, 0)], np.float32), "degrees")
    for found in (by_angles, by_radians, by_coordinates):
        assert found == pytest.approx(np.array([ahead, right]), abs=1e-6)
    with pytest.raises(UsageError, match="4 numbers"):
        directions(np.zeros((1, 4), np.float32), "degrees")


def test_eyes_that_look_elsewhere_are_apart_by_an_angle() -> None:
    clear = directions(np.array([(0, 0), (0, 0), (10, 0)], np.float32), "degrees")
    new = directions(np.array([(0, 0), (0, 30), (-20, 0)], np.float32), "degrees")
    ((name, unit, better, values),) = utility._gaze(clear, new)
    assert (name, unit, better) == ("gaze", "degrees", "lower")
    assert values == pytest.approx([0, 30, 30], abs=0.1)
