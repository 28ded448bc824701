"""PPM, PGM and PBM: comments in the header, and what follows the pixels."""

from __future__ import annotations

import re
from collections.abc import Iterator

from epdcli.pictures.containers.block import Block, Kind

_TOKEN = re.compile(rb"(?:\s|#[^\n]*\n)*([^\s#]+)")
_COMMENT = re.compile(rb"#[^\n]*\n")


def header(data: bytes) -> tuple[list[int], int]:
    """Width, height and (but for bitmaps) the largest value, and where the pixels begin."""
    at = 2
    numbers: list[int] = []
    while len(numbers) < (2 if data[1:2] in b"14" else 3):
        token = _TOKEN.match(data, at)
        if token is None:
            raise ValueError("the header is cut off")
        numbers.append(int(token[1]))
        at = token.end()
    return numbers, at + 1


def end_of_pixels(data: bytes) -> int:
    """Where the raster ends; a plain (text) raster reaches to the end of the file."""
    (width, height, *largest), at = header(data)
    match data[1:2]:
        case b"4":
            return at + (width + 7) // 8 * height
        case b"5" | b"6":
            depth = 2 if largest[0] > 255 else 1
            return at + width * height * depth * (3 if data[1:2] == b"6" else 1)
    return len(data)


def blocks(data: bytes) -> Iterator[Block]:
    """What a portable anymap holds besides its picture."""
    start, end = header(data)[1], end_of_pixels(data)
    for comment in _COMMENT.finditer(data, 0, start):
        yield Block(Kind.METADATA, f"comment at byte {comment.start()}", comment[0])
    if end < len(data):
        yield Block(Kind.TRAILER, f"after the pixels, at byte {end}", data[end:])
