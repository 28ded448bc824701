"""Each loss says what its sentence says."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from epdcli.training import losses  # noqa: E402


def test_identity_terms_fall_silent_when_enough_is_reached() -> None:
    one = torch.nn.functional.normalize(torch.ones(2, 128), dim=1)
    other = torch.zeros(2, 128)
    other[:, 0], other[:, 1] = 2**-0.5, -(2**-0.5)
    assert losses.identity_to_code(one, one) == 0
    assert losses.identity_to_code(one, other) == pytest.approx(0.72)
    assert losses.identity_from_source(one, other, margin=0.02) == 0
    assert losses.identity_from_source(one, one, margin=0.02) == pytest.approx(0.98)


def test_a_moved_eyelid_costs_more_than_a_moved_jaw() -> None:
    points = torch.zeros(1, 68, 2)
    jaw, eye = points.clone(), points.clone()
    jaw[0, 3], eye[0, 38] = 1, 1
    assert losses.landmarks_kept(eye, points) > 4 * losses.landmarks_kept(jaw, points)


def test_reconstruction_looks_inside_the_mask_only_and_hardest_at_eyes_and_mouth() -> None:
    x, mask, focus = torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    mask[..., :4], focus[..., :2] = 1, 1
    outside, cheek, eye = (x.clone() for _ in range(3))
    outside[..., 6], cheek[..., 3], eye[..., 0] = 1, 1, 1
    assert losses.reconstruction(outside, x, mask, focus) == 0
    assert losses.reconstruction(eye, x, mask, focus) == pytest.approx(
        3 * float(losses.reconstruction(cheek, x, mask, focus))
    )


def test_the_same_expression_costs_nothing_and_another_costs_something() -> None:
    happy = torch.tensor([[0.02, 0.88, 0.02, 0.02, 0.02, 0.02, 0.02]])
    assert losses.expression_kept(happy.log(), happy) == pytest.approx(0, abs=1e-6)
    assert losses.expression_kept(happy.roll(1, 1).log(), happy) > 1


def test_light_sees_the_means_and_not_the_texture() -> None:
    x = torch.zeros(1, 3, 64, 64)
    texture = x.clone()
    texture[..., ::2], texture[..., 1::2] = 0.5, -0.5
    assert losses.light_kept(texture, x) == 0
    assert losses.light_kept(x + 0.1, x) == pytest.approx(0.1)


def test_a_discriminator_that_is_sure_and_right_has_no_loss() -> None:
    assert losses.discrimination(torch.full((4,), 2.0), torch.full((4,), -2.0)) == 0
    assert losses.discrimination(torch.zeros(4), torch.zeros(4)) == 2
