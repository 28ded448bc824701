"""Colour profiles without a past."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from epdcli.pictures.encoding import Mode
from epdcli.pictures.profile import neutral_profile, rebuilt

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def shown(profile: bytes, target: str = "sRGB") -> np.ndarray:
    ramp = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    there = ImageCms.ImageCmsProfile(ImageCms.createProfile(target))
    picture = ImageCms.profileToProfile(Image.fromarray(ramp), io.BytesIO(profile), there, outputMode="LAB")
    return np.asarray(picture).astype(int)


def test_a_rebuilt_profile_shows_the_same_colours() -> None:
    assert np.abs(shown(rebuilt(SRGB), "LAB") - shown(SRGB, "LAB")).max() <= 1


def test_rebuilding_twice_changes_nothing() -> None:
    assert rebuilt(rebuilt(SRGB)) == rebuilt(SRGB)


def test_names_dates_and_makers_are_gone() -> None:
    signed = bytearray(SRGB)
    signed[4:8], signed[40:44], signed[48:56], signed[80:84] = b"appl", b"APPL", b"NikoD850", b"epds"
    signed[24:36] = struct.pack(">6H", 2021, 5, 6, 7, 8, 9)
    clean = rebuilt(bytes(signed))
    assert clean == rebuilt(SRGB)
    for trace in (b"appl", b"Niko", b"D850", b"epds", b"Pillow", b"lcms"):
        assert trace not in clean


@pytest.mark.parametrize("cut", [0, 3, 100, 131, 200, 400])
def test_a_damaged_profile_is_dropped(cut: int) -> None:
    assert neutral_profile(SRGB[:cut], Mode.RGB) is None


def test_a_profile_of_another_colour_space_is_dropped() -> None:
    assert neutral_profile(SRGB, Mode.GREY) is None
    assert neutral_profile(LAB, Mode.RGB) is None


def test_a_table_of_four_billion_tags_is_refused_at_once() -> None:
    broken = SRGB[:128] + b"\xff\xff\xff\xff" + SRGB[132:]
    assert neutral_profile(broken, Mode.RGB) is None
