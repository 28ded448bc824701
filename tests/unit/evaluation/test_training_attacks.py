"""Attackers who train: they find what a tool leaves behind, and nothing where nothing is left."""

from __future__ import annotations

import numpy as np
import pytest

from tests.needs import needs

needs("sklearn", "scipy", "torch")

from epdcli.evaluation import inversion, parrot  # noqa: E402
from epdcli.evaluation.attacks import Bench  # noqa: E402
from epdcli.evaluation.figures import Figure  # noqa: E402
from epdcli.evaluation.inversion import SIDE, Effort  # noqa: E402

PEOPLE = np.repeat(np.arange(80), 4)
EVERYBODY = np.ones(len(PEOPLE), bool)
RANDOM = np.random.default_rng(11)
CLEAR = (RANDOM.normal(size=(80, 48))[PEOPLE] + 0.3 * RANDOM.normal(size=(320, 48))).astype(np.float32)


def bench() -> Bench:
    return Bench("drawn", "", "cosine", CLEAR, EVERYBODY, PEOPLE)


def areas(figures: list[Figure]) -> dict[str, float | None]:
    return {figure.attack: figure.value for figure in figures if figure.measure == "auc"}


def test_a_trace_under_much_noise_is_found_by_who_learns_where_it_lies() -> None:
    """The tool keeps eight of 48 numbers of the face and drowns the rest: a plain comparison is worse."""
    hidden = RANDOM.normal(scale=4, size=CLEAR.shape).astype(np.float32)
    hidden[:, :8] = CLEAR[:, :8]
    plain = parrot.attacks.recognise(bench(), "naive", hidden, EVERYBODY)
    found = areas([*plain, *parrot.learned(bench(), hidden, EVERYBODY)])
    assert found["parrot linear"] > found["naive"] + 0.05


def test_who_learns_from_nothing_finds_nothing() -> None:
    hidden = RANDOM.normal(size=CLEAR.shape).astype(np.float32)
    found = areas(list(parrot.learned(bench(), hidden, EVERYBODY)))
    assert found.keys() == {"parrot linear", "parrot head"}
    assert all(value == pytest.approx(0.5, abs=0.12) for value in found.values())


def test_people_whom_the_attacker_learnt_from_are_not_in_the_trial() -> None:
    study = parrot.halves(PEOPLE, 0)
    assert study.sum() == 160 and not set(PEOPLE[study]) & set(PEOPLE[~study])
    (linear,) = (
        f
        for f in parrot.learned(bench(), CLEAR, EVERYBODY)
        if (f.attack, f.measure) == ("parrot linear", "auc")
    )
    assert linear.note == "480 genuine, 24960 impostor pairs"


def test_a_code_for_each_person_is_undone_by_a_gallery_of_parroted_pictures() -> None:
    turned = np.roll(CLEAR, 7, axis=1)
    found = areas(list(parrot.against_parroted(bench(), turned, EVERYBODY, turned, EVERYBODY)))
    assert found["parrot gallery"] == pytest.approx(1, abs=1e-3)


def test_a_tool_that_only_turns_colours_over_is_undone() -> None:
    """Smooth drawn faces, negative pictures: a few steps bring them back most of the way."""
    coarse = RANDOM.integers(40, 215, (12, 4, 4, 3)).astype(np.uint8)
    clear = np.kron(coarse, np.ones((1, SIDE // 4, SIDE // 4, 1), np.uint8))
    hidden = (255 - clear).astype(np.uint8)
    steps: list[int] = []
    network = inversion.learn_to_invert(hidden[:8], clear[:8], 0, Effort(40, 4), steps.append)
    found = inversion.restored(network, hidden[8:])
    before, after = (np.abs(faces.astype(int) - clear[8:]).mean() for faces in (hidden[8:], found))
    assert len(steps) == 40 and after < 0.7 * before
