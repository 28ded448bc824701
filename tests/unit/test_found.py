"""Which faces of a finished frame count as covered."""

from __future__ import annotations

import numpy as np
import pytest

from epdcli.faces.draft import Draft, Replacement
from epdcli.faces.found import is_covered, is_left_over
from epdcli.faces.ladder import Rung
from epdcli.model import Box, Face, Patch
from tests.unit.test_replacement import Paint

SIDE = 120


def face(x: float = 40, side: float = 24) -> Face:
    places = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)], np.float32)
    return Face(Box(x, 40, side, side), places * side + (x, 40), 0.9)


def draft(synthetic: bool, covered_columns: slice) -> Draft:
    """A face of 24 px on a grey frame, of which a mask covers these columns."""
    method = Paint([200])
    method.synthetic = synthetic
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[30:80, covered_columns] = 1
    patch = Patch(0, 0, np.zeros((SIDE, SIDE, 3), np.uint8), mask)
    rungs = (Rung(method), Rung(method))  # type: ignore[arg-type]
    old = Replacement(face(), 0, np.zeros(128, np.float32), rungs, patch=patch)
    return Draft("a", np.full((SIDE, SIDE, 3), 128, np.uint8), (old,))


@pytest.mark.parametrize(("synthetic", "covered"), [(True, True), (False, False)])
def test_a_small_synthetic_face_is_found_again_a_pixel_beside(synthetic: bool, covered: bool) -> None:
    """Of a fill nine tenths are asked: nobody measured what it hides."""
    shown = draft(synthetic, slice(0, 56))
    assert is_covered(shown, face(42)) is covered
    assert is_left_over(shown, face(42)) is not covered


def test_half_a_face_is_not_covered_wherever_it_stands() -> None:
    assert not is_covered(draft(True, slice(0, 50)), face(42))


def test_another_face_beside_a_synthetic_one_is_not_covered() -> None:
    assert not is_covered(draft(True, slice(0, 56)), face(48))


def test_nine_tenths_under_a_mask_are_covered() -> None:
    assert is_covered(draft(False, slice(0, 80)), face(42))
