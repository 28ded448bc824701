"""Boxes: AVIF and HEIC (ISO base media, ISO/IEC 14496-12 and 23008-12) and JPEG 2000 (15444-1)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from epdcli.pictures.containers.block import Block, Kind

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MEDIA = {b"ftyp", b"meta", b"mdat", b"moov"}
_META = {b"hdlr", b"pitm", b"iloc", b"iinf", b"iprp", b"iref", b"idat", b"grpl", b"dinf"}
_PIXEL_ITEMS = {b"av01", b"hvc1", b"grid"}
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1")
_PLAIN_NAMES = (b"", b"Color", b"Alpha")
_JP2 = {b"jP  ", b"ftyp", b"jp2h", b"jp2c"}
_JP2_HEADER = {b"ihdr", b"bpcc", b"pclr", b"cmap", b"cdef"}

_MOST_CLAIMED = 4  # times the file's size: honest items share no bytes, a bomb's claim the whole file each


@dataclass
class Item:
    """One item of a meta box: its type, what it is to others, and where its bytes lie."""

    kind: bytes
    name: bytes = b""
    mime: bytes = b""
    extents: list[tuple[int, int]] = field(default_factory=list)
    in_idat: bool = False


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int, int]]:
    """Every box between two offsets: type, offset, start and end of its content."""
    at, end = start, len(data) if end is None else end
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= end:
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        size = end - at if size == 0 else size
        if size < head:
            break
        yield kind, at, at + head, min(at + size, end)
        at += size
    if at < end:
        yield b"", at, at, end


def avif_blocks(data: bytes) -> Iterator[Block]:
    """What an AVIF file holds besides the picture or the animation that its reader shows."""
    return _media_blocks(data, every_picture=False)


def heic_blocks(data: bytes) -> Iterator[Block]:
    """What a HEIC file holds besides its pictures; thumbnails, depth and gain maps are none."""
    return _media_blocks(data, every_picture=True)


def _media_blocks(data: bytes, every_picture: bool) -> Iterator[Block]:
    covered: list[tuple[int, int]] = []
    animated = any(kind == b"moov" for kind, *_ in boxes(data))
    for kind, at, start, end in boxes(data):
        where = f"{kind.decode('latin-1')} at byte {at}"
        if kind == b"meta":
            yield from _meta(data, start + 4, end, every_picture, covered)
        elif kind == b"uuid" and data[start : start + 16] == XMP_UUID:
            yield Block(Kind.XMP, where, data[start + 16 : end])
        elif kind == b"moov":
            yield from _sequence(data, start, end, covered)
        elif kind not in _MEDIA:
            yield Block(Kind.METADATA if kind else Kind.TRAILER, where, data[start:end])
    for kind, _, start, end in boxes(data):
        if kind == b"mdat" and covered and not animated:  # an animation's samples lie there too
            yield from _unused(data, start, end, sorted(covered))


def jp2_blocks(data: bytes) -> Iterator[Block]:
    """What a JPEG 2000 file holds besides its picture."""
    if data.startswith(b"\xff\x4f"):
        yield from _codestream(data, 0, len(data))
        return
    for kind, at, start, end in boxes(data):
        where = f"{kind.decode('latin-1')} at byte {at}"
        if kind == b"jp2h":
            for inner, place, first, last in boxes(data, start, end):
                yield from _jp2_header(inner, f"{inner.decode('latin-1')} at byte {place}", data[first:last])
        elif kind == b"jp2c":
            yield from _codestream(data, start, end)
        elif kind == b"uuid" and data[start : start + 16] == XMP_UUID:
            yield Block(Kind.XMP, where, data[start + 16 : end])
        elif kind not in _JP2:
            yield Block(Kind.METADATA if kind else Kind.TRAILER, where, data[start:end])


def _jp2_header(kind: bytes, where: str, content: bytes) -> Iterator[Block]:
    if kind == b"colr" and content[:1] == b"\2":
        yield Block(Kind.PROFILE, where, content[3:])
    elif kind == b"res ":
        yield Block(Kind.RESOLUTION, where, content)
    elif kind not in _JP2_HEADER and kind != b"colr":
        yield Block(Kind.METADATA, where, content)


def _codestream(data: bytes, start: int, end: int) -> Iterator[Block]:
    at = start + 2
    while at + 4 <= end and data[at] == 0xFF and data[at + 1] != 0x90:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        content = data[at + 4 : at + 2 + length]
        if marker == 0x64:
            yield Block(Kind.METADATA, f"comment at byte {at}", content)
        at += 2 + length
    last = data.rfind(b"\xff\xd9", start, end)
    if 0 <= last < end - 2:
        yield Block(Kind.TRAILER, f"after the codestream, at byte {last + 2}", data[last + 2 : end])


def _meta(
    data: bytes, start: int, end: int, every_picture: bool, covered: list[tuple[int, int]]
) -> Iterator[Block]:
    for kind, at, first, last in boxes(data, start, end):
        if kind == b"iprp":
            yield from _properties(data, first, last)
        elif kind not in _META:
            yield Block(Kind.METADATA, f"{kind.decode('latin-1')} at byte {at}", data[first:last])
    items, kept = _items(data, start, end, every_picture)
    extents = [*covered, *(extent for item in items.values() for extent in item.extents)]
    claimed = sum(max(0, min(to, len(data)) - at) for at, to in extents)
    if claimed > _MOST_CLAIMED * len(data):
        raise struct.error("the items share their bytes")
    for number, item in sorted(items.items()):
        covered += item.extents
        content = b"".join(data[at:to] for at, to in item.extents)
        yield from _item(number, item, content, number in kept)


def _properties(data: bytes, start: int, end: int) -> Iterator[Block]:
    for container, _, first, last in boxes(data, start, end):
        if container == b"ipco":
            for kind, at, begin, stop in boxes(data, first, last):
                if kind == b"colr" and data[begin : begin + 4] in (b"prof", b"rICC"):
                    yield Block(Kind.PROFILE, f"colr at byte {at}", data[begin + 4 : stop])
                elif kind in (b"udes", b"uuid", b"free"):
                    yield Block(Kind.METADATA, f"{kind.decode()} at byte {at}", data[begin:stop])


def _item(number: int, item: Item, content: bytes, kept: bool) -> Iterator[Block]:
    where = f"item {number} ({item.kind.decode('latin-1')})"
    if item.name not in _PLAIN_NAMES and item.kind in _PIXEL_ITEMS:
        yield Block(Kind.METADATA, where, item.name, "name of an item")
    if item.kind == b"mime" and item.mime == b"application/rdf+xml":
        yield Block(Kind.XMP, where, content)
    elif item.kind == b"Exif":
        skip = 4 + int.from_bytes(content[:4], "big")
        yield Block(Kind.EXIF, where, content[skip:])
    elif item.kind in _PIXEL_ITEMS and kept:
        return
    else:
        pixels = item.kind in (*_PIXEL_ITEMS, b"jpeg", b"iden", b"iovl", b"tmap")
        yield Block(Kind.PICTURE if pixels else Kind.METADATA, where, content, item.mime.decode("latin-1"))


def _items(data: bytes, start: int, end: int, every_picture: bool) -> tuple[dict[int, Item], set[int]]:
    """The items of a meta box, and which of them make up the picture: it, its tiles, its alpha."""
    content = {kind: (first, last) for kind, _, first, last in boxes(data, start, end)}
    items = {}
    if b"iinf" in content:
        first, last = content[b"iinf"]
        for kind, _, begin, stop in boxes(data, first + (6 if data[first] == 0 else 8), last):
            if kind == b"infe" and data[begin] >= 2:
                number, item = _item_entry(data[begin:stop])
                items[number] = item
    idat = content.get(b"idat", (0, 0))[0]
    if b"iloc" in content:
        for number, extents, method in _locations(data, *content[b"iloc"]):
            if number in items:
                items[number].in_idat = method == 1
                base = idat if method == 1 else 0
                items[number].extents = [(base + at, base + at + length) for at, length in extents]
    return items, _kept(data, content, items, every_picture)


def _item_entry(entry: bytes) -> tuple[int, Item]:
    width = 2 if entry[0] == 2 else 4
    number = int.from_bytes(entry[4 : 4 + width], "big")
    kind = entry[6 + width : 10 + width]
    name, _, rest = entry[10 + width :].partition(b"\0")
    return number, Item(kind, name, rest.partition(b"\0")[0] if kind == b"mime" else b"")


def _locations(data: bytes, at: int, end: int) -> Iterator[tuple[int, list[tuple[int, int]], int]]:
    version, sizes = data[at], data[at + 4 : at + 6]
    offset_size, length_size, base_size = sizes[0] >> 4, sizes[0] & 15, sizes[1] >> 4
    index_size = sizes[1] & 15 if version else 0
    wide = 2 if version < 2 else 4
    place = at + 6

    def take(size: int) -> int:
        nonlocal place
        place += size
        return int.from_bytes(data[place - size : place], "big")

    for _ in range(take(wide)):
        number = take(wide)
        method = take(2) & 15 if version else 0
        take(2)
        base = take(base_size)
        extents = []
        count, each = take(2), index_size + offset_size + length_size
        # Extents without fields take no room in the file: a few bytes could ask for billions of them.
        if place + count * each > end or (count > 1 and each == 0):
            raise struct.error("the item locations are cut off")
        for _ in range(count):
            take(index_size)
            start = base + take(offset_size)
            extents.append((start, take(length_size)))
        yield number, extents, method


def _kept(
    data: bytes, content: dict[bytes, tuple[int, int]], items: dict[int, Item], every_picture: bool
) -> set[int]:
    if b"pitm" not in content:
        return set()
    first, last = content[b"pitm"]
    references = list(_references(data, *content[b"iref"])) if b"iref" in content else []
    kept = {int.from_bytes(data[first + 4 : last], "big")}
    if every_picture:
        lesser = {source for kind, source, _ in references if kind in (b"thmb", b"auxl")}
        parts = {target for kind, _, targets in references if kind == b"dimg" for target in targets}
        pixels = {number for number, item in items.items() if item.kind in _PIXEL_ITEMS}
        kept |= pixels - lesser - parts
    pictures = set(kept)
    for _ in range(2):  # tiles of the picture; its alpha, then the tiles of that
        for kind, source, targets in references:
            if kind == b"dimg" and source in kept and items.get(source, Item(b"")).kind == b"grid":
                kept |= set(targets)
            if kind == b"auxl" and pictures & set(targets) and _is_alpha(data, content):
                kept.add(source)
    return kept


def _is_alpha(data: bytes, content: dict[bytes, tuple[int, int]]) -> bool:
    """Whether all auxiliary pictures are alpha channels; one depth or gain map makes all foreign."""
    first, last = content.get(b"iprp", (0, 0))
    kinds = [
        data[begin + 4 : stop].partition(b"\0")[0]
        for container, _, inside, outside in boxes(data, first, last)
        if container == b"ipco"
        for name, _, begin, stop in boxes(data, inside, outside)
        if name == b"auxC"
    ]
    return all(kind in _ALPHA for kind in kinds)


def _references(data: bytes, first: int, last: int) -> Iterator[tuple[bytes, int, list[int]]]:
    width = 4 if data[first] else 2
    for kind, _, at, end in boxes(data, first + 4, last):
        source = int.from_bytes(data[at : at + width], "big")
        places = range(at + width + 2, end, width)
        yield kind, source, [int.from_bytes(data[place : place + width], "big") for place in places]


def _sequence(data: bytes, start: int, end: int, covered: list[tuple[int, int]]) -> Iterator[Block]:
    for kind, at, first, last in boxes(data, start, end):
        if kind == b"meta":
            yield from _meta(data, first + 4, last, False, covered)
        elif kind in (b"udta", b"uuid", b"free"):
            yield Block(Kind.METADATA, f"{kind.decode()} at byte {at}", data[first:last])
        elif kind in (b"trak", b"mdia", b"minf"):
            yield from _sequence(data, first, last, covered)


def _unused(data: bytes, start: int, end: int, covered: list[tuple[int, int]]) -> Iterator[Block]:
    at = start
    for first, last in [*covered, (end, end)]:
        if at < first <= end:
            yield Block(Kind.STRAY, f"unreferenced, at byte {at}", data[at:first])
        at = max(at, last)
