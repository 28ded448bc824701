"""Which new face lies over which."""

from __future__ import annotations

import numpy as np
import pytest

from epdcli.faces.draft import Draft, Replacement
from epdcli.faces.ladder import Rung
from epdcli.methods.blur import Blur
from epdcli.methods.solid import Solid
from epdcli.model import Box, Face, Patch

SOURCE = np.full((200, 300, 3), 10, np.uint8)
NEW, OTHER, FILL = 250, 200, 120


class Synthetic(Solid):
    synthetic = True


def replacement(method: Solid | Blur, x: float, colour: int, filled: bool = False) -> Replacement:
    face = Face(Box(x, 50, 100, 100), np.zeros((5, 2), np.float32), 0.9)
    patch = Patch(int(x), 50, np.full((100, 100, 3), colour, np.uint8), np.ones((100, 100), np.float32))
    rungs = (Rung(method), Rung(Solid()))
    return Replacement(face, 0, np.zeros(128, np.float32), rungs, rung=int(filled), patch=patch)


@pytest.mark.parametrize("x", [20, 110])
def test_a_fill_lies_below_a_synthetic_face(x: float) -> None:
    new, fill = replacement(Synthetic(), 50, NEW), replacement(Synthetic(), x, FILL, filled=True)
    for order in ((new, fill), (fill, new)):
        draft = Draft("a", SOURCE, order)
        assert (draft.pixels[50:150, 50:150] == NEW).all() and draft.covered[50:150, 50:150].all()
        assert (draft.pixels[100, int(x) + (90 if x > 50 else 10)] == FILL).all()


def test_a_fill_hides_what_a_classical_method_left() -> None:
    blurred, fill = replacement(Blur(), 50, NEW), replacement(Blur(), 110, FILL, filled=True)
    assert (Draft("a", SOURCE, (fill, blurred)).pixels[100, 140] == FILL).all()


def test_a_fill_lies_below_the_new_faces_on_both_sides() -> None:
    left, fill = replacement(Synthetic(), 20, NEW), replacement(Synthetic(), 80, FILL, filled=True)
    right = replacement(Synthetic(), 140, OTHER)
    row = Draft("a", SOURCE, (right, fill, left)).pixels[100]
    assert [int(row[x, 0]) for x in (100, 130, 160)] == [NEW, FILL, OTHER]
