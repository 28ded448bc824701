"""JPEG 2000, written without loss whatever it was before."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

from epdcli.pictures.codecs.common import (
    Decoded,
    Extras,
    Source,
    dpi_of,
    image_of,
    open_image,
    page_of,
    refusal,
)
from epdcli.pictures.containers.iso_media import XMP_UUID, boxes
from epdcli.pictures.encoding import Encoding, Mode, Page

# Numbers of colour spaces (15444-1, table I.10): sRGB, grey, sYCC
_SPACES = {number.to_bytes(4, "big") for number in (16, 17, 18)}
_MODES = {Mode.GREY, Mode.GREY_ALPHA, Mode.RGB, Mode.RGBA}


def decode(source: Source) -> Decoded:
    """The picture of a JPEG 2000 file, 8 bits a sample or 16-bit grey; others are refused."""
    image: Any = open_image(source)
    depths = _depths(source.data)
    if depths not in ({8}, {16}) or (depths == {16} and image.mode != "I;16"):
        raise refusal(source, f"has samples of {', '.join(map(str, sorted(depths)))} bits")
    if not source.data.startswith(b"\xff\x4f"):
        if sum(kind == b"jp2c" for kind, *_ in boxes(source.data)) > 1:
            raise refusal(source, "holds several pictures", hint="Split it into single files.")
        if any(content[:1] == b"\1" and content[3:7] not in _SPACES for content in _colours(source.data)):
            raise refusal(source, "has another colour space than grey, sRGB or YCC")
        if len(image.getbands()) in (2, 4) and not _names_channels(source.data):
            raise refusal(source, "has a channel more than its colours, and doesn't say that it is alpha")
    profile = _profile(source.data)
    if profile:
        image.info["icc_profile"] = profile
    page = page_of(image, source)
    if page.mode not in _MODES:
        raise refusal(source, f"has pixels of the kind {page.mode}")
    return Decoded((page,), dpi_of(image), {"bare": source.data.startswith(b"\xff\x4f")})


def encode(encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes:
    """The page as JPEG 2000 with the reversible transform; profile, resolution and mark as boxes."""
    target = io.BytesIO()
    bare = encoding.settings["bare"]
    image_of(pages[0]).save(target, "JPEG2000", irreversible=False, no_jp2=bare)
    data = _without_comments(target.getvalue())
    return data if bare else _with_boxes(data, encoding, extras)


def _without_comments(data: bytes) -> bytes:
    """The file without the encoder's name in the codestream's header; Pillow's is the last box."""
    at = data.index(b"\xff\x4f\xff\x51") + 2
    while data[at + 1] != 0x90:
        length = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0x64:
            data = data[:at] + data[at + length :]
        else:
            at += length
    return data


def _with_boxes(data: bytes, encoding: Encoding, extras: Extras) -> bytes:
    parts = []
    for kind, _, start, end in boxes(data):
        content = data[start:end]
        if kind == b"jp2h":
            inner = [(name, content[at - start : to - start]) for name, _, at, to in boxes(data, start, end)]
            if encoding.profile:
                inner = [
                    (name, b"\2\0\0" + encoding.profile if name == b"colr" else old) for name, old in inner
                ]
            if encoding.dpi:
                inner.append((b"res ", _box(b"resc", _resolution(encoding.dpi))))
            content = b"".join(_box(*part) for part in inner)
        if kind == b"jp2c" and extras.mark:
            parts.append(_box(b"uuid", XMP_UUID + extras.mark))
        parts.append(_box(kind, content))
    return b"".join(parts)


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def _resolution(dpi: tuple[float, float]) -> bytes:
    """Samples a metre, vertical first, as numerator, denominator and power of ten (15444-1, I.5.3.7.1)."""
    across, down = (round(value / 0.0254) for value in dpi)
    return struct.pack(">HHHHbb", *(_fraction(down)), *(_fraction(across)), 0, 0)


def _fraction(value: int) -> tuple[int, int]:
    return (value, 1) if value < 65536 else (65535, 1)


def _depths(data: bytes) -> set[int]:
    """The depth of every component, from the codestream's SIZ segment; signed ones count as odd."""
    start = data.find(b"\xff\x4f\xff\x51")
    (count,) = struct.unpack_from(">H", data, start + 40)
    depths = {data[start + 42 + 3 * number] + 1 for number in range(count)}
    return {depth if depth < 128 else -depth for depth in depths}


def _profile(data: bytes) -> bytes | None:
    if data.startswith(b"\xff\x4f"):
        return None
    return next((content[3:] for content in _colours(data) if content[:1] == b"\2"), None)


def _colours(data: bytes) -> Iterator[bytes]:
    """The colour boxes of the header: a method (1: by number, 2: by profile), two more bytes, and which."""
    return (content for kind, content in _header(data) if kind == b"colr")


def _names_channels(data: bytes) -> bool:
    return any(kind == b"cdef" for kind, _ in _header(data))


def _header(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    for kind, _, start, end in boxes(data):
        if kind == b"jp2h":
            yield from ((inner, data[first:last]) for inner, _, first, last in boxes(data, start, end))
