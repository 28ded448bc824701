"""JPEG: segments before, between and after the scans, and what follows the end of the picture."""

from __future__ import annotations

from collections.abc import Iterator

from epdcli.pictures.containers.block import Block, Kind

_BARE = {0x01, *range(0xD0, 0xD9)}  # markers without content
_STRUCTURE = {0xC4, 0xC8, 0xCC, 0xDB, 0xDD, *range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC)}
_STRUCTURE |= {0xCD, 0xCE, 0xCF}
_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
_NAMES = (
    (b"MPF\0", "list of further pictures (MPF)"),
    (b"Photoshop 3.0\0", "Photoshop resources, IPTC"),
    (b"http://ns.adobe.com/xmp/extension/\0", "extended XMP"),
    (b"JFXX\0", "thumbnail (JFXX)"),
    (b"urn:iso:std:iso:ts:21496:-1", "gain map"),
    (b"JP", "JUMBF, content credentials"),
    (b"FPXR\0", "FlashPix"),
    (b"Ducky", "Photoshop's quality note"),
)


def segments(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Every segment up to the end of the picture: marker, offset, content.

    Bytes outside of any segment come as marker 0, what follows the end of image as marker -1;
    entropy-coded data is passed over.
    """
    at = 2
    while at < len(data):
        if data[at] != 0xFF or at + 1 >= len(data):
            start = at
            at = data.find(b"\xff", at + 1)
            at = len(data) if at < 0 else at
            yield 0, start, data[start:at]
            continue
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == 0xD9:
            if at + 2 < len(data):
                yield -1, at + 2, data[at + 2 :]
            return
        elif marker in _BARE:
            at += 2
        else:
            length = max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
            yield marker, at, data[at + 4 : at + 2 + length]
            at += 2 + length
            if marker == 0xDA:
                at = _end_of_scan(data, at)


def blocks(data: bytes) -> Iterator[Block]:
    """What a JPEG file holds besides its picture."""
    profile = b""
    for marker, offset, content in segments(data):
        where = f"{_marker_name(marker)} at byte {offset}"
        if marker == -1:
            yield Block(Kind.TRAILER, where, content)
        elif marker == 0:
            yield Block(Kind.STRAY, where, content)
        elif marker == 0xE0 and content.startswith(b"JFIF\0"):
            yield from _jfif(where, content)
        elif marker == 0xE1 and content.startswith(_EXIF):
            yield Block(Kind.EXIF, where, content[6:])
        elif marker == 0xE1 and content.startswith(_XMP):
            yield Block(Kind.XMP, where, content[len(_XMP) :])
        elif marker == 0xE2 and content.startswith(_ICC):
            profile += content[14:]
        elif marker == 0xEE and content.startswith(b"Adobe") and len(content) == 12:
            continue  # says how colours are coded
        elif marker == 0xDA:
            continue
        elif marker not in _STRUCTURE:
            name = next((name for start, name in _NAMES if content.startswith(start)), "")
            yield Block(Kind.METADATA, where, content, name)
    if profile:
        yield Block(Kind.PROFILE, "APP2", profile)


def _jfif(where: str, content: bytes) -> Iterator[Block]:
    if len(content) == 14 and content[12:14] == b"\0\0":
        yield Block(Kind.RESOLUTION, where, content[7:12])
    else:
        yield Block(Kind.PICTURE, where, content, "thumbnail (JFIF)")


def _end_of_scan(data: bytes, at: int) -> int:
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2


def _marker_name(marker: int) -> str:
    if marker <= 0:
        return "after the end of the picture," if marker else "between segments,"
    if 0xE0 <= marker <= 0xEF:
        return f"APP{marker - 0xE0}"
    return "comment" if marker == 0xFE else f"marker {marker:02X}"
