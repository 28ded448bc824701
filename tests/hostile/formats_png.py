"""PNG in every depth and colour type, and APNG."""

from __future__ import annotations

import struct
import zlib
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from epdcli.pictures import PictureFile

from .case import Expect
from .format_parts import samples, settings, three_frames, turned
from .planting import chunk, image, png_of, portrait, saved, wide_gamut_profile, with_chunk


def png_bits(file: PictureFile) -> list[object]:
    return [(page.bits, page.key) for page in file.encoding.pages]


def _packed(samples: NDArray[Any], bits: int) -> bytes:
    """Filtered rows (filter 0) of samples of 1, 2, 4, 8 or 16 bits."""
    rows = samples.reshape(len(samples), -1)
    if bits == 16:
        packed = rows.astype(">u2").view(np.uint8)
    elif bits == 8:
        packed = rows.astype(np.uint8)
    else:
        single = np.unpackbits(rows.astype(np.uint8)[..., None], axis=2)[..., 8 - bits :]
        packed = np.packbits(single.reshape(len(rows), -1), axis=1)
    return np.insert(packed, 0, 0, axis=1).tobytes()


def _png(channels: int, bits: int, *chunks: bytes) -> bytes:
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    return png_of((288, 288, bits, colour, 0), _packed(samples(channels, bits), bits), *chunks)


def _interlaced(channels: int, bits: int) -> bytes:
    """Adam7: seven passes, each a smaller picture."""
    pixels, passes = samples(channels, bits), b""
    steps = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    for top, left, down, across in steps:
        passes += _packed(pixels[top::down, left::across], bits)
    return png_of((288, 288, bits, {1: 0, 3: 2, 4: 6}[channels], 1), passes)


def _palette(colours: int, **options: Any) -> bytes:
    return saved(image().quantize(colours), "PNG", **options)


def _apng(mode: str = "RGB", **options: Any) -> bytes:
    frames = three_frames(mode)
    options = {"duration": [100, 33, 250], "loop": 3} | options
    return saved(frames[0], "PNG", save_all=True, append_images=frames[1:], **options)


def _in_small_chunks() -> bytes:
    packed = zlib.compress(_packed(samples(3, 8), 8))
    parts = b"".join(chunk(b"IDAT", packed[at : at + 100]) for at in range(0, len(packed), 100))
    top = chunk(b"IHDR", struct.pack(">IIBBBBB", 288, 288, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + top + parts + chunk(b"IEND", b"")


PNG = [
    *((f"grey, {bits} bits", partial(_png, 1, bits), {}) for bits in (1, 2, 4, 8, 16)),
    *((f"grey and alpha, {bits} bits", partial(_png, 2, bits), {}) for bits in (8, 16)),
    *((f"RGB, {bits} bits", partial(_png, 3, bits), {}) for bits in (8, 16)),
    *((f"RGBA, {bits} bits", partial(_png, 4, bits), {}) for bits in (8, 16)),
    *((f"palette, {bits} bits", partial(_palette, 2**bits, bits=bits), {}) for bits in (1, 2, 4, 8)),
    ("palette of all 256 colours in use", partial(_palette, 256), {}),
    ("palette with transparency", lambda: _palette(64, transparency=bytes(range(0, 256, 4))), {}),
    ("grey with a transparent value", lambda: _png(1, 8, chunk(b"tRNS", b"\0\x60")), {}),
    (
        "RGB with a transparent colour",
        lambda: _png(3, 8, chunk(b"tRNS", bytes((0, 175, 0, 130, 0, 105)))),
        {},
    ),
    (
        "16-bit RGB with a transparent colour",
        lambda: _png(3, 16, chunk(b"tRNS", bytes(6))),
        {"expect": Expect.REFUSED, "says": "transparent colour"},
    ),
    ("12 bits in 16", lambda: png_of((288, 288, 16, 0, 0), _packed(samples(1, 8) * 16, 16)), {}),
    ("interlaced RGB", partial(_interlaced, 3, 8), {}),
    ("interlaced grey, 2 bits", partial(_interlaced, 1, 2), {}),
    ("interlaced 16-bit RGBA", partial(_interlaced, 4, 16), {}),
    (
        "gamma and chromaticities",
        lambda: with_chunk(
            b"gAMA",
            struct.pack(">I", 45455),
            with_chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        ),
        {"same": settings("colours")},
    ),
    (
        "HDR colour code (cICP)",
        lambda: with_chunk(b"cICP", bytes((9, 16, 0, 1))),
        {"same": settings("colours")},
    ),
    ("wide-gamut profile", lambda: saved(image(), "PNG", icc_profile=wide_gamut_profile()), {}),
    ("resolution", lambda: saved(image(), "PNG", dpi=(300, 150)), {}),
    ("EXIF orientation 6", lambda: turned(6, "PNG"), {}),
    ("EXIF orientation 7", lambda: turned(7, "PNG"), {}),
    ("animation, RGB", partial(_apng), {"same": settings("loop")}),
    ("animation, RGBA", partial(_apng, "RGBA"), {}),
    ("animation, grey", partial(_apng, "L"), {}),
    (
        "animation, palette",
        lambda: saved(
            image().quantize(32),
            "PNG",
            save_all=True,
            append_images=[image().rotate(2).quantize(32, palette=image().quantize(32))],
        ),
        {"same": None},
    ),
    ("animation with a default picture", partial(_apng, default_image=True, duration=[100, 50]), {}),
    ("one pixel high", lambda: saved(Image.fromarray(portrait()[:1]), "PNG"), {"verdicts": ("no_face",)}),
    ("data in many small chunks", _in_small_chunks, {}),
]
