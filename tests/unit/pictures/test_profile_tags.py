"""The data of a profile's tags: numbers stay, what hides beside them goes, what is no number is refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from epdcli.pictures.profile_tags import rewritten

HIDDEN = b"epd-marker-hidden"
RISING = np.arange(0, 65536, 256, dtype=">u2").tobytes()


def curve(entries: bytes) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">I", len(entries) // 2) + entries


def old_table(kind: bytes) -> bytes:
    width = 2 if kind == b"mft2" else 1
    sizes = struct.pack(">HH", 256, 256) if kind == b"mft2" else b""
    numbers = bytes(width * (3 * 256 + 2**3 * 3 + 3 * 256))
    return kind + bytes(4) + bytes((3, 3, 2, 0)) + bytes(36) + sizes + numbers


def new_table(gap: bytes = b"") -> bytes:
    curves = 3 * (curve(RISING[:8]))
    places = [32 + len(gap), 0, 0, 0, 0]
    return b"mAB " + bytes(4) + bytes((3, 3, 0, 0)) + struct.pack(">5I", *places) + gap + curves


GOOD = [
    (b"rXYZ", b"XYZ " + bytes(4) + struct.pack(">3i", 1, 2, 3)),
    (b"chad", b"sf32" + bytes(4) + struct.pack(">9i", *range(9))),
    (b"cicp", b"cicp" + bytes(4) + bytes((1, 13, 0, 1))),
    (b"rTRC", curve(RISING)),
    (b"gTRC", curve(b"")),
    (b"kTRC", b"para" + bytes(4) + struct.pack(">HH5i", 3, 0, 1, 2, 3, 4, 5)),
    (b"A2B0", old_table(b"mft1")),
    (b"B2A0", old_table(b"mft2")),
    (b"A2B1", new_table()),
]


@pytest.mark.parametrize(("name", "content"), GOOD)
def test_numbers_stay_and_what_follows_them_goes(name: bytes, content: bytes) -> None:
    assert rewritten(name, content) == content
    assert rewritten(name, content + HIDDEN) == content


@pytest.mark.parametrize(("name", "content"), GOOD)
@pytest.mark.parametrize("left", [0, 5, 9, 0.5, -1])
def test_a_tag_that_is_cut_off_is_refused(name: bytes, content: bytes, left: float) -> None:
    size = int(len(content) * left) if isinstance(left, float) else left if left >= 0 else len(content) + left
    with pytest.raises(ValueError, match=r"tag|curve|table|matrix|grid"):
        rewritten(name, content[:size])


def test_what_lies_between_the_parts_of_a_table_goes() -> None:
    assert rewritten(b"A2B0", new_table(HIDDEN + bytes(-len(HIDDEN) % 4))) == new_table()


@pytest.mark.parametrize("content", [b"text" + bytes(4) + HIDDEN, b"data" + bytes(40), b"\0" * 60])
def test_other_types_in_the_place_of_numbers_are_refused(content: bytes) -> None:
    for name in (b"rTRC", b"rXYZ", b"A2B0", b"chad"):
        with pytest.raises(ValueError, match=r"tag|curve|table"):
            rewritten(name, content)


def test_a_text_or_a_picture_in_the_entries_of_a_curve_is_refused() -> None:
    text = (b"Jane Doe, 1 Main Street, " * 20)[:400]
    noise = np.random.default_rng(1).integers(0, 65536, 1024).astype(">u2").tobytes()
    for entries in (text, noise):
        with pytest.raises(ValueError, match="rise"):
            rewritten(b"rTRC", curve(entries))
    with pytest.raises(ValueError, match="too long"):
        rewritten(b"rTRC", curve(np.zeros(5000, ">u2").tobytes()))
