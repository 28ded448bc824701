"""JPEG as it was: the source's quantisation tables, subsampling and scan order."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from epdcli.errors import PictureError
from epdcli.pictures.encoding import Encoding, Mode, Page

_HEADERS_ONLY = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}  # baseline, extended, progressive; the last two arithmetic
_BARE = {0xFF, 0x00, 0x01, *range(0xD0, 0xD9)}  # fill bytes and markers without content
_OTHERS = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}


def jpeg_settings(data: bytes, image: Image.Image, name: str) -> dict[str, Any]:
    """What the encoder must be told to write this JPEG again as it was.

    Raises PictureError for the kinds that can't be: lossless, hierarchical, 12 bits a sample.
    """
    marker, frame = _frame_header(data)
    if marker in _OTHERS or frame[0] != 8:
        kind = f"{frame[0]} bits a sample" if frame[0] != 8 else "a lossless or hierarchical process"
        raise PictureError(
            f"{name} is a JPEG with {kind}, which can't be written back as it is.",
            hint="Convert it to 8-bit JPEG or to TIFF.",
        )
    assert isinstance(image, JpegImageFile)
    numbers = [frame[8 + 3 * component] for component in range(frame[5])]
    tables = [list(image.quantization[number]) for number in numbers]
    while len(tables) > 1 and tables[-1] == tables[-2]:
        tables.pop()
    identities = bytes(frame[6 + 3 * component] for component in range(frame[5]))
    return {
        "qtables": tables,
        "subsampling": get_sampling(image),
        "progressive": marker in (0xC2, 0xCA),
        "keep_rgb": frame[5] == 3 and (image.info.get("adobe_transform") == 0 or identities == b"RGB"),
    }


def encode_jpeg(encoding: Encoding, page: Page, **extras: Any) -> bytes:
    """The page as JPEG with the source's tables; `extras` are what Pillow writes beside the pixels."""
    settings = dict(encoding.settings)
    turned = settings.pop("turned", False)
    if turned:  # the tables aren't symmetric, and 4:2:2 would become 4:4:0, which Pillow can't write
        settings["qtables"] = [
            np.array(table).reshape(8, 8).T.ravel().tolist() for table in settings["qtables"]
        ]
        settings["subsampling"] = 0 if settings["subsampling"] == 1 else settings["subsampling"]
    settings["subsampling"] = max(settings["subsampling"], 0)
    target = io.BytesIO()
    image = Image.fromarray(page.planes, mode="CMYK" if page.mode is Mode.CMYK else None)
    image.save(target, "JPEG", optimize=True, **settings, **extras)
    return target.getvalue()


def _frame_header(data: bytes) -> tuple[int, bytes]:
    for marker, content in _segments(data):
        if marker in _HEADERS_ONLY | _OTHERS:
            return marker, content
    raise ValueError("no frame header")


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The segments before the first scan: marker and content."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            at += 1
            continue
        marker = data[at + 1]
        if marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        if marker in (0xD9, 0xDA):
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length
