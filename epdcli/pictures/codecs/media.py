"""What AVIF and HEIC share: depth, subsampling and colour as their property boxes say."""

from __future__ import annotations

from collections.abc import Iterator

from epdcli.pictures.codecs.common import Source, refusal
from epdcli.pictures.containers.iso_media import boxes

_INSIDE = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0}
_INSIDE |= {b"stsd": 8, b"av01": 78, b"hvc1": 78}
# primaries and transfer: unspecified; BT.709 with its own, BT.601's or sRGB's curve
_PLAIN = {(primaries, transfer) for primaries in (1, 2) for transfer in (1, 2, 6, 13)}


def properties(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, bytes]]:
    """Every box that is not a container: type and content."""
    for kind, _, first, last in boxes(data, start, end):
        if kind in _INSIDE:
            yield from properties(data, first + _INSIDE[kind], last)
        elif kind not in (b"mdat", b""):
            yield kind, data[first:last]


def check_colour(source: Source) -> None:
    """Raise PictureError for more than 8 bits a sample, and for colour that isn't sRGB's or a profile's."""
    found = list(properties(source.data))
    profiled = any(kind == b"colr" and content[:4] in (b"prof", b"rICC") for kind, content in found)
    for kind, content in found:
        if kind == b"pixi" and any(depth > 8 for depth in content[5:]):
            raise refusal(
                source, "has more than 8 bits a sample", hint="Convert it to 8 bits or to 16-bit PNG."
            )
        if kind == b"av1C" and content[2] & 0x40:
            raise refusal(
                source, "has more than 8 bits a sample", hint="Convert it to 8 bits or to 16-bit PNG."
            )
        if kind == b"hvcC" and (content[17] & 7 or content[18] & 7):
            raise refusal(
                source, "has more than 8 bits a sample", hint="Convert it to 8 bits or to 16-bit PNG."
            )
        if kind == b"colr" and content[:4] == b"nclx" and not profiled:
            colour = (int.from_bytes(content[4:6], "big"), int.from_bytes(content[6:8], "big"))
            if colour not in _PLAIN:
                raise refusal(source, f"has HDR or wide colour without a profile {colour}")


def subsampling(data: bytes) -> str:
    """Chroma as the first picture's configuration says: 4:4:4, 4:2:2, 4:2:0 or 4:0:0."""
    for kind, content in properties(data):
        if kind == b"av1C":
            monochrome, across, down = content[2] & 16, content[2] & 8, content[2] & 4
            return "4:0:0" if monochrome else "4:2:0" if down else "4:2:2" if across else "4:4:4"
        if kind == b"hvcC":
            return ("4:0:0", "4:2:0", "4:2:2", "4:4:4")[content[16] & 3]
    return "4:4:4"
