"""What viewers may show of a page besides its colours."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from numpy.typing import NDArray

from epdcli.pictures.encoding import Mode, Page
from epdcli.pictures.looks import alpha_of, looks_of, shows_more
from epdcli.pictures.planes import value_range, working_copy
from epdcli.pictures.profile import adobe_rgb, rebuilt

SHAPE = (40, 60)


def rgba(alpha: NDArray[np.uint8], colour: int = 0) -> Page:
    return Page(np.dstack([np.full((*SHAPE, 3), colour, np.uint8), alpha]), Mode.RGBA)


def slope(dtype: type = np.uint8, low: float = 0, high: float = 255) -> NDArray[np.generic]:
    return np.broadcast_to(np.linspace(low, high, SHAPE[1]), SHAPE).astype(dtype)


@pytest.mark.parametrize("mode", [Mode.RGB, Mode.GREY, Mode.CMYK, Mode.BILEVEL])
def test_opaque_pages_of_8_bits_show_no_more(mode: Mode) -> None:
    channels = {Mode.RGB: (3,), Mode.CMYK: (4,)}.get(mode, ())
    page = Page(np.full((*SHAPE, *channels), 90, np.uint8), mode)
    assert not shows_more(page)
    assert list(looks_of(page, working_copy(page))) == []


def test_an_alpha_that_is_opaque_everywhere_shows_no_more() -> None:
    assert not shows_more(rgba(np.full(SHAPE, 255, np.uint8)))


def test_black_ink_in_transparency_is_shown_on_white_and_as_alpha() -> None:
    page = rgba(slope())
    white, board, alpha, black = (look.pixels for look in looks_of(page, working_copy(page)))
    assert np.array_equal(white[..., 0], 255 - slope())
    assert np.array_equal(alpha[..., 0], slope())
    assert not black.any()
    assert set(np.unique(board[:8, 0, 0])) == {153}


def test_a_cut_out_on_black_is_the_working_copy_and_is_not_shown_twice() -> None:
    page = rgba(np.where(slope() > 100, 255, 0).astype(np.uint8), colour=80)
    assert len(list(looks_of(page, working_copy(page)))) == 3


def test_palettes_and_transparent_colours_have_an_alpha() -> None:
    palette = np.array([(0, 0, 0, 255), (0, 0, 0, 7)], np.uint8)
    indices = (slope() > 100).astype(np.uint8)
    found = alpha_of(Page(indices, Mode.PALETTE, palette=palette))
    assert found is not None and np.array_equal(found, np.where(indices, 7, 255))
    keyed = alpha_of(Page(np.dstack([slope()] * 3), Mode.RGB, key=(0, 0, 0)))
    assert keyed is not None and np.array_equal(keyed == 0, slope() == 0)


def test_alpha_of_16_bits_is_scaled() -> None:
    page = Page(np.dstack([slope(np.uint16)] * 3 + [slope(np.uint16, 0, 65535)]), Mode.RGBA)
    found = alpha_of(page)
    assert found is not None and (found[0, 0], found[0, -1]) == (0, 255)


@pytest.mark.parametrize(
    "alpha",
    [
        slope(np.uint8, 250, 255),
        np.hstack([slope(np.uint8, 250, 255), np.zeros(SHAPE, np.uint8)]),
        slope(np.uint16, 65_450, 65_535),
    ],
    ids=["narrow", "beside what is clear", "less than a level of 8 bits"],
)
def test_a_sliver_of_alpha_is_spread_in_one_of_the_looks(alpha: NDArray[np.generic]) -> None:
    page = Page(np.dstack([np.zeros((*alpha.shape, 3), alpha.dtype), alpha]), Mode.RGBA)
    looks = [look for look in looks_of(page, working_copy(page)) if look.alpha is not None]
    assert max(np.ptp(look.pixels[:, : SHAPE[1]].astype(int)) for look in looks) >= 180


@pytest.mark.parametrize(
    "samples",
    [
        slope(np.uint16, 30_000, 30_600),
        slope(np.float32, 0, 0.001),
        np.hstack([slope(np.uint16, 0, 500), np.full(SHAPE, 65535, np.uint16)]),
        np.hstack([slope(np.uint16, 40_000, 40_300), np.tile(np.array([0, 65535], np.uint16), (40, 30))]),
    ],
    ids=["narrow", "floats", "shadows", "between black and white"],
)
def test_a_sliver_of_the_range_is_spread_in_one_of_the_looks(samples: NDArray[np.generic]) -> None:
    black, white = value_range(samples)
    page = Page(samples, Mode.GREY, bits=16, black=black, white=white)
    looks = list(looks_of(page, working_copy(page)))
    assert max(int(np.ptp(look.pixels[:, : SHAPE[1]])) for look in looks) > 100
    assert not any(look.alpha is not None for look in looks)


def test_values_that_fill_their_range_evenly_are_not_shown_again() -> None:
    page = Page(slope(np.uint16, 0, 65535), Mode.GREY, bits=16, black=0.0, white=65535.0)
    assert [look for look in looks_of(page, working_copy(page)) if np.ptp(look.pixels) < 100] == []
    assert len(list(looks_of(page, working_copy(page)))) <= 1  # the lifted shadows


@pytest.mark.parametrize(("gamma", "more"), [(0.45455, False), (0.5, False), (0.02, True), (5.0, True)])
def test_a_gamma_that_shows_another_picture_is_a_look(gamma: float, more: bool) -> None:
    page = Page(np.dstack([slope()] * 3), Mode.RGB, gamma=gamma)
    assert shows_more(page) is more
    looks = list(looks_of(page, working_copy(page)))
    assert len(looks) == more
    if more:
        middle = 255 * 0.5 ** (1 / (2.2 * gamma))
        assert looks[0].pixels[0, np.searchsorted(slope()[0], 127)].mean() == pytest.approx(middle, abs=3)


def test_a_profile_whose_curve_shows_another_picture_is_a_look() -> None:
    def profile(curve: float) -> bytes:
        entry = struct.pack(">H", round(curve * 256))
        return rebuilt(adobe_rgb().replace(struct.pack(">IH", 1, 0x0233), struct.pack(">I", 1) + entry))

    usual = Page(np.dstack([slope()] * 3), Mode.RGB, profile=profile(2.2))
    steep = Page(np.dstack([slope()] * 3), Mode.RGB, profile=profile(0.1))
    assert not shows_more(usual)
    (look,) = looks_of(steep, working_copy(steep))
    assert look.pixels[0, 20].mean() > 200  # what is nearly black there is nearly white here
