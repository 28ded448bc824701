"""Colour profiles without a past."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from epdcli.pictures import read, scan, write
from epdcli.pictures.encoding import Mode
from epdcli.pictures.profile import adobe_rgb, neutral_profile, rebuilt

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


def test_adobe_rgb_is_a_bare_profile_with_a_green_beyond_srgb() -> None:
    assert rebuilt(adobe_rgb()) == adobe_rgb()
    green = Image.new("RGB", (1, 1), (0, 255, 0))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    seen = [
        ImageCms.profileToProfile(green, io.BytesIO(profile), lab, outputMode="LAB").getpixel((0, 0))
        for profile in (adobe_rgb(), SRGB)
    ]
    as_numbers = np.array(seen, dtype=np.uint8).astype(np.int8)[:, 1]  # a*: green is negative
    assert as_numbers[0] < as_numbers[1] - 30


def test_a_camera_that_says_adobe_rgb_in_exif_only_keeps_its_colours(tmp_path: Path) -> None:
    for name, exif, kept in (
        ("a.jpg", {0xA001: 0xFFFF, 0xA005: {1: "R03"}}, adobe_rgb()),
        ("b.jpg", {0xA001: 2}, adobe_rgb()),
        ("c.jpg", {0xA001: 1, 0xA005: {1: "R98"}}, None),
    ):
        block = Image.Exif()
        block.get_ifd(0x8769).update(exif)
        Image.new("RGB", (32, 32), (10, 200, 30)).save(tmp_path / name, exif=block)
        file = read(tmp_path / name)
        assert file.encoding.profile == kept
        write(file, file.frames, [np.zeros((32, 32), dtype=bool)], tmp_path / f"out-{name}")
        assert all(finding.released for finding in scan(tmp_path / f"out-{name}"))
        assert Image.open(tmp_path / f"out-{name}").info.get("icc_profile") == kept
