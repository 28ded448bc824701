"""Colour: profiles whose every tag may hide something, and PNG's chunks that say how colours are meant."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from itertools import cycle
from typing import Any

from PIL import ImageCms

from .case import Case
from .planting import (
    BYTES,
    MARKER,
    box,
    chunk,
    heic,
    image,
    png,
    profile_with,
    saved,
    srgb_profile,
    thumbnail,
    wide_gamut_profile,
    with_chunk,
)


def _padded(content: bytes) -> bytes:
    return content + bytes(len(content) % 2)


def _curve() -> bytes:
    """A curve whose entries are a text and a picture."""
    entries = _padded(BYTES + thumbnail())[:8192]
    return b"curv\0\0\0\0" + struct.pack(">I", len(entries) // 2) + entries


def _rising_curve_with_more() -> bytes:
    """A curve of 256 entries, and something behind its last one."""
    entries = struct.pack(">256H", *(257 * n for n in range(256)))
    return b"curv\0\0\0\0" + struct.pack(">I", 256) + entries + BYTES + thumbnail()


def _function_with_more() -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HHi", 0, 0, 144180) + BYTES


def _reserved_bytes() -> bytes:
    return b"curv" + BYTES[-4:] + struct.pack(">IH", 1, 0x0233)


def _names_in_languages() -> bytes:
    text = MARKER.encode("utf-16-be")
    records = struct.pack(">4sII", b"deDE", len(text), 40) + struct.pack(">4sII", b"frFR", len(text), 40)
    return b"mluc\0\0\0\0" + struct.pack(">II", 2, 12) + records + text


def _dictionary() -> bytes:
    text = MARKER.encode("utf-16-be")
    return b"dict\0\0\0\0" + struct.pack(">IIIIII", 1, 16, 32, len(text), 32, len(text)) + text


def _measured_patches() -> bytes:
    return b"text\0\0\0\0" + BYTES + b" CTI3 CREATED " + BYTES + b"\0"


def _table() -> bytes:
    """lut8Type with a picture behind its last curve."""
    identity = bytes(range(256)) * 3
    grid = bytes(255 * (n >> shift & 1) for n in range(8) for shift in (2, 1, 0))
    matrix = struct.pack(">9i", *(65536 * (n % 4 == 0) for n in range(9)))
    return b"mft1\0\0\0\0" + bytes((3, 3, 2, 0)) + matrix + identity + grid + identity + BYTES + thumbnail()


def _maker(profile: bytes) -> bytes:
    """Maker, model, creator and identity of the header."""
    head = bytearray(profile)
    head[4:8], head[48:52], head[52:56] = BYTES[:4], BYTES[4:8], BYTES[8:12]
    head[80:84], head[84:100] = BYTES[12:16], BYTES[:16]
    head[100:128] = (BYTES * 2)[:28]
    return bytes(head)


_TAGS: list[tuple[str, Callable[[], bytes]]] = [
    ("a picture as a curve", lambda: profile_with(b"rTRC", _curve())),
    ("a picture behind a curve", lambda: profile_with(b"gTRC", _rising_curve_with_more())),
    ("a text behind a function", lambda: profile_with(b"bTRC", _function_with_more())),
    ("a text in reserved bytes", lambda: profile_with(b"rTRC", _reserved_bytes())),
    ("a text behind a primary colour", lambda: profile_with(b"rXYZ", b"XYZ \0\0\0\0" + bytes(12) + BYTES)),
    ("a picture behind a table", lambda: profile_with(b"A2B0", _table())),
    ("a picture behind the other table", lambda: profile_with(b"B2A0", _table())),
    ("names in two languages", lambda: profile_with(b"desc", _names_in_languages())),
    ("a dictionary", lambda: profile_with(b"meta", _dictionary())),
    ("measured patches", lambda: profile_with(b"targ", _measured_patches())),
    ("a session of calibration", lambda: profile_with(b"vcgt", b"vcgt\0\0\0\0\0\0\0\0" + BYTES)),
    ("a text behind an adaptation", lambda: profile_with(b"chad", b"sf32\0\0\0\0" + bytes(36) + BYTES)),
    ("a private tag, twice", lambda: profile_with(b"zzz1", thumbnail(), profile_with(b"zzz2", BYTES))),
    ("maker, creator and identity", lambda: _maker(srgb_profile())),
]


def _carrying(carrier: str, made: Callable[[], bytes]) -> bytes:
    options: dict[str, Any] = {"JPEG": {"quality": 90}, "WEBP": {"lossless": True}, "AVIF": {"quality": 90}}
    return saved(image(), carrier, icc_profile=made(), **options.get(carrier, {}))


# Every hiding place once; the carriers take turns.
_CARRIERS = (("JPEG", ".jpg", 45.0), ("PNG", ".png", None), ("TIFF", ".tif", None), ("WEBP", ".webp", None))
_CARRIERS += (("AVIF", ".avif", 40.0),)


def _gamma(value: int, data: bytes | None = None) -> bytes:
    return with_chunk(b"gAMA", struct.pack(">I", value), data)


def _gamma_beside_a_profile() -> bytes:
    return _gamma(100_000, saved(image(), "PNG", icc_profile=wide_gamut_profile()))


def _profile_of_another_space() -> bytes:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    return saved(image(), "PNG", icc_profile=lab)


def _between_the_pixels() -> bytes:
    at = png().rindex(b"IEND") - 4
    return png()[:at] + chunk(b"zTXt", b"icc\0\0" + BYTES) + png()[at:]


_CHUNKS: list[tuple[str, Callable[[], bytes]]] = [
    ("gamma of 1", lambda: _gamma(100_000)),
    ("gamma of 0", lambda: _gamma(0)),
    ("gamma of 40,000", lambda: _gamma(0xFFFFFFFF)),
    ("two gammas", lambda: _gamma(45455, _gamma(100_000))),
    ("gamma beside an intent", lambda: _gamma(100_000, with_chunk(b"sRGB", b"\0"))),
    ("gamma beside a profile", _gamma_beside_a_profile),
    ("an intent that is a text", lambda: with_chunk(b"sRGB", BYTES)),
    ("chromaticities that are a text", lambda: with_chunk(b"cHRM", (BYTES * 2)[:32])),
    ("significant bits that are a text", lambda: with_chunk(b"sBIT", BYTES)),
    ("light of a mastering display", lambda: with_chunk(b"mDCV", (BYTES * 2)[:24])),
    ("levels of light", lambda: with_chunk(b"cLLI", BYTES[:8])),
    ("colour code that is a text", lambda: with_chunk(b"cICP", BYTES)),
    ("profile of another space", _profile_of_another_space),
    ("profile between the pixels", _between_the_pixels),
    ("stereo and offset", lambda: with_chunk(b"sTER", BYTES[:1], with_chunk(b"oFFs", BYTES[:9]))),
    ("fractal and GIF extensions", lambda: with_chunk(b"gIFx", BYTES, with_chunk(b"fRAc", thumbnail()))),
]  # fmt: skip


def _unknown_colour_box() -> bytes:
    """AVIF with a colour box of a kind that nobody knows."""
    data = saved(image(), "AVIF", quality=90)
    return data + box(b"colr", b"prof" + BYTES)


CASES = [
    *(
        Case(
            f"profile with {title}, {carrier}",
            f"face{suffix}",
            partial(_carrying, carrier, made),
            group="metadata",
            decibels=decibels,
        )
        for (title, made), (carrier, suffix, decibels) in zip(_TAGS, cycle(_CARRIERS), strict=False)
    ),
    *(Case(f"colours of PNG: {title}", "face.png", make, group="colour") for title, make in _CHUNKS),
    Case("profile that names its owner, HEIC", "face.heic",
         lambda: heic(image(), icc_profile=_maker(srgb_profile())), group="metadata",
         decibels=38.0, needs="pillow_heif"),
    Case("colour box behind the picture, AVIF", "face.avif", _unknown_colour_box, group="metadata",
         decibels=40.0),
]  # fmt: skip
