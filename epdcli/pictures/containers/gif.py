"""GIF: comments, texts, application blocks, and what follows the trailer."""

from __future__ import annotations

from collections.abc import Iterator

from epdcli.pictures.containers.block import Block, Kind

_XMP_TRAIL = 258  # the magic trailer of Adobe's XMP block, XMP specification part 3
_LOOPS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")


def blocks(data: bytes) -> Iterator[Block]:
    """What a GIF file holds besides its pictures."""
    at = 13 + _table_bytes(data[10])
    while at < len(data):
        match data[at]:
            case 0x2C:
                at += 10 + _table_bytes(data[at + 9]) + 1
                _, at = _sub_blocks(data, at)
            case 0x21:
                label, start = data[at + 1], at
                content, at = _sub_blocks(data, at + 2)
                yield from _extension(label, content, data[start + 2 : at], start)
            case 0x3B:
                if at + 1 < len(data):
                    yield Block(Kind.TRAILER, f"after the end, at byte {at + 1}", data[at + 1 :])
                return
            case _:
                yield Block(Kind.STRAY, f"at byte {at}", data[at:])
                return


def _extension(label: int, content: list[bytes], raw: bytes, offset: int) -> Iterator[Block]:
    where = f"extension {label:02X} at byte {offset}"
    if label == 0xF9:
        return
    if label == 0xFF and content and content[0] in _LOOPS and [len(part) for part in content[1:]] == [3]:
        return
    if label == 0xFF and content and content[0] == b"XMP DataXMP":
        yield Block(Kind.XMP, where, raw[12:-_XMP_TRAIL])
    elif label == 0xFF and content and content[0] == b"ICCRGBG1012":
        yield Block(Kind.PROFILE, where, b"".join(content[1:]))
    else:
        name = {0xFE: "comment", 0x01: "text"}.get(label, "application data")
        yield Block(Kind.METADATA, where, b"".join(content), name)


def _table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _sub_blocks(data: bytes, at: int) -> tuple[list[bytes], int]:
    parts = []
    while at < len(data) and data[at]:
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return parts, at + 1
