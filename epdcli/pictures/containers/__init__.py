"""Containers taken apart: what each format's file holds besides the pixels it shows."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from epdcli.pictures.containers import bmp, gif, iso_media, jpeg, png, ppm, riff, tiff
from epdcli.pictures.containers.block import Block, Kind

_PARSERS: dict[str, Callable[[bytes], Iterator[Block]]] = {
    "JPEG": jpeg.blocks,
    "PNG": png.blocks,
    "WebP": riff.blocks,
    "TIFF": tiff.blocks,
    "BMP": bmp.blocks,
    "GIF": gif.blocks,
    "AVIF": iso_media.avif_blocks,
    "HEIC": iso_media.heic_blocks,
    "JPEG 2000": iso_media.jp2_blocks,
    "PPM": ppm.blocks,
}


def blocks(data: bytes, format: str) -> Iterator[Block]:
    """Every piece of the file that isn't needed to show its pictures; `format` as in FORMATS.

    A container that can't be followed to its end reports itself as damaged instead of raising.
    """
    try:
        yield from _PARSERS[format](data)
    except (struct.error, IndexError, ValueError) as error:
        yield Block(Kind.DAMAGED, "the container", detail=str(error))


__all__ = ["Block", "Kind", "blocks"]
