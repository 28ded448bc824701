"""WebP: RIFF chunks, also those inside animation frames, and what follows the declared size."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from epdcli.pictures.containers.block import Block, Kind

_STRUCTURE = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"}
_FRAME_HEADER = 16


def chunks(data: bytes, start: int = 12, end: int | None = None) -> Iterator[tuple[bytes, int, bytes]]:
    """Every chunk between two offsets: name, offset, content."""
    end = len(data) if end is None else min(end, len(data))
    at = start
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, at)
        yield name, at, data[at + 8 : min(at + 8 + length, end)]
        at += 8 + length + length % 2


def blocks(data: bytes) -> Iterator[Block]:
    """What a WebP file holds besides its pictures."""
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    for name, offset, content in chunks(data, 12, end):
        where = f"{name.decode('latin-1')} at byte {offset}"
        match name:
            case b"ICCP":
                yield Block(Kind.PROFILE, where, content)
            case b"EXIF":
                yield Block(Kind.EXIF, where, content.removeprefix(b"Exif\0\0"))
            case b"XMP ":
                yield Block(Kind.XMP, where, content)
            case b"ANMF":
                yield from _inside_a_frame(content, where)
            case _ if name not in _STRUCTURE:
                yield Block(Kind.METADATA, where, content)
    if end + end % 2 < len(data):
        yield Block(Kind.TRAILER, f"after the end, at byte {end}", data[end:])


def _inside_a_frame(content: bytes, where: str) -> Iterator[Block]:
    for name, _, inner in chunks(content, _FRAME_HEADER):
        if name not in _STRUCTURE:
            yield Block(Kind.METADATA, f"{name.decode('latin-1')} in {where}", inner)
