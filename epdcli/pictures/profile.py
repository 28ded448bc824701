"""Colour profiles without a past: the colours stay, names, makers and serial numbers go.

A profile (ICC.1:2022) is a header of 128 bytes, a table of tags and the tags' data. Profiles tell
the device's maker, model and sometimes its serial number and its owner's calibration session.
We take the tags that define colours, write their numbers anew, and put them behind a header that says nothing
else.
Doing it twice changes nothing, which is how the scanner recognises a profile of ours.
"""

from __future__ import annotations

import struct

from epdcli.pictures.encoding import Mode
from epdcli.pictures.profile_tags import NAMES, rewritten

_HEADER = 128
_SPACES = {
    Mode.BILEVEL: b"GRAY",
    Mode.GREY: b"GRAY",
    Mode.GREY_ALPHA: b"GRAY",
    Mode.RGB: b"RGB ",
    Mode.RGBA: b"RGB ",
    Mode.PALETTE: b"RGB ",
    Mode.CMYK: b"CMYK",
}
_MAX_BYTES = 4 << 20


def neutral_profile(profile: bytes | None, mode: Mode) -> bytes | None:
    """The profile with nothing but its colours, or None where it is missing, damaged or of another space."""
    if not profile:
        return None
    try:
        return rebuilt(profile) if profile[16:20] == _SPACES[mode] else None
    except ValueError:
        return None


def rebuilt(profile: bytes) -> bytes:
    """The profile's colour tags behind a bare header. Raises ValueError for a damaged profile."""
    if not _HEADER + 4 <= len(profile) <= _MAX_BYTES or profile[36:40] != b"acsp":
        raise ValueError("no colour profile")
    version = 4 if profile[8] >= 4 else 2
    try:
        tags = _colour_tags(profile)
    except struct.error as error:
        raise ValueError("the table of tags is cut off") from error
    if not {b"rTRC", b"kTRC", b"A2B0"} & tags.keys():
        raise ValueError("a profile without colours")
    return _named(profile, version, tags)


def adobe_rgb() -> bytes:
    """A bare profile of Adobe RGB (1998): its primaries adapted to D50 and its gamma of 2.19921875, as the
    specification gives them (annex C.2)."""
    header = bytearray(_HEADER)
    header[12:24] = b"mntrRGB XYZ "
    places = {
        b"wtpt": (0.95045, 1.0, 1.08905),
        b"rXYZ": (0.60974, 0.31111, 0.01947),
        b"gXYZ": (0.20528, 0.62567, 0.06087),
        b"bXYZ": (0.14919, 0.06322, 0.74457),
    }
    tags = {
        name: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in place))
        for name, place in places.items()
    }
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, 0x0233)
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    return _named(bytes(header), 2, tags)


def _named(profile: bytes, version: int, tags: dict[bytes, bytes]) -> bytes:
    tags[b"desc"] = _text(b"Colour profile", version, b"desc")
    tags[b"cprt"] = _text(b"CC0", version, b"cprt")
    return _assembled(_bare_header(profile, version), tags)


def _colour_tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    if count > 200:
        raise ValueError("too many tags")
    tags = {}
    for number in range(count):
        name, offset, size = struct.unpack_from(">4sII", profile, _HEADER + 4 + 12 * number)
        if name in NAMES:
            if offset + size > len(profile) or size < 8:
                raise ValueError("a tag lies outside the profile")
            tags[name] = rewritten(name, profile[offset : offset + size])
    return tags


def _bare_header(profile: bytes, version: int) -> bytes:
    """Size 0 (filled in later), class, spaces, intent and illuminant; no maker, model, date or identity."""
    header = bytearray(_HEADER)
    header[8:12] = b"\x04\x30\0\0" if version == 4 else b"\x02\x10\0\0"
    header[12:24] = profile[12:24]
    header[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    header[36:40] = b"acsp"
    header[64:68] = profile[64:68]
    header[68:80] = struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)  # D50
    return bytes(header)


def _text(text: bytes, version: int, tag: bytes) -> bytes:
    if version == 4:
        wide = text.decode("ascii").encode("utf-16-be")
        return b"mluc" + struct.pack(">IIIHHII", 0, 1, 12, 0x656E, 0x5553, len(wide), 28) + wide
    if tag == b"cprt":
        return b"text\0\0\0\0" + text + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(text) + 1) + text + b"\0" + bytes(4 + 4 + 2 + 1 + 67)


def _assembled(header: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, body, places = b"", b"", {}
    start = _HEADER + 4 + 12 * len(tags)
    for name in sorted(tags):
        content = tags[name]
        if content not in places:  # equal curves are stored once, as everybody does
            places[content] = start + len(body)
            body += content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, places[content], len(content))
    size = start + len(body)
    return struct.pack(">I", size) + header[4:] + struct.pack(">I", len(tags)) + table + body
