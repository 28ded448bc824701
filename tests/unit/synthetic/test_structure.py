"""When a face is one that may be painted."""

from __future__ import annotations

import numpy as np
import pytest

from epdcli.model import Box, Face
from epdcli.synthetic.structure import five_points, is_plausible, nose_of
from tests.unit.synthetic.conftest import picture_of_a_face, points_of_a_face, structure_of

POINTS = points_of_a_face()


def face(score: float = 0.9, height: float = 120) -> Face:
    return Face(Box(0, 0, 100, height), np.zeros((5, 2), np.float32), score)


@pytest.mark.parametrize(
    ("presence", "score", "height", "apart", "plausible"),
    [
        pytest.param(1.0, 0.9, 120, 0, True, id="both networks are sure"),
        pytest.param(0.1, 0.9, 120, 0, False, id="the mesh sees no face"),
        pytest.param(0.1, 0.9, 30, 0, True, id="the mesh can't see so small a face"),
        pytest.param(0.1, 0.5, 30, 0, False, id="small and doubtful"),
        pytest.param(0.6, 0.4, 120, 0, False, id="both are in doubt"),
        pytest.param(1.0, 0.3, 120, 0, True, id="the mesh is sure enough for both"),
        pytest.param(1.0, 0.2, 120, 0, False, id="the detector sees next to nothing"),
        pytest.param(0.8, 0.9, 120, 22, False, id="they see it at different places"),
        pytest.param(1.0, 0.9, 120, 22, True, id="a sure mesh may correct the detector a little"),
        pytest.param(1.0, 0.9, 120, 30, False, id="and not more"),
    ],
)
def test_a_face_is_painted_only_where_mesh_and_detector_see_the_same(
    presence: float, score: float, height: float, apart: float, plausible: bool
) -> None:
    structure = structure_of(picture_of_a_face(), presence=presence)
    detected = five_points(POINTS) + np.float32((apart, 0))
    assert is_plausible(structure, face(score, height), detected) == plausible


def test_a_profile_is_not_painted() -> None:
    turned = POINTS.copy()
    turned[27:36, 0] += 55  # the nose near the end of the jaw
    structure = structure_of(picture_of_a_face(), landmarks=turned)
    assert not is_plausible(structure, face(), five_points(turned))


def test_the_nose_tells_the_pose() -> None:
    turned, bent = POINTS.copy(), POINTS.copy()
    turned[30, 0] += 31
    bent[30, 1] += 31
    straight = nose_of(POINTS)
    assert straight[0] == pytest.approx(0)
    np.testing.assert_allclose(nose_of(turned) - straight, (0.5, 0), atol=1e-5)
    np.testing.assert_allclose(nose_of(bent) - straight, (0, 0.5), atol=1e-5)
