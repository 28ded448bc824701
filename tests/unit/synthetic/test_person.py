"""Who stands in for a face."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from epdcli.model import Attributes
from epdcli.synthetic import person as choice
from epdcli.synthetic.bank import Bank
from epdcli.synthetic.light import light_of
from epdcli.synthetic.person import costs, fitting_people, person_for
from epdcli.synthetic.structure import SIZE, Structure
from tests.unit.synthetic.conftest import picture_of_a_face, structure_of

LIGHT = light_of(picture_of_a_face(), np.ones((SIZE, SIZE), np.float32))


@pytest.fixture(autouse=True)
def _only_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "SHORTLIST", 1)
    monkeypatch.setattr(choice, "FITTING", 2)


def best(bank: Bank, old: Structure, taken: Sequence[int] = ()) -> int:
    return int(fitting_people(bank, old, LIGHT, taken=taken)[0]) % len(bank)


@pytest.mark.parametrize(("age", "male", "person"), [(31, 1.0, 0), (7, 0.5, 1)])
def test_age_and_sex_are_kept(bank: Bank, age: float, male: float, person: int) -> None:
    old = structure_of(picture_of_a_face(), age=age, male=male)
    assert best(bank, old) == person


def test_skin_is_kept(bank: Bank) -> None:
    dark = structure_of(picture_of_a_face((110, 80, 60)), age=45.0, male=0.5)
    assert costs(bank, dark, LIGHT)[:3].argmin() == 2


def test_tone_is_kept_also_where_the_light_hides_it(bank: Bank) -> None:
    arrays = {**bank.arrays, "tone": np.array([170, 150, 90], np.float16)}
    toned = Bank(arrays, bank.about, bank.sha256)
    dark = structure_of(picture_of_a_face(), age=45.0, male=0.5, tone=90.0)
    assert costs(toned, dark, LIGHT)[:3].argmin() == 2


def test_nobody_stands_in_who_is_turned_otherwise(bank: Bank) -> None:
    points = bank.arrays["landmarks"].copy()
    points[0, 27:36, 0] += 30
    turned = Bank({**bank.arrays, "landmarks": points}, bank.about, bank.sha256)
    old = structure_of(picture_of_a_face())
    assert costs(bank, old, LIGHT)[:3].argmin() == 0
    assert costs(turned, old, LIGHT)[0] > costs(bank, old, LIGHT)[0] + 10


def test_somebody_like_the_old_face_is_not_taken(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "FITTING", 6)
    old = structure_of(picture_of_a_face(), identity=bank.identity[0])
    assert best(bank, old) != 0


def test_free_attributes_do_not_count(bank: Bank) -> None:
    young, old = (structure_of(picture_of_a_face(), age=age, male=0.0) for age in (5.0, 70.0))
    np.testing.assert_allclose(
        costs(bank, young, LIGHT, Attributes.FREE), costs(bank, old, LIGHT, Attributes.FREE)
    )
    assert np.abs(costs(bank, young, LIGHT) - costs(bank, old, LIGHT)).max() > 1


def test_nobody_is_taken_twice_while_others_are_left(bank: Bank) -> None:
    old = structure_of(picture_of_a_face())
    first = best(bank, old)
    assert best(bank, old, [first]) != first
    assert best(bank, old, [0, 1, 2]) == first


def test_the_code_takes_one_of_those_who_fit_and_always_the_same(bank: Bank) -> None:
    for person in range(3):
        assert {person_for(bank, np.arange(3), bank.identity[person]) for _ in range(2)} == {person}
    assert person_for(bank, np.array([4, 5]), bank.identity[1]) == 4
