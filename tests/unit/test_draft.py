"""Which new face lies over which."""

from __future__ import annotations

import numpy as np
import pytest

from epdcli.faces.draft import Draft, Replacement
from epdcli.model import Box, Face, Patch

SOURCE = np.full((200, 300, 3), 10, np.uint8)
NEW, FILL = 250, 120


def replacement(method: str, x: float, score: float, colour: int) -> Replacement:
    face = Face(Box(x, 50, 100, 100), np.zeros((5, 2), np.float32), score)
    patch = Patch(int(x), 50, np.full((100, 100, 3), colour, np.uint8), np.ones((100, 100), np.float32))
    return Replacement(face, method=method, patch=patch)


@pytest.mark.parametrize(
    ("away", "score", "on_top"),
    [
        pytest.param(60, 0.5, NEW, id="a doubtful face beside a new one doesn't hide it"),
        pytest.param(60, 0.95, NEW, id="nor does a sure one"),
        pytest.param(20, 0.5, FILL, id="the same face is filled"),
    ],
)
def test_a_fill_lies_below_a_generated_face_that_stands_elsewhere(
    away: float, score: float, on_top: int
) -> None:
    new, fill = replacement("generate", 50, 0.9, NEW), replacement("solid", 50 + away, score, FILL)
    for order in ((new, fill), (fill, new)):
        draft = Draft("a", SOURCE, order)
        assert (draft.pixels[100, 140] == on_top).all()
        assert (draft.pixels[100, 60] == NEW).all() and draft.covered[50:150, 50:150].all()
        assert bool(draft.buried) == (on_top == NEW)


def test_a_fill_hides_what_a_classical_method_left() -> None:
    blurred, fill = replacement("blur", 50, 0.9, NEW), replacement("solid", 110, 0.5, FILL)
    assert (Draft("a", SOURCE, (blurred, fill)).pixels[100, 140] == FILL).all()


def test_a_fill_lies_below_the_new_faces_on_both_sides() -> None:
    left, fill = replacement("generate", 20, 0.9, NEW), replacement("solid", 80, 0.5, FILL)
    right = replacement("generate", 140, 0.3, 200)
    shown = Draft("a", SOURCE, (right, fill, left)).pixels[100]
    assert shown[100].tolist() == [NEW] * 3 and shown[160].tolist() == [200] * 3
    assert shown[130].tolist() == [FILL] * 3
