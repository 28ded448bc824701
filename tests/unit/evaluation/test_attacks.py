"""Attacks whose outcome is known: the identity gives everybody away, noise gives nobody away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from tests.needs import needs

needs("sklearn", "scipy")

from epdcli.evaluation import attacks  # noqa: E402
from epdcli.evaluation.attacks import Bench  # noqa: E402
from epdcli.evaluation.figures import Figure  # noqa: E402

PEOPLE = np.repeat(np.arange(60), 3)
EVERYBODY = np.ones(len(PEOPLE), bool)


def faces(seed: int, noise: float = 0.2) -> np.ndarray:
    """Embeddings of 60 people, three pictures each, that differ by `noise`."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(60, 64))
    return (centres[PEOPLE] + noise * random.normal(size=(len(PEOPLE), 64))).astype(np.float32)


CLEAR = faces(1)


def bench(clear: np.ndarray = CLEAR, people: np.ndarray = PEOPLE) -> Bench:
    return Bench("drawn", "", "cosine", clear, np.ones(len(clear), bool), people)


def by_measure(figures: Iterable[Figure]) -> dict[str, Figure]:
    return {figure.measure: figure for figure in figures}


def test_an_identity_copy_is_recognised_always() -> None:
    found = by_measure(attacks.recognise(bench(), "naive", CLEAR, EVERYBODY))
    for measure in ("auc", "tpr@1e-3", "tpr_clear@1e-3", "rank-1", "rank-5", "own picture@1e-3"):
        assert found[measure].value == 1, measure
    assert found["eer"].value == 0


def test_faces_of_nobody_are_recognised_as_often_as_chance_allows() -> None:
    found = by_measure(attacks.recognise(bench(), "naive", faces(2), EVERYBODY))
    assert found["auc"].value == pytest.approx(0.5, abs=0.08)
    assert found["auc"].low < 0.5 < found["auc"].high
    assert found["tpr@1e-3"].value <= 0.02
    assert found["rank-1"].value <= 0.08
    assert "chance 0.0167 (60 people, 180 pictures)" in found["rank-1"].note


def test_what_the_pairs_can_not_show_is_refused_with_their_number() -> None:
    found = by_measure(attacks.recognise(bench(), "naive", CLEAR, EVERYBODY))
    assert found["tpr@1e-3"].value is not None
    assert found["tpr@1e-4"].value == 1  # 31,860 impostor pairs
    clear = found["tpr_clear@1e-4"]  # 15,930: each pair of clear pictures counts once
    assert clear.value is None and "15930 impostor pairs support no FMR below 1.9e-04" in clear.note


def test_the_own_original_is_no_genuine_pair_where_there_are_others() -> None:
    """Each new face resembles its own original alone: the gallery's other pictures don't find it."""
    random = np.random.default_rng(3)
    alone = random.normal(size=CLEAR.shape).astype(np.float32)
    lonely = bench(alone)
    found = by_measure(attacks.recognise(lonely, "naive", alone, EVERYBODY))
    assert found["auc"].value < 0.65 and found["own picture@1e-3"].value == 1


def test_with_one_picture_each_the_own_original_is_the_genuine_pair() -> None:
    single = bench(CLEAR[::3], PEOPLE[::3])
    found = by_measure(attacks.recognise(single, "naive", CLEAR[::3], EVERYBODY[::3]))
    assert found["auc"].value == 1 and found["rank-1"].value == 1


def test_pictures_that_do_not_count_are_in_no_pair() -> None:
    half = PEOPLE < 30
    pairs = attacks.against_gallery(bench(), CLEAR, half)
    assert pairs.scores.shape == (90, 180)
    assert pairs.genuine.sum() == 90 * 2 and pairs.impostor.sum() == 90 * 177


def test_a_picture_that_the_gallery_lacks_is_nobodys_own() -> None:
    """The attacker's own set may withhold a picture that ours released."""
    gallery, present = CLEAR.copy(), np.ones(len(CLEAR), bool)
    gallery[0], present[0] = np.nan, False
    lacking = replace(bench(gallery), present=present)
    found = by_measure(attacks.recognise(lacking, "naive", CLEAR, np.ones(len(CLEAR), bool)))
    assert found["own picture@1e-3"].value == 1
    assert found["own picture@1e-3"].count == len(CLEAR) - 1


def test_one_new_face_for_a_person_is_linkable_and_another_for_each_picture_is_not() -> None:
    same = by_measure(attacks.link(bench(), faces(4), EVERYBODY))
    fresh = np.random.default_rng(5).normal(size=CLEAR.shape).astype(np.float32)
    other = by_measure(attacks.link(bench(), fresh, EVERYBODY))
    assert same["auc"].value == 1 and same["auc"].count == 180
    assert other["auc"].value == pytest.approx(0.5, abs=0.1)


def test_a_face_borrowed_from_somebody_else_of_the_set_is_a_look_alike() -> None:
    borrowed = np.roll(CLEAR, 3, axis=0)
    (found,) = attacks.resemble(bench(), borrowed, EVERYBODY)
    (fresh,) = attacks.resemble(bench(), faces(6), EVERYBODY)
    assert found.value == 1 and fresh.value < 0.5
    assert found.note.startswith("clear faces: ")


def test_too_few_pairs_are_no_figure() -> None:
    few = np.flatnonzero(PEOPLE < 2)
    small = bench(CLEAR[few], PEOPLE[few])
    chosen = np.zeros(len(few), bool)
    chosen[0] = True
    found = by_measure(attacks.recognise(small, "naive", CLEAR[few], chosen))
    assert found["auc"].value is None and "too few pairs" in found["auc"].note


def test_the_floor_is_what_strangers_of_the_same_labels_reach() -> None:
    """Labels that move the embedding are worth something, labels that don't are worth nothing."""
    label = PEOPLE % 2
    moved = CLEAR + 2 * np.where(label, 1, -1)[:, None].astype(np.float32)
    rows = [(str(value),) for value in label]
    telling = attacks.label_floor(bench(moved), rows)
    silent = attacks.label_floor(bench(), rows)
    assert telling is not None and telling.value > 0.95
    assert silent is not None and silent.value == pytest.approx(0.5, abs=0.05)
