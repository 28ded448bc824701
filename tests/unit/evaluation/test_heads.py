"""A classifier that learns from pictures without the trait can't know it."""

from __future__ import annotations

import numpy as np

from tests.needs import needs

needs("sklearn")

from epdcli.evaluation.heads import macro_f1  # noqa: E402

RANDOM = np.random.default_rng(3)
PEOPLE = np.repeat(np.arange(40), 3)
CLASSES = np.where(np.arange(120) % 2, "smile", "none")
CLEAR = (RANDOM.normal(size=(120, 5)) + 4 * (CLASSES == "smile")[:, None]).astype(np.float32)


def test_who_learns_from_copies_loses_nothing() -> None:
    assert macro_f1(CLEAR, CLEAR, CLASSES, PEOPLE) > 0.97


def test_who_learns_from_noise_guesses() -> None:
    noise = RANDOM.normal(size=CLEAR.shape).astype(np.float32)
    assert macro_f1(noise, CLEAR, CLASSES, PEOPLE) < 0.75
