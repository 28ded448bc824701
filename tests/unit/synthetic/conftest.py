"""A drawn face, and a bank of three drawn people."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from epdcli.model import Pixels, Points
from epdcli.synthetic.bank import MEASURED, Bank
from epdcli.synthetic.light import light_of
from epdcli.synthetic.structure import SIZE, Structure, skin_colour


def points_of_a_face(shift: float = 0.0) -> Points:
    """The 68 points of an upright face in the aligned frame, the mouth a little open."""
    angles = np.linspace(np.pi, 0, 17)
    jaw = np.stack([128 + 62 * np.cos(angles), 140 + 88 * np.sin(angles)], 1)
    brows = [(84 + 9 * k, 92 - 2 * min(k, 4 - k)) for k in range(5)]
    brows += [(136 + 9 * k, 92 - 2 * min(k, 4 - k)) for k in range(5)]
    nose = [(128, 108 + 12 * k) for k in range(4)] + [(116 + 6 * k, 152) for k in range(5)]
    eye = np.array([(-10, 0), (-5, -4), (5, -4), (10, 0), (5, 4), (-5, 4)])
    eyes = [*np.add(eye, (98, 110)), *np.add(eye, (158, 110))]
    mouth = [
        (128 + 25 * np.cos(a), 180 + 10 * np.sin(a))
        for a in np.linspace(np.pi, 3 * np.pi, 12, endpoint=False)
    ]
    lips = [
        (128 + 18 * np.cos(a), 180 + 4 * np.sin(a)) for a in np.linspace(np.pi, 3 * np.pi, 8, endpoint=False)
    ]
    return np.add([*jaw, *brows, *nose, *eyes, *mouth, *lips], (shift, 0)).astype(np.float32)


def picture_of_a_face(skin: tuple[int, int, int] = (200, 160, 140), seed: int = 0) -> Pixels:
    """A face of one colour with dark eyes on a grey ground, and some noise."""
    noise = np.random.default_rng(seed).normal(0, 3, (SIZE, SIZE, 3))
    pixels = np.full((SIZE, SIZE, 3), 90, np.uint8)
    cv2.ellipse(pixels, (128, 135), (80, 120), 0, 0, 360, skin, cv2.FILLED)
    for x in (98, 158):
        cv2.circle(pixels, (x, 110), 4, (40, 30, 30), cv2.FILLED)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def structure_of(pixels: Pixels, **changed: object) -> Structure:
    points = points_of_a_face()
    identity = np.eye(128, dtype=np.float32)[0]
    known: dict[str, object] = {
        "presence": 1.0,
        "landmarks": points,
        "irises": np.array([(98, 110), (158, 110)], np.float32),
        "expression": np.eye(7, dtype=np.float32)[0],
        "age": 30.0, "male": 1.0, "glasses": 0.0, "beard": 0.0, "tone": 140.0,
        "skin": skin_colour(pixels, points),
        "identity": identity,
    }  # fmt: skip
    return Structure(**(known | changed))  # type: ignore[arg-type]


def bank_of(people: list[tuple[Pixels, Structure]]) -> Bank:
    """A bank in memory of pictures and what is known of them."""
    encoded = [
        cv2.imencode(".webp", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))[1].ravel() for pixels, _ in people
    ]
    arrays = {name: np.array([getattr(one, name) for _, one in people], np.float16) for name in MEASURED}
    everywhere = np.ones((SIZE, SIZE), np.float32)
    arrays["light"] = np.stack([light_of(pixels, everywhere) for pixels, _ in people]).astype(np.uint8)
    arrays["pictures"] = np.concatenate(encoded)
    arrays["ends"] = np.cumsum([len(one) for one in encoded])
    about = {"name": "drawn", "version": "1", "licence": "none", "source": "a test"}
    return Bank(arrays, about, "0" * 64)


@pytest.fixture
def bank() -> Bank:
    """Three people who differ in age, sex and skin."""
    kinds = ((30.0, 1.0, (200, 160, 140)), (8.0, 0.5, (205, 170, 150)), (60.0, 0.0, (110, 80, 60)))
    people = []
    for number, (age, male, skin) in enumerate(kinds):
        pixels = picture_of_a_face(skin, number)
        identity = np.eye(128, dtype=np.float32)[number + 1]
        people.append((pixels, structure_of(pixels, age=age, male=male, identity=identity)))
    return bank_of(people)
