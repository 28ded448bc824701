"""The data of a colour profile's tags, parsed and written anew: nothing lies behind, between or inside of it.

What isn't of a known type and form raises ValueError. Curves have to rise, as those of real devices do: a
text or a picture in their entries doesn't. Sources: ICC.1:2022, sections 9 and 10.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

_TRIPLES = frozenset(b"rXYZ gXYZ bXYZ wtpt bkpt".split())
_CURVES = frozenset(b"rTRC gTRC bTRC kTRC".split())
_TABLES = frozenset(b"A2B0 A2B1 A2B2 B2A0 B2A1 B2A2 gamt".split())
NAMES = _TRIPLES | _CURVES | _TABLES | {b"chad", b"cicp"}

_MAX_ENTRIES = 4096
_PARAMETERS = (1, 3, 4, 5, 7)  # of a parametric curve, by its function type
_FALLS = 64  # of 65,535: measured curves tremble by as much


def rewritten(name: bytes, content: bytes) -> bytes:
    """The data of the tag `name`, with nothing in it but its numbers. Raises ValueError."""
    try:
        if name in _TRIPLES:
            return _exactly(content, b"XYZ ", 12)
        if name == b"chad":
            return _exactly(content, b"sf32", 36)
        if name == b"cicp":
            return _exactly(content, b"cicp", 4)
        if name in _CURVES:
            return _curve(content)[0]
        if content[:4] in (b"mft1", b"mft2"):
            return _old_table(content)
        return _table(content)
    except struct.error as error:
        raise ValueError("a tag is cut off") from error


def _exactly(content: bytes, kind: bytes, size: int) -> bytes:
    if content[:4] != kind or len(content) < 8 + size:
        raise ValueError(f"a tag is no {kind.decode().strip()}")
    return kind + bytes(4) + content[8 : 8 + size]


def _curve(content: bytes) -> tuple[bytes, int]:
    """A curve, and how many bytes of `content` it took."""
    if content[:4] == b"para":
        (function,) = struct.unpack_from(">H", content, 8)
        if function >= len(_PARAMETERS):
            raise ValueError("a curve of an unknown function")
        size = 12 + 4 * _PARAMETERS[function]
        if len(content) < size:
            raise ValueError("a curve is cut off")
        return b"para" + bytes(4) + struct.pack(">HH", function, 0) + content[12:size], size
    if content[:4] != b"curv":
        raise ValueError("a curve of an unknown type")
    (count,) = struct.unpack_from(">I", content, 8)
    size = 12 + 2 * count
    if count > _MAX_ENTRIES or len(content) < size:
        raise ValueError("a curve is too long or cut off")
    if count > 1:
        _must_rise(np.frombuffer(content[12:size], ">u2"))
    return b"curv" + bytes(4) + content[8:size], size


def _must_rise(entries: np.ndarray) -> None:
    if (np.diff(entries.astype(np.int64)) < -_FALLS).any():
        raise ValueError("a curve that doesn't rise")


def _old_table(content: bytes) -> bytes:
    """lut8Type and lut16Type: a matrix, curves, a grid of colours, curves."""
    kind = content[:4]
    channels, out, points = struct.unpack_from("3B", content, 8)
    entries_in, entries_out, width = 256, 256, 1
    start = 48
    if kind == b"mft2":
        entries_in, entries_out = struct.unpack_from(">HH", content, 48)
        width, start = 2, 52
    grid = points**channels * out
    size = start + width * (channels * entries_in + grid + out * entries_out)
    if not (1 <= channels <= 4 and 1 <= out <= 4 and points >= 2) or len(content) < size:
        raise ValueError("a table of colours is cut off")
    return kind + bytes(4) + bytes((channels, out, points, 0)) + content[12:size]


def _table(content: bytes) -> bytes:
    """lutAToBType and lutBToAType: curves, matrix and grid, each at an offset of its own."""
    kind = content[:4]
    if kind not in (b"mAB ", b"mBA "):
        raise ValueError("a table of colours of an unknown type")
    channels, out = struct.unpack_from("2B", content, 8)
    if not (1 <= channels <= 4 and 1 <= out <= 4):
        raise ValueError("a table of too many channels")
    offsets = struct.unpack_from(">5I", content, 12)
    first, last = (out, channels) if kind == b"mAB " else (channels, out)
    parts = [
        b"".join(_curves(content, offsets[0], first)),
        _matrix(content, offsets[1]),
        b"".join(_curves(content, offsets[2], 3 if kind == b"mBA " else out)),
        _grid(content, offsets[3], channels, out),
        b"".join(_curves(content, offsets[4], last)),
    ]
    body, places, at = b"", [], 32
    for part in parts:
        places.append(at if part else 0)
        body += part
        at += len(part)
    return kind + bytes(4) + bytes((channels, out, 0, 0)) + struct.pack(">5I", *places) + body


def _curves(content: bytes, offset: int, count: int) -> Iterator[bytes]:
    for _ in range(count if offset else 0):
        curve, size = _curve(content[offset:])
        yield curve + bytes(-len(curve) % 4)
        offset += size + -size % 4


def _matrix(content: bytes, offset: int) -> bytes:
    if offset and len(content) < offset + 48:
        raise ValueError("a matrix is cut off")
    return content[offset : offset + 48] if offset else b""


def _grid(content: bytes, offset: int, channels: int, out: int) -> bytes:
    if not offset:
        return b""
    points, (width,) = content[offset : offset + channels], struct.unpack_from("B", content, offset + 16)
    size = int(np.prod([int(one) for one in points])) * out * width
    if width not in (1, 2) or 0 in points or len(content) < offset + 20 + size:
        raise ValueError("a grid of colours is cut off")
    grid = points + bytes(16 - channels) + bytes((width, 0, 0, 0)) + content[offset + 20 : offset + 20 + size]
    return grid + bytes(-len(grid) % 4)
