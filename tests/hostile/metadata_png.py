"""PNG: chunks, hidden pixels, and bytes behind the compressed ones."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from PIL import Image, PngImagePlugin

from .planting import (
    BYTES,
    GPS,
    MARKER,
    box,
    chunk,
    device_profile,
    exif,
    exif_with_thumbnail,
    hidden_under_alpha,
    image,
    png,
    png_of,
    portrait,
    saved,
    srgb_profile,
    thumbnail,
    unused_palette,
    with_chunk,
    xmp_with_preview,
)


def _png_text(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("Comment", MARKER, zip=True)
    for key, text in texts.items():
        info.add_text(key, text, zip=True)
    return saved(image(), "PNG", pnginfo=info)


def _behind_the_pixels() -> bytes:
    rows = np.insert(portrait().reshape(288, -1), 0, 0, axis=1).tobytes()
    top = chunk(b"IHDR", struct.pack(">IIBBBBB", 288, 288, 8, 2, 0, 0, 0))
    packed = zlib.compress(rows) + BYTES + thumbnail()
    return b"\x89PNG\r\n\x1a\n" + top + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def _rows_beyond_the_picture() -> bytes:
    rows = np.insert(np.vstack([portrait()] * 2).reshape(576, -1), 0, 0, axis=1).tobytes()
    return png_of((288, 288, 8, 2, 0), rows + BYTES)


def _transparent_entries() -> bytes:
    reduced = image().quantize(64)
    return saved(reduced, "PNG", transparency=bytes([0] * 8 + [255] * 56))


def _frame_outside_the_animation() -> bytes:
    plain = Image.new("RGB", (288, 288), "grey")
    return saved(
        image(),
        "PNG",
        save_all=True,
        append_images=[plain, Image.fromarray(np.roll(portrait(), 2, axis=0))],
        default_image=True,
    )


PNG = [
    ("tEXt", lambda: with_chunk(b"tEXt", b"Author\0" + BYTES)),
    ("zTXt", lambda: with_chunk(b"zTXt", b"Author\0\0" + zlib.compress(BYTES))),
    ("iTXt", lambda: with_chunk(b"iTXt", b"Author\0\0\0\0\0" + BYTES)),
    ("iTXt, compressed", _png_text),
    ("XMP in iTXt", lambda: with_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp_with_preview())),
    (
        "ImageMagick's raw profile",
        lambda: with_chunk(
            b"zTXt",
            b"Raw profile type exif\0\0"
            + zlib.compress(b"\nexif\n  90\n" + exif({315: MARKER}).hex().encode()),
        ),
    ),
    ("eXIf with GPS", lambda: saved(image(), "PNG", exif=exif({315: MARKER}, gps=GPS))),
    ("eXIf with thumbnail", lambda: with_chunk(b"eXIf", exif_with_thumbnail()[6:])),
    ("time stamp", lambda: with_chunk(b"tIME", struct.pack(">H5B", 2020, 2, 2, 2, 2, 2))),
    ("private chunk", lambda: with_chunk(b"prVt", BYTES)),
    ("private chunk named like ours", lambda: with_chunk(b"epDc", BYTES + thumbnail())),
    ("suggested palette", lambda: with_chunk(b"sPLT", BYTES + b"\0\x08" + b"abcdef" * 5)),
    (
        "calibration chunk",
        lambda: with_chunk(b"pCAL", BYTES + b"\0" + struct.pack(">iiBB", 0, 9, 0, 2) + b"m\0001\0002"),
    ),
    ("physical scale", lambda: with_chunk(b"sCAL", b"\x01" + b"1\0002" + BYTES)),
    ("content credentials (caBX)", lambda: with_chunk(b"caBX", box(b"jumb", BYTES))),
    ("overlong gAMA", lambda: with_chunk(b"gAMA", struct.pack(">I", 45455) + BYTES)),
    ("background and histogram", lambda: with_chunk(b"bKGD", struct.pack(">HHH", 1, 2, 3))),
    ("profile that names the device", lambda: saved(image(), "PNG", icc_profile=device_profile())),
    (
        "profile named after its owner",
        lambda: with_chunk(b"iCCP", BYTES + b"\0\0" + zlib.compress(srgb_profile()) + BYTES),
    ),
    ("bytes after IEND", lambda: png() + BYTES),
    ("JPEG after IEND", lambda: png() + thumbnail()),
    ("bytes behind the compressed pixels", _behind_the_pixels),
    ("rows beyond the picture", _rows_beyond_the_picture),
    (
        "text that inflates to 50 MB",
        lambda: with_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000), 9)),
    ),
    (
        "profile that inflates to 50 MB",
        lambda: with_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(50_000_000), 9)),
    ),
    ("RGB under alpha 0", lambda: saved(hidden_under_alpha("RGBA"), "PNG")),
    ("grey under alpha 0", lambda: saved(hidden_under_alpha("LA"), "PNG")),
    ("palette entries in no use", unused_palette),
    ("palette entries fully transparent", _transparent_entries),
    ("picture outside the animation", _frame_outside_the_animation),
]
