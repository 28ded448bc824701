"""BMP: gaps between header and pixels, the profile of a version 5 header, and what follows."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from epdcli.pictures.containers.block import Block, Kind


def blocks(data: bytes) -> Iterator[Block]:
    """What a BMP file holds besides its picture."""
    pixels, header = struct.unpack_from("<II", data, 10)
    if header == 12:
        yield Block(Kind.STRAY, "an old header that epd does not write", data[14:26])
        return
    width, height, _, depth, compression, size = struct.unpack_from("<iiHHII", data, 18)
    colours = struct.unpack_from("<I", data, 46)[0] or (1 << depth if depth <= 8 else 0)
    masks = 12 if compression == 3 and header == 40 else 0
    start = 14 + header + masks + 4 * colours
    row = (abs(width) * depth + 31) // 32 * 4
    end = pixels + (row * abs(height) if compression in (0, 3) else size)
    if any(data[6:10]):
        yield Block(Kind.STRAY, "reserved bytes of the header", data[6:10])
    yield Block(Kind.RESOLUTION, "header", data[38:46])
    if start < pixels:
        yield Block(Kind.STRAY, f"between header and pixels, at byte {start}", data[start:pixels])
    if (end < len(data) and any(data[end:])) or len(data) - end > 3:
        yield Block(Kind.TRAILER, f"after the pixels, at byte {end}", data[end:])
    if header > 40:
        yield Block(Kind.METADATA, "long header", data[54 : 14 + header])
    used = (abs(width) * depth + 7) // 8
    if compression in (0, 3) and used < row:
        lines = range(pixels, min(end, len(data)), row)
        padding = b"".join(data[line + used : line + row] for line in lines)
        if any(padding):
            yield Block(Kind.STRAY, "padding of the rows", padding)
