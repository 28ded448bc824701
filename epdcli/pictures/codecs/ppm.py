"""PBM, PGM and PPM, 1, 8 and 16 bits a sample."""

from __future__ import annotations

import numpy as np

from epdcli.pictures.codecs.common import (
    Decoded,
    Extras,
    Source,
    check_size,
    open_image,
    page_from,
    page_of,
    refusal,
)
from epdcli.pictures.containers.ppm import end_of_pixels, header
from epdcli.pictures.encoding import Encoding, Mode, Page


def decode(source: Source) -> Decoded:
    """The one picture of a portable anymap. Raises PictureError for a stream of several, or odd depths."""
    (width, height, *largest), start = header(source.data)
    check_size(source, width, height)
    end = end_of_pixels(source.data)
    if source.data[end : end + 1] == b"P":
        raise refusal(source, "is a stream of several pictures", hint="Split it into single files.")
    if largest and largest[0] not in (255, 65535):
        raise refusal(source, f"has samples up to {largest[0]}")
    if largest != [65535]:
        return Decoded((page_of(open_image(source), source, bits=8 if largest else 1),))
    if source.data[1:2] not in b"56":
        raise refusal(source, "holds 16 bits a sample as text")
    samples = np.frombuffer(source.data[start:end], dtype=">u2").astype(np.uint16)
    shape, mode = ((height, width), Mode.GREY) if source.data[1:2] == b"5" else ((height, width, 3), Mode.RGB)
    return Decoded((page_from(samples.reshape(shape), mode, bits=16),))


def encode(encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes:
    """The page as a binary anymap; the mark finds no room in it."""
    page = pages[0]
    height, width = page.size
    if page.mode is Mode.BILEVEL:  # a set bit is black
        return b"P4\n%d %d\n" % (width, height) + np.packbits(page.planes == 0, axis=1).tobytes()
    kind = b"P5" if page.mode is Mode.GREY else b"P6"
    largest = 65535 if page.planes.dtype == np.uint16 else 255
    samples = page.planes.astype(">u2") if largest == 65535 else page.planes
    return kind + b"\n%d %d\n%d\n" % (width, height, largest) + samples.tobytes()
