"""PNG: chunks, what follows the end, and bytes hidden behind the compressed pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from epdcli.pictures.containers.block import Block, Kind

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_CHUNKS = {b"sRGB": 1, b"gAMA": 4, b"cHRM": 32, b"cICP": 4}  # name: length, fixed by the standard
_UNIT = 100_000  # of gAMA and cHRM
_MOST_GAMMA, _MOST_PLACE = 10 * _UNIT, _UNIT  # larger ones are no colours, and may be anything
_STRUCTURE = {b"IHDR", b"PLTE", b"tRNS", b"acTL", b"fcTL", b"IEND"}
_XMP_KEY = b"XML:com.adobe.xmp\0"
_MAX_TEXT = 4 << 20


def chunks(data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Every chunk: name, offset, content. What follows IEND comes under the name b''."""
    at = len(SIGNATURE)
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        yield name, at, data[at + 8 : at + 8 + length]
        at += 12 + length
        if name == b"IEND":
            break
    if at < len(data):
        yield b"", at, data[at:]


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def says_colours(name: bytes, content: bytes) -> bool:
    """Whether a chunk says how colours are meant, by numbers that can be meant so (PNG, 11.3.2)."""
    if _COLOUR_CHUNKS.get(name) != len(content):
        return False
    if name == b"gAMA":
        return 0 < int.from_bytes(content) <= _MOST_GAMMA
    return name != b"cHRM" or max(struct.unpack(">8I", content)) <= _MOST_PLACE


def blocks(data: bytes) -> Iterator[Block]:
    """What a PNG file holds besides its pictures."""
    streams: dict[int, list[bytes]] = {0: []}
    for name, offset, content in chunks(data):
        where = f"{name.decode('latin-1')} at byte {offset}"
        match name:
            case b"":
                yield Block(Kind.TRAILER, f"after the end, at byte {offset}", content)
            case b"IDAT":
                streams[0].append(content)
            case b"fdAT":
                streams[max(streams)].append(content[4:])
            case b"pHYs" if len(content) == 9:
                yield Block(Kind.RESOLUTION, where, content)
            case b"eXIf":
                yield Block(Kind.EXIF, where, content)
            case b"iCCP":
                yield from _profile(where, content)
            case b"tEXt" | b"zTXt" | b"iTXt":
                yield _text(name, where, content)
            case _ if name not in _STRUCTURE and not says_colours(name, content):
                yield Block(Kind.METADATA, where, content)
        if name == b"fcTL" and streams[max(streams)]:
            streams[max(streams) + 1] = []
    for parts in streams.values():
        yield from _behind_the_pixels(b"".join(parts))


def _profile(where: str, content: bytes) -> Iterator[Block]:
    name, _, packed = content.partition(b"\0")
    profile, rest = _inflated(packed[1:])
    yield Block(Kind.PROFILE, where, profile)
    if rest or name != b"ICC Profile":
        yield Block(Kind.METADATA, where, name + rest, "a name of the profile's maker")


def _text(name: bytes, where: str, content: bytes) -> Block:
    key, _, text = content.partition(b"\0")
    detail = "".join(filter(str.isprintable, key.decode("latin-1")))[:40]
    if name == b"zTXt":
        text = _inflated(text[1:])[0]
    if name == b"iTXt":
        packed, rest = text[:1] == b"\1", text[2:].partition(b"\0")[2].partition(b"\0")
        if content.startswith(_XMP_KEY) and text[:4] == b"\0\0\0\0":
            return Block(Kind.XMP, where, text[4:], detail)
        text = _inflated(rest[2])[0] if packed else rest[2]
    return Block(Kind.METADATA, where, text, detail)


def _behind_the_pixels(stream: bytes) -> Iterator[Block]:
    if not stream:
        return
    inflate = zlib.decompressobj()
    try:
        rest = stream
        while rest and not inflate.eof:
            inflate.decompress(rest, 1 << 22)
            rest = inflate.unconsumed_tail
    except zlib.error:
        yield Block(Kind.DAMAGED, "IDAT")
        return
    if inflate.unused_data:
        yield Block(Kind.STRAY, "behind the compressed pixels", inflate.unused_data)


def _inflated(packed: bytes) -> tuple[bytes, bytes]:
    inflate = zlib.decompressobj()
    try:
        return inflate.decompress(packed, _MAX_TEXT), inflate.unused_data
    except zlib.error:
        return packed, b""
