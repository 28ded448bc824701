"""JPEG in all its kinds."""

from __future__ import annotations

import subprocess
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .case import Expect
from .format_parts import settings, turned
from .planting import image, jpeg, portrait, saved, wide_gamut_profile, with_segment

JPEG_SAME = settings("qtables", "subsampling", "progressive", "keep_rgb")


def _jpeg(**options: Any) -> bytes:
    return saved(image(), "JPEG", **({"quality": 90} | options))


def _cjpeg(*arguments: str) -> bytes:
    command = ["cjpeg", "-quality", "90", *arguments]
    return subprocess.run(command, input=saved(image(), "PPM"), capture_output=True, check=True).stdout


def _imagecodecs_jpeg(pixels: NDArray[Any], **options: Any) -> bytes:
    import imagecodecs

    return imagecodecs.jpeg8_encode(pixels, level=90, **options)


def _ycck() -> bytes:
    cmyk = 255 - np.asarray(image("CMYK"))
    return _imagecodecs_jpeg(np.ascontiguousarray(cmyk), colorspace="CMYK", outcolorspace="YCCK")


def _three_tables() -> bytes:
    return _jpeg(qtables=[[3] * 64, [5] * 64, [7] * 64], subsampling=0)


def _uneven_table(orientation: int) -> bytes:
    table = [1 + number // 8 + 3 * (number % 8) for number in range(64)]
    return turned(orientation, qtables=[table, table])


JPEG = [
    ("4:4:4", partial(_jpeg, subsampling=0), {}),
    ("4:2:2", partial(_jpeg, subsampling=1), {}),
    ("4:2:0", partial(_jpeg, subsampling=2), {}),
    ("4:4:0", partial(_cjpeg, "-sample", "1x2"), {"needs": "cjpeg", "same": None}),
    ("4:1:1", partial(_cjpeg, "-sample", "4x1"), {"needs": "cjpeg", "same": None}),
    ("quality 30", partial(_jpeg, quality=30), {}),
    ("quality 100", partial(_jpeg, quality=100, subsampling=0), {}),
    ("progressive", partial(_jpeg, progressive=True), {}),
    ("arithmetic coding", partial(_cjpeg, "-arithmetic"), {"needs": "cjpeg"}),
    ("restart markers", partial(_jpeg, restart_marker_blocks=4), {}),
    ("grey", lambda: saved(image("L"), "JPEG", quality=90), {}),
    ("CMYK, Adobe", lambda: saved(image("CMYK"), "JPEG", quality=90), {}),
    ("YCCK", _ycck, {"needs": "imagecodecs"}),
    ("RGB without conversion", partial(_jpeg, keep_rgb=True), {}),
    ("three quantisation tables", _three_tables, {}),
    (
        "12 bits",
        lambda: _imagecodecs_jpeg(portrait().astype(np.uint16) * 16, bitspersample=12),
        {"needs": "imagecodecs", "expect": Expect.REFUSED, "says": "12 bits"},
    ),
    (
        "lossless process",
        lambda: _imagecodecs_jpeg(portrait(), lossless=True),
        {"needs": "imagecodecs", "expect": Expect.REFUSED, "says": "lossless"},
    ),
    ("resolution of 300 dpi", partial(_jpeg, dpi=(300, 300)), {}),
    ("two different resolutions", partial(_jpeg, dpi=(300, 150)), {}),
    ("wide-gamut profile", lambda: _jpeg(icc_profile=wide_gamut_profile()), {}),
    ("no JFIF header", lambda: jpeg()[:2] + jpeg()[20:], {}),
    ("XMP orientation only", lambda: with_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"), {}),
    *((f"EXIF orientation {number}", partial(turned, number, quality=90), {}) for number in range(1, 9)),
    ("EXIF orientation 0", partial(turned, 0), {}),
    ("EXIF orientation 99", partial(turned, 99), {}),
    ("uneven tables, turned", partial(_uneven_table, 6), {"same": None}),
    ("4:2:2, turned", partial(turned, 6, subsampling=1), {"same": None}),
]
