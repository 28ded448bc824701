"""The small networks see the same of the old and of the new face."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from epdcli.training.frozen import View  # noqa: E402
from tests.unit.training.drawn import drawn_face, drawn_networks  # noqa: E402


def _plain(view: View) -> View:
    """The view without any disturbance."""
    theta = torch.tensor([[70 / 128, 0, 0], [0, 70 / 128, 0.25]]).expand(len(view.theta), 2, 3)
    return replace(view, theta=theta, softness=view.softness * 0, greyness=view.greyness * 0)


def test_an_undisturbed_view_is_the_products_own_crop() -> None:
    networks = drawn_networks()
    faces = torch.from_numpy(np.stack([drawn_face(n, 256)[::2, ::2] for n in range(3)])).permute(0, 3, 1, 2)
    faces = faces.float() / 127.5 - 1
    seen = networks.expressions(faces, _plain(View.drawn(3, 128)))[1]
    torch.testing.assert_close(seen, networks.expressions(faces)[1], atol=2e-3, rtol=0)


def test_views_differ_from_face_to_face_and_repeat_with_the_seed() -> None:
    networks, faces = drawn_networks(), torch.rand(1, 3, 128, 128).expand(2, -1, -1, -1) * 2 - 1
    torch.manual_seed(3)
    view = View.drawn(2, 128)
    first, second = networks.expressions(faces, view)[1]
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    assert torch.equal(networks.expressions(faces, View.drawn(2, 128))[1][0], first)


def test_a_grey_view_hides_the_colour() -> None:
    networks = drawn_networks()
    red = torch.full((1, 3, 128, 128), -1.0)
    blue = red.clone()
    red[:, 0], blue[:, 2] = 1, 1
    grey = _plain(View.drawn(1, 128))
    grey = replace(grey, greyness=torch.ones(1, 1, 1, 1))
    assert torch.equal(networks.expressions(red, grey)[1], networks.expressions(blue, grey)[1])
