"""TIFF and BigTIFF: tags of every directory, sub-directories, and bytes that nothing refers to."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from epdcli.pictures.containers.block import Block, Kind

_SIZES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_STRUCTURE = {254, 255, *range(256, 260), 262, 263, 264, 265, 266, 273, 274, *range(277, 282), 284, 292, 293}
_STRUCTURE |= {297, 317, 320, 322, 323, 324, 325, 338, 339, 340, 341, 347, 529, 530, 531, 532}
_RESOLUTION = {282, 283, 296}
_OFFSETS, _COUNTS = (273, 324), (279, 325)
_NAMES = {
    269: "document name", 270: "description", 271: "camera maker", 272: "camera model", 305: "software",
    306: "date", 315: "artist", 316: "computer", 330: "sub-directories (previews)", 513: "preview",
    33432: "copyright", 33723: "IPTC", 34377: "Photoshop resources", 34665: "EXIF", 34853: "GPS",
    37724: "Photoshop layers", 50706: "camera raw (DNG)",
}  # fmt: skip
# Pillow appends pages as whole files, each with a header of its own.
_PAGE_HEADER = re.compile(
    rb"\0{0,15}(?:(?:II\*\0|MM\0\*).{4}|(?:II\+\0\x08\0\0\0|MM\0\+\0\x08\0\0).{8})", re.DOTALL
)
_MAX_DIRECTORIES = 10_000
_MOST_CLAIMED = 4  # times the file's size: honest tags share few bytes, a bomb's claim the whole file each


@dataclass(frozen=True)
class Entry:
    """One tag: its number, its values' bytes and where they lie in the file."""

    tag: int
    kind: int
    start: int
    content: bytes


@dataclass(frozen=True)
class Layout:
    """Byte order and whether offsets have 8 bytes."""

    order: str
    big: bool

    def unpack(self, code: str, data: bytes, at: int) -> int:
        if at > len(data):  # 8-byte offsets may exceed what an index can hold
            raise struct.error("an offset points behind the end of the file")
        return int(struct.unpack_from(self.order + code, data, at)[0])

    def numbers(self, entry: Entry) -> tuple[int, ...]:
        code = _CODES.get(entry.kind)
        if code is None:
            return ()
        count = len(entry.content) // struct.calcsize(code)
        return struct.unpack(f"{self.order}{count}{code}", entry.content[: count * struct.calcsize(code)])


def layout(data: bytes) -> Layout:
    return Layout("<" if data[:2] == b"II" else ">", data[2:4] in (b"+\0", b"\0+"))


def directories(data: bytes) -> Iterator[tuple[int, int, list[Entry]]]:
    """The chain of directories: start, end and entries of each. Raises struct.error when cut off."""
    how = layout(data)
    at = how.unpack("Q", data, 8) if how.big else how.unpack("I", data, 4)
    seen: set[int] = set()
    left = _MOST_CLAIMED * len(data)
    while at and at not in seen and len(seen) < _MAX_DIRECTORIES:
        seen.add(at)
        entries, end = _directory(data, at, how, left)
        left -= end - at + sum(len(entry.content) for entry in entries)
        yield at, end, entries
        at = how.unpack("Q" if how.big else "I", data, end - (8 if how.big else 4))


def blocks(data: bytes) -> Iterator[Block]:
    """What a TIFF file holds besides its pictures."""
    how = layout(data)
    covered = [(0, 16 if how.big else 8)]
    try:
        for number, (start, end, entries) in enumerate(directories(data)):
            covered.append((start, end))
            covered += [(entry.start, entry.start + len(entry.content)) for entry in entries]
            covered += _strips(entries, how)
            for entry in entries:
                yield from _tag(entry, number, data, how)
    except struct.error:
        yield Block(Kind.DAMAGED, "a directory is cut off")
    yield from _between(data, sorted(covered))


def _tag(entry: Entry, page: int, data: bytes, how: Layout) -> Iterator[Block]:
    where = f"tag {entry.tag} of page {page + 1}"
    if entry.tag in _STRUCTURE:
        return
    if entry.tag in _RESOLUTION:
        if entry.tag == 282:
            yield Block(Kind.RESOLUTION, where, entry.content)
    elif entry.tag == 700:
        yield Block(Kind.XMP, where, entry.content)
    elif entry.tag == 34675:
        yield Block(Kind.PROFILE, where, entry.content)
    else:
        kind = Kind.PICTURE if entry.tag in (330, 513) else Kind.METADATA
        content = entry.content
        if entry.tag in (330, 513, 34665, 34853):  # what they point to is found as unreferenced bytes
            content = b"".join(data[at : at + 64] for at in how.numbers(entry)[:8])
        yield Block(kind, where, content, _NAMES.get(entry.tag, "private tag"))


def _directory(data: bytes, at: int, how: Layout, left: int) -> tuple[list[Entry], int]:
    """The entries of a directory and where it ends; they may claim `left` bytes between them."""
    count = how.unpack("Q" if how.big else "H", data, at)
    head, size, inline = (8, 20, 8) if how.big else (2, 12, 4)
    if count > 4096:
        raise struct.error("more tags than a directory has")
    entries = []
    for number in range(count):
        place = at + head + number * size
        tag, kind = how.unpack("H", data, place), how.unpack("H", data, place + 2)
        values = how.unpack("Q" if how.big else "I", data, place + 4)
        length = values * _SIZES.get(kind, 1)
        start = place + size - inline
        if length > inline:
            start = how.unpack("Q" if how.big else "I", data, start)
        left -= max(0, min(start + length, len(data)) - start)
        if left < 0:
            raise struct.error("tags share their bytes")
        entries.append(Entry(tag, kind, start, data[start : start + length]))
    return entries, at + head + count * size + inline


def _strips(entries: list[Entry], how: Layout) -> list[tuple[int, int]]:
    values = {entry.tag: how.numbers(entry) for entry in entries}
    return [
        (start, start + length)
        for offsets, counts in zip(_OFFSETS, _COUNTS, strict=True)
        for start, length in zip(values.get(offsets, ()), values.get(counts, ()), strict=False)
    ]


def _between(data: bytes, covered: list[tuple[int, int]]) -> Iterator[Block]:
    at = 0
    for start, end in [*covered, (len(data), len(data))]:
        gap = data[at:start]
        aligned = start - at < 16 and not gap.strip(b"\0")  # encoders align to up to 16 bytes
        if gap and not aligned and not _PAGE_HEADER.fullmatch(gap):
            yield Block(Kind.STRAY, f"unreferenced, at byte {at}", gap)
        at = max(at, end)
