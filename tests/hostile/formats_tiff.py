"""TIFF: pages, depths, layouts; and camera raw files, which look like it."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .case import Expect
from .format_parts import grey16, rgb16, samples, see_through, settings, turned
from .planting import image, jpeg, portrait, saved, wide_gamut_profile


def _turned_tiff(orientation: int, **options: Any) -> bytes:
    stored = turned(orientation, "PNG")
    return saved(Image.open(io.BytesIO(stored)), "TIFF", exif=b"", tiffinfo={0x0112: orientation}, **options)


def _pillow_tiff(mode: str, **options: Any) -> bytes:
    return saved(image(mode), "TIFF", **options)


def _tifffile(*pages: NDArray[Any], writer: dict[str, Any] | None = None, **options: Any) -> bytes:
    import tifffile

    target = io.BytesIO()
    with tifffile.TiffWriter(target, **(writer or {})) as file:
        for page in pages:
            file.write(page, metadata=None, **options)
    return target.getvalue()


def _mixed_depths() -> bytes:
    import tifffile

    target = io.BytesIO()
    with tifffile.TiffWriter(target) as file:
        file.write(rgb16(), photometric="rgb", metadata=None)
        file.write(portrait(), photometric="rgb", metadata=None)
    return target.getvalue()


_TIFF_REFUSED = {"expect": Expect.REFUSED, "needs": "tifffile"}
_BY_TIFFFILE = {"needs": "tifffile"}
_MANY = {"save_all": True}
TIFF = [
    ("bilevel, fax group 4", partial(_pillow_tiff, "1", compression="group4"), {}),
    ("grey", partial(_pillow_tiff, "L", compression="tiff_adobe_deflate"), {}),
    ("RGB, LZW", partial(_pillow_tiff, "RGB", compression="tiff_lzw"), {}),
    ("RGB, packbits", partial(_pillow_tiff, "RGB", compression="packbits"), {}),
    ("RGB, JPEG inside", partial(_pillow_tiff, "RGB", compression="jpeg", quality=90), {}),
    ("RGBA", lambda: saved(see_through(), "TIFF"), {}),
    ("grey and alpha", lambda: saved(see_through("LA"), "TIFF"), {}),
    ("CMYK", partial(_pillow_tiff, "CMYK"), {}),
    ("palette", lambda: saved(image().quantize(64), "TIFF"), {"same": None}),
    ("resolution", partial(_pillow_tiff, "RGB", dpi=(300, 150)), {}),
    ("wide-gamut profile", lambda: _pillow_tiff("RGB", icc_profile=wide_gamut_profile()), {}),
    ("three pages", lambda: saved(image(), "TIFF", append_images=[image(), image()], **_MANY), {}),
    (
        "pages of different kinds",
        lambda: saved(image(), "TIFF", append_images=[image("L"), image("CMYK")], **_MANY),
        {},
    ),
    (
        "pages of different sizes",
        lambda: saved(image(), "TIFF", append_images=[image().resize((300, 320)), image("1")], **_MANY),
        {},
    ),
    ("tag orientation 6", lambda: _turned_tiff(6), {}),
    ("tag orientation 5, LZW", lambda: _turned_tiff(5, compression="tiff_lzw"), {}),
    ("grey, 16 bits", lambda: _tifffile(grey16()), _BY_TIFFFILE),
    ("grey, 16 bits, big-endian", lambda: _tifffile(grey16(">"), writer={"byteorder": ">"}), _BY_TIFFFILE),
    ("grey, 16 bits, white is 0", lambda: _tifffile(grey16(), photometric="miniswhite"), _BY_TIFFFILE),
    ("grey, float", lambda: _tifffile(np.asarray(image("L"), np.float32) / 300), _BY_TIFFFILE),
    ("grey, float beyond 1", lambda: _tifffile(np.asarray(image("L"), np.float32) * 7 - 50), _BY_TIFFFILE),
    ("RGB, 16 bits", lambda: _tifffile(rgb16(), photometric="rgb"), _BY_TIFFFILE),
    (
        "RGB, 16 bits, LZW and predictor",
        lambda: _tifffile(rgb16(), photometric="rgb", compression="lzw", predictor=True),
        {"needs": "imagecodecs"},
    ),
    (
        "RGBA, 16 bits",
        lambda: _tifffile(samples(4, 16).astype(np.uint16), photometric="rgb", extrasamples=["unassalpha"]),
        _BY_TIFFFILE,
    ),
    ("RGB, float", lambda: _tifffile(portrait().astype(np.float32) / 255, photometric="rgb"), _TIFF_REFUSED),
    (
        "RGB, 16 bits, planes apart",
        lambda: _tifffile(np.moveaxis(rgb16(), -1, 0), photometric="rgb", planarconfig="separate"),
        _BY_TIFFFILE,
    ),
    (
        "two pages of 16-bit RGB",
        lambda: _tifffile(rgb16(), np.roll(rgb16(), 2, axis=0), photometric="rgb"),
        _BY_TIFFFILE,
    ),
    ("tiled", lambda: _tifffile(portrait(), photometric="rgb", tile=(64, 64)), _BY_TIFFFILE),
    (
        "BigTIFF",
        lambda: _tifffile(portrait(), photometric="rgb", writer={"bigtiff": True}),
        _BY_TIFFFILE | {"same": settings("big")},
    ),
    (
        "planes apart",
        lambda: _tifffile(np.moveaxis(portrait(), -1, 0), photometric="rgb", planarconfig="separate"),
        _BY_TIFFFILE,
    ),
    ("grey, float64", lambda: _tifffile(np.asarray(image("L"), np.float64)), _TIFF_REFUSED),
    ("grey, 32-bit whole numbers", lambda: _tifffile(np.asarray(image("L"), np.uint32)), _TIFF_REFUSED),
    ("grey, signed", lambda: _tifffile(np.asarray(image("L"), np.int16)), _TIFF_REFUSED),
    (
        "five channels",
        lambda: _tifffile(np.dstack([portrait(), portrait()[..., :2]]), photometric="rgb"),
        _TIFF_REFUSED,
    ),
    (
        "colour multiplied by alpha",
        lambda: _tifffile(samples(4, 8).astype(np.uint8), photometric="rgb", extrasamples=["assocalpha"]),
        _TIFF_REFUSED,
    ),
    ("Lab", lambda: _tifffile(portrait(), photometric="cielab"), _TIFF_REFUSED),
    (
        "values that aren't numbers",
        lambda: _tifffile(np.where(np.asarray(image("L")) > 250, np.nan, 0.5).astype(np.float32)),
        _TIFF_REFUSED,
    ),
    ("16-bit pages among others", _mixed_depths, _TIFF_REFUSED),
]


def _raw_tiff() -> bytes:
    """What a NEF or ARW looks like from outside: a preview first, the sensor's data in a sub-directory."""
    import tifffile

    target = io.BytesIO()
    with tifffile.TiffWriter(target) as writer:
        writer.write(portrait()[::2, ::2], subfiletype=1, subifds=1, photometric="rgb", metadata=None)
        writer.write(grey16(), photometric=32803, metadata=None)
    return target.getvalue()


