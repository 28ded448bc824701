"""Who stands in for a face: one of the bank's people who could stand there and is not like the old face."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from epdcli.model import Attributes, Code
from epdcli.synthetic.bank import Bank
from epdcli.synthetic.light import pattern_of
from epdcli.synthetic.structure import BROWS, JAW, Structure, mouth_of, nose_of, shape_of

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

FITTING = 80  # people who fit best
SHORTLIST = 12  # of these, those least like the old face; the identity code takes one of them

# How much each of the 68 points weighs when shapes are compared: what follows expression and pose most.
_POINT_WEIGHTS = np.ones(68, np.float32)
_POINT_WEIGHTS[JAW] = 0.5
_POINT_WEIGHTS[BROWS] = 1.5
_POINT_WEIGHTS[36:] = 2.0
_SHAPE, _EXPRESSION, _MOUTH, _GLASSES, _BEARD, _PATTERN = 4.0, 10.0, 10.0, 40.0, 10.0, 8.0
# Differences that cost 1; twice as large ones cost 4: small ones leave a choice, large ones nobody believes.
_POSE = 0.08  # of the nose's place
_AGE_YEARS, _CHILD_YEARS, _SEX = 5.0, 2.5, 0.18
_TONE, _LIGHT, _HUE = 12.0, 25.0, 12.0  # levels of L; of L; of a and b
_UNWORN, _WORN = 0.7, 0.85  # readings of real faces without and with glasses: eye sockets mislead it
_TAKEN = 1e6
_LIKE, _ALIKE = 50.0, 60.0  # weights of likeness to the old face among all, and among those who fit
_STRANGER = -0.1  # the cosine from which on a person is like the old face


def person_for(bank: Bank, people: Numbers, code: Code) -> int:
    """Of `people`, who fit, the one that an identity code (128,) points to."""
    return int(people[np.argmax(bank.identity[people] @ code)])


def fitting_people(
    bank: Bank,
    old: Structure,
    light: Floats,
    attributes: Attributes = Attributes.KEEP,
    taken: Iterable[int] = (),
    lists: int = 1,
) -> Numbers:
    """The numbers of the people who could stand in for a face, best first; each as they are, or their mirror
    image (from n on) where that fits better.

    `light` is the old face's (8, 8, 3). Nobody `taken` is among them, while others are left. `lists` is how
    many times `SHORTLIST` people there are.
    """
    cost = costs(bank, old, light, attributes)
    for person in taken:
        cost[[person, person + len(bank)]] += _TAKEN
    mirrored = np.flatnonzero(cost[len(bank) :] < cost[: len(bank)])
    better = np.arange(len(bank))
    better[mirrored] += len(bank)
    fitting = better[np.argsort(cost[better], kind="stable")[:FITTING]]
    alike = bank.identity[fitting] @ old.identity
    order = np.argsort(cost[fitting] + _ALIKE * np.maximum(0, alike - _STRANGER), kind="stable")
    return fitting[order[: lists * SHORTLIST]]


def costs(bank: Bank, old: Structure, light: Floats, attributes: Attributes = Attributes.KEEP) -> Floats:
    """How badly each person (2n,) fits a face; the smaller the better.

    Pose and shape by landmarks, expression, mouth, pattern of the light; the attributes if they are kept; and
    how like the old face a person is by `identity`, so that nobody like it is taken.
    """
    shapes = (((bank.shape - shape_of(old.landmarks)) ** 2).sum(axis=2) * _POINT_WEIGHTS**2).sum(axis=1)
    cost = _SHAPE * shapes / np.median(shapes)
    cost += np.square((bank.nose - nose_of(old.landmarks)) / _POSE).sum(axis=1)
    cost += _EXPRESSION * np.abs(bank.expression - old.expression).sum(axis=1)
    cost += _MOUTH * np.abs(bank.mouth - mouth_of(old.landmarks))
    cost += _PATTERN * np.abs(bank.pattern - pattern_of(light)).mean(axis=(1, 2))
    if attributes is Attributes.KEEP:
        years = _CHILD_YEARS + (_AGE_YEARS - _CHILD_YEARS) * min(1.0, max(0.0, (old.age - 5) / 20))
        off = (bank.skin - old.skin) / (_LIGHT, _HUE, _HUE)
        worn = np.clip((old.glasses - _UNWORN) / (_WORN - _UNWORN), 0, 1)
        cost += np.square((bank.age - old.age) / years) + np.square((bank.male - old.male) / _SEX)
        cost += np.square((bank.tone - old.tone) / _TONE) + np.square(off).sum(axis=1)
        cost += _GLASSES * np.abs(bank.glasses - worn) + _BEARD * np.abs(bank.beard - old.beard)
    alike = bank.identity @ old.identity
    return np.asarray(cost + _LIKE * np.maximum(0, alike - _STRANGER), np.float32)
