"""Between a file's own planes and the RGB working copy."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from epdcli.errors import PictureError
from epdcli.pictures.encoding import Mode, Page
from epdcli.pictures.planes import merge, upright, value_range, without_hidden_colour, working_copy

RNG = np.random.default_rng(13)


def samples(*shape: int, dtype: Any = np.uint8, top: int = 256) -> NDArray[Any]:
    return RNG.integers(0, top, shape).astype(dtype)


def somewhere(height: int = 20, width: int = 30) -> NDArray[np.bool_]:
    touched = np.zeros((height, width), dtype=bool)
    touched[5:12, 8:20] = True
    return touched


PAGES = [
    Page(samples(20, 30, 3), Mode.RGB),
    Page(samples(20, 30, 4), Mode.RGBA),
    Page(samples(20, 30), Mode.GREY),
    Page(samples(20, 30, 2), Mode.GREY_ALPHA),
    Page(samples(20, 30, 4), Mode.CMYK),
    Page(samples(20, 30, top=2) * np.uint8(255), Mode.BILEVEL),
    Page(samples(20, 30, 3, dtype=np.uint16, top=65536), Mode.RGB, white=65535.0),
    Page(samples(20, 30, dtype=np.uint16, top=4096), Mode.GREY, white=4095.0),
    Page(RNG.random((20, 30)).astype(np.float32), Mode.GREY, white=1.0),
    Page(
        samples(20, 30, top=9),
        Mode.PALETTE,
        palette=np.hstack([samples(9, 3), np.full((9, 1), 255, np.uint8)]),
    ),
]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright_as_pillow_turns_it(orientation: int) -> None:
    exif, target = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(samples(4, 7, 3)).save(target, "PNG", exif=exif)
    stored = Image.open(target)
    assert np.array_equal(
        upright(np.asarray(stored), orientation), np.asarray(ImageOps.exif_transpose(stored))
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.mode.name} {page.planes.dtype}")
def test_samples_that_were_not_touched_stay_the_files_own(page: Page) -> None:
    touched = somewhere()
    frame = np.where(touched[..., None], samples(20, 30, 3), working_copy(page))
    merged = merge(page, frame, touched)
    assert merged.planes.dtype == page.planes.dtype
    if page.mode is Mode.PALETTE:
        assert np.array_equal(working_copy(merged)[~touched], working_copy(page)[~touched])
    else:
        assert np.array_equal(
            merged.planes[~touched], without_hidden_colour(page.planes, page.mode)[~touched]
        )


@pytest.mark.parametrize(
    "page", PAGES[:5] + PAGES[6:9], ids=lambda page: f"{page.mode.name} {page.planes.dtype}"
)
def test_touched_pixels_show_the_new_frame(page: Page) -> None:
    touched = somewhere()
    grey = samples(20, 30, 1).repeat(3, axis=2)
    merged = merge(page, grey, touched)
    shown = touched & (merged.planes[..., -1] > 0) if page.has_alpha else touched
    assert np.abs(working_copy(merged)[shown].astype(int) - grey[shown]).max() <= 1


def test_a_picture_that_is_not_touched_is_not_copied() -> None:
    page = PAGES[0]
    assert merge(page, working_copy(page), np.zeros((20, 30), dtype=bool)) is page


def test_the_working_copy_can_not_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        working_copy(PAGES[0])[0, 0] = 0


def test_colour_under_full_transparency_is_blanked_and_alpha_kept() -> None:
    planes = samples(20, 30, 4)
    planes[:10, :, 3] = 0
    blank = without_hidden_colour(planes, Mode.RGBA)
    assert not blank[:10, :, :3].any()
    assert np.array_equal(blank[10:], planes[10:])
    assert np.array_equal(blank[..., 3], planes[..., 3])


def test_a_new_face_under_full_transparency_is_blanked_too() -> None:
    planes = samples(20, 30, 4)
    planes[..., 3] = 0
    merged = merge(Page(planes, Mode.RGBA), samples(20, 30, 3), somewhere())
    assert not merged.planes[somewhere()].any()


def test_a_12_bit_scan_in_a_16_bit_file_is_shown_in_full_range() -> None:
    planes = samples(20, 30, dtype=np.uint16, top=4096)
    planes[0, 0] = 4095
    assert value_range(planes) == (0.0, 4095.0)


def test_floats_keep_the_range_of_0_to_1_where_they_fit() -> None:
    assert value_range(np.array([[0.2, 0.9]], dtype=np.float32)) == (0.0, 1.0)
    assert value_range(np.array([[-50.0, 900.0]], dtype=np.float32)) == (-50.0, 900.0)


def test_values_that_are_not_numbers_are_refused() -> None:
    with pytest.raises(PictureError, match="aren't numbers"):
        value_range(np.array([[0.2, np.nan]], dtype=np.float32))


def test_touched_pixels_keep_their_alpha_unless_they_are_to_be_opaque() -> None:
    page, touched = Page(samples(20, 30, 4, top=200), Mode.RGBA), somewhere()
    opaque = touched & (np.arange(30) < 15)
    merged = merge(page, np.full((20, 30, 3), 77, np.uint8), touched, opaque)
    assert (merged.planes[opaque, 3] == 255).all()
    assert np.array_equal(merged.planes[~opaque, 3], page.planes[~opaque, 3])


def test_a_new_pixel_never_takes_the_transparent_colour() -> None:
    page = Page(samples(20, 30, 3), Mode.RGB, key=(10, 20, 30))
    merged = merge(page, np.full((20, 30, 3), (10, 20, 30), np.uint8), somewhere())
    assert not (merged.planes[somewhere()] == (10, 20, 30)).all(axis=1).any()


def test_new_colours_take_the_palette_entries_that_no_other_pixel_uses() -> None:
    page, touched = PAGES[-1], np.ones((20, 30), dtype=bool)
    touched[0] = False
    frame = np.full((20, 30, 3), (1, 2, 3), np.uint8)
    merged = merge(page, frame, touched)
    assert (working_copy(merged)[touched] == (1, 2, 3)).all()
    assert np.array_equal(working_copy(merged)[0], working_copy(page)[0])


def test_palette_entries_of_the_old_face_are_wiped() -> None:
    page, touched = PAGES[-1], np.ones((20, 30), dtype=bool)
    merged = merge(page, np.zeros((20, 30, 3), np.uint8), touched)
    assert merged.palette is not None
    assert not merged.palette[:, :3].any()