def _dng() -> bytes:
    return _tifffile(portrait(), photometric="rgb", extratags=[(50706, 1, 4, b"\1\4\0\0", True)])


_RAW = {"expect": Expect.REFUSED, "says": "raw"}
RAW = [
    ("NEF", "face.nef", _raw_tiff, _RAW | _BY_TIFFFILE),
    ("NEF called .tif", "face.tif", _raw_tiff, _RAW | _BY_TIFFFILE),
    ("DNG", "face.dng", _dng, _RAW | _BY_TIFFFILE),
    ("DNG called .tif", "face.tif", _dng, _RAW | _BY_TIFFFILE),
    ("CR2", "face.cr2", lambda: b"II*\0\x10\0\0\0CR\2\0" + bytes(500), _RAW),
    ("CR2 called .tif", "face.tif", lambda: b"II*\0\x10\0\0\0CR\2\0" + bytes(500), _RAW),
    ("CR3", "face.cr3", lambda: b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(500), _RAW),
    ("RAF", "face.raf", lambda: b"FUJIFILMCCD-RAW 0201" + bytes(500), _RAW),
    ("RW2", "face.rw2", lambda: b"IIU\0\x18\0\0\0" + bytes(500), _RAW),
    ("ORF", "face.orf", lambda: b"IIRO\x08\0\0\0" + bytes(500), _RAW),
    ("JPEG called .arw", "face.arw", jpeg, _RAW),
]
