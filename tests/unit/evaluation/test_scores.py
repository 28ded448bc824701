"""Scores with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from tests.needs import needs

needs("sklearn", "scipy")

from epdcli.evaluation import scores  # noqa: E402
from epdcli.evaluation.intervals import mean_interval  # noqa: E402
from epdcli.evaluation.scores import Pairs  # noqa: E402

RANDOM = np.random.default_rng(1)


def normal(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def test_separate_scores_have_the_whole_area_and_no_error() -> None:
    genuine, impostors = np.linspace(2, 3, 50), np.linspace(0, 1, 500)
    assert scores.area_under_curve(genuine, impostors) == 1
    assert scores.equal_error_rate(genuine, impostors) == 0


def test_equal_distributions_are_guessing() -> None:
    genuine, impostors = normal(4000), normal(40000)
    assert scores.area_under_curve(genuine, impostors) == pytest.approx(0.5, abs=0.02)
    assert scores.equal_error_rate(genuine, impostors) == pytest.approx(0.5, abs=0.02)


def test_the_mean_placement_is_the_area_ties_included() -> None:
    genuine, impostors = np.round(normal(300) + 1, 1), np.round(normal(2000), 1)
    placed = scores.placements(genuine, impostors).mean()
    assert placed == pytest.approx(scores.area_under_curve(genuine, impostors), abs=1e-12)


def test_a_threshold_lets_no_more_strangers_through_than_said() -> None:
    impostors = normal(30000)
    threshold = scores.threshold_at(impostors, 1e-3)
    assert 25 <= (impostors > threshold).sum() <= 30


@pytest.mark.parametrize(("pairs", "rate", "enough"), [(2999, 1e-3, False), (3000, 1e-3, True)])
def test_fewer_impostor_pairs_than_the_rule_of_three_asks_support_nothing(
    pairs: int, rate: float, enough: bool
) -> None:
    assert scores.supports(pairs, rate) is enough


def test_each_metric_puts_the_same_face_first() -> None:
    probes = normal(3, 8)
    for metric in ("cosine", "euclidean"):
        found = scores.similarity(probes, probes, metric)
        assert (found.argmax(axis=1) == np.arange(3)).all()
    assert scores.similarity(probes[:1], probes[:1] * 5, "cosine")[0, 0] == pytest.approx(1)


def test_ranks_count_people_not_pictures() -> None:
    """Person 1 has two pictures above the probe's own: they push it down by one place."""
    gallery = np.array([0, 1, 1, 2])
    compared = np.array([[0.5, 0.9, 0.8, 0.1]], np.float32)
    genuine = np.array([[True, False, False, False]])
    pairs = Pairs(compared, genuine, ~genuine, np.array([0]))
    assert scores.ranks(pairs, gallery).tolist() == [2]


def test_a_probe_without_another_picture_has_no_rank() -> None:
    compared = np.array([[0.5, 0.9]], np.float32)
    nothing = np.zeros((1, 2), bool)
    pairs = Pairs(compared, nothing, np.array([[False, True]]), np.array([0]))
    assert np.isnan(scores.ranks(pairs, np.array([0, 1]))).all()


def test_an_interval_draws_people_so_that_repeated_pictures_make_it_no_narrower() -> None:
    values, people = normal(40), np.arange(40)
    once = mean_interval(values, people)
    often = mean_interval(np.repeat(values, 25), np.repeat(people, 25))
    assert once.value == pytest.approx(often.value)
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.05)
    assert once.low < once.value < once.high


def test_nothing_seen_is_not_nothing_shown() -> None:
    """No match among 30 people: the rule of three leaves room for one in ten."""
    found = mean_interval(np.zeros(90, bool), np.repeat(np.arange(30), 3))
    assert (found.value, found.low, found.high) == (0, 0, 0.1)


def test_values_that_are_missing_are_left_out() -> None:
    found = mean_interval(np.array([1, np.nan, 3]), np.array([0, 1, 2]))
    assert (found.value, found.size) == (2, 2)
    assert mean_interval(np.array([np.nan]), np.array([0])) == (None, None, None, 0)
