"""Faces that only a viewer shows: in transparency, or in a sliver of the values."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .case import Case
from .planting import INNER, heic, image, portrait, saved, with_chunk

SIDE = 288
BESIDE = (INNER[0], slice(SIDE + INNER[1].start, SIDE + INNER[1].stop))
_Made = Callable[[], bytes]


def grey() -> NDArray[np.uint8]:
    return np.asarray(image("L"))


# --- in transparency ----------------------------------------------------------------------------


def ghost(ink: int = 0, dithered: bool = False) -> Image.Image:
    """The portrait, and beside it a second one in transparency alone: one ink, more or less opaque."""
    face = np.asarray(Image.fromarray(grey()).convert("1").convert("L")) if dithered else grey()
    colours = np.full((SIDE, 2 * SIDE, 3), ink, np.uint8)
    colours[:, :SIDE] = portrait()
    alpha = np.full((SIDE, 2 * SIDE), 255, np.uint8)
    alpha[:, SIDE:] = face if ink else 255 - face
    return Image.fromarray(np.dstack([colours, alpha]), "RGBA")


def _without_ghost() -> Image.Image:
    pixels = np.asarray(ghost()).copy()
    pixels[:, SIDE:] = (40, 90, 60, 255)
    return Image.fromarray(pixels, "RGBA")


def _second_frame(format: str, **options: Any) -> bytes:
    """An animation whose second frame alone holds the ghost."""
    others = [ghost(dithered=format == "GIF")]
    return saved(_without_ghost(), format, save_all=True, append_images=others, duration=200, **options)


def _palette() -> bytes:
    """The ghost in entries of one colour that differ in their transparency."""
    colours = image().quantize(190)
    indices = np.zeros((SIDE, 2 * SIDE), np.uint8)
    indices[:, :SIDE] = np.asarray(colours)
    indices[:, SIDE:] = 190 + (255 - grey()) // 4
    picture = Image.fromarray(indices, "P")
    picture.putpalette((colours.getpalette("RGB") or [])[: 190 * 3] + [0] * 66 * 3)
    return saved(picture, "PNG", transparency=bytes([255] * 190 + [4 * n for n in range(64)]))


def _colour_key() -> bytes:
    """A dithered face whose white dots are the one colour that is transparent."""
    pixels = np.asarray(ghost(dithered=True)).copy()
    rgb = pixels[..., :3]
    rgb[pixels[..., 3] == 0] = (1, 2, 3)
    return saved(Image.fromarray(np.ascontiguousarray(rgb)), "PNG", transparency=(1, 2, 3))


def _grey_key() -> bytes:
    """The same in grey: two almost equal blacks, one of them transparent."""
    values = np.hstack([np.maximum(grey(), 2), np.asarray(ghost(dithered=True))[:, SIDE:, 3] // 255])
    return saved(Image.fromarray(values.astype(np.uint8)), "PNG", transparency=0)


def _nearly_opaque() -> bytes:
    """A face in black ink that nothing but an auto-contrast of its transparency shows."""
    alpha = (224 + grey() / 8.3).astype(np.uint8)
    return saved(Image.fromarray(np.dstack([np.zeros((SIDE, SIDE, 3), np.uint8), alpha])), "PNG")


def _small_on_a_large_canvas() -> bytes:
    """The ghost is 2 % of an empty canvas."""
    canvas = np.zeros((1440, 2 * 1440, 4), np.uint8)
    canvas[:SIDE, : 2 * SIDE] = np.asarray(ghost())
    return saved(Image.fromarray(canvas), "PNG")


def _over_a_pattern() -> bytes:
    """The ghost in two inks, whose pattern disturbs whoever disregards the transparency."""
    pixels = np.asarray(ghost()).copy()
    pixels[:, SIDE:, :3] = np.indices((SIDE, SIDE)).sum(axis=0)[..., None] // 8 % 2 * 24
    return saved(Image.fromarray(pixels), "PNG")


def _with_profile() -> bytes:
    from .planting import wide_gamut_profile

    return saved(ghost(), "PNG", icc_profile=wide_gamut_profile())


def _tiff(*pages: NDArray[Any], **options: Any) -> bytes:
    import tifffile

    target = io.BytesIO()
    with tifffile.TiffWriter(target, byteorder=options.pop("byteorder", "<")) as writer:
        for page in pages:
            writer.write(page, metadata=None, **options)
    return target.getvalue()


def _deep_ghost() -> NDArray[np.uint16]:
    return np.asarray(ghost()).astype(np.uint16) * 257


def _deep_png() -> bytes:
    import cv2

    return bytes(cv2.imencode(".png", cv2.cvtColor(_deep_ghost(), cv2.COLOR_RGBA2BGRA))[1])


def _pages() -> bytes:
    pages = [np.asarray(_without_ghost()), np.asarray(ghost())]
    return _tiff(*pages, photometric="rgb", extrasamples=["unassalpha"])


_ALPHA: list[tuple[str, str, _Made, dict[str, Any]]] = [
    ("PNG", ".png", lambda: saved(ghost(), "PNG"), {}),
    ("PNG, white ink", ".png", lambda: saved(ghost(ink=255), "PNG"), {}),
    ("PNG, dithered", ".png", lambda: saved(ghost(dithered=True), "PNG"), {}),
    ("PNG, grey and alpha", ".png", lambda: saved(ghost().convert("LA"), "PNG"), {}),
    ("PNG, grey and alpha, white ink", ".png", lambda: saved(ghost(ink=255).convert("LA"), "PNG"), {}),
    ("PNG, 16 bits", ".png", _deep_png, {}),
    ("PNG, palette", ".png", _palette, {}),
    ("PNG, transparent colour", ".png", _colour_key, {}),
    ("PNG, transparent grey", ".png", _grey_key, {}),
    ("PNG, in two inks", ".png", _over_a_pattern, {}),
    ("PNG, wide-gamut profile", ".png", _with_profile, {}),
    ("PNG, 2 % of a large canvas", ".png", _small_on_a_large_canvas, {}),
    ("APNG", ".png", partial(_second_frame, "PNG"), {}),
    ("APNG, both frames", ".png",
     lambda: saved(ghost(), "PNG", save_all=True, append_images=[ghost(dithered=True)]), {}),
    ("WebP", ".webp", lambda: saved(ghost(), "WEBP", quality=92), {"decibels": 38.0}),
    ("WebP, white ink", ".webp", lambda: saved(ghost(ink=255), "WEBP", quality=92), {"decibels": 38.0}),
    ("WebP, lossless", ".webp", lambda: saved(ghost(), "WEBP", lossless=True, exact=True), {}),
    ("WebP, second frame", ".webp", partial(_second_frame, "WEBP", lossless=True), {}),
    ("GIF", ".gif", lambda: saved(ghost(dithered=True), "GIF"), {}),
    ("GIF, white ink", ".gif", lambda: saved(ghost(ink=255, dithered=True), "GIF"), {}),
    ("GIF, second frame", ".gif", partial(_second_frame, "GIF", disposal=2), {}),
    ("TIFF", ".tif", lambda: saved(ghost(), "TIFF", compression="tiff_lzw"), {}),
    ("TIFF, white ink", ".tif", lambda: saved(ghost(ink=255), "TIFF"), {}),
    ("TIFF, grey and alpha", ".tif", lambda: saved(ghost().convert("LA"), "TIFF"), {}),
    ("TIFF, 16 bits", ".tif",
     lambda: _tiff(_deep_ghost(), photometric="rgb", extrasamples=["unassalpha"]), {}),
    ("TIFF, second page", ".tif", _pages, {}),
    ("AVIF", ".avif", lambda: saved(ghost(), "AVIF", quality=92), {"decibels": 38.0}),
    ("AVIF, white ink", ".avif", lambda: saved(ghost(ink=255), "AVIF", quality=92), {"decibels": 30.0}),
    ("AVIF, second frame", ".avif", partial(_second_frame, "AVIF", quality=92), {"decibels": 36.0}),
    ("HEIC", ".heic", lambda: heic(ghost()), {"decibels": 36.0, "needs": "pillow_heif"}),
    ("HEIC, white ink", ".heic", lambda: heic(ghost(ink=255)), {"decibels": 30.0, "needs": "pillow_heif"}),
    ("JPEG 2000", ".jp2", lambda: saved(ghost(), "JPEG2000"), {}),
    ("JPEG 2000, white ink", ".jp2", lambda: saved(ghost(ink=255), "JPEG2000"), {}),
]  # fmt: skip

# --- in a sliver of the values ------------------------------------------------------------------


def _hot_pixel() -> NDArray[np.float32]:
    values = (grey() / 255 * 0.001).astype(np.float32)
    values[0, 0] = 1000
    return values


def _beside_a_wall(top: float, wall: float) -> NDArray[np.float64]:
    """The face in the lowest values, beside a wall."""
    values = np.full((SIDE, 2 * SIDE), wall, np.float64)
    values[:, SIDE:] = grey() / 255 * top
    return values


def _warm() -> NDArray[np.float64]:
    """Thermal values: 30,000 to 30,600."""
    return 30_000 + grey() / 255 * 600


def _png16(values: NDArray[Any]) -> bytes:
    return saved(Image.fromarray(values.astype(np.uint16)), "PNG")


def _ppm16(values: NDArray[Any]) -> bytes:
    height, width = values.shape
    return b"P5 %d %d 65535\n" % (width, height) + values.astype(">u2").tobytes()


def _jp2(values: NDArray[Any]) -> bytes:
    return saved(Image.fromarray(values.astype(np.uint16)), "JPEG2000")


def _rgb(values: NDArray[Any]) -> NDArray[np.uint16]:
    return np.repeat(values[..., None], 3, axis=2).astype(np.uint16)


_DEPTH: list[tuple[str, str, _Made, bool]] = [
    ("float TIFF with a hot pixel", ".tif", lambda: _tiff(_hot_pixel()), False),
    ("float TIFF with a cold pixel", ".tif", lambda: _tiff(-_hot_pixel()), False),
    ("float TIFF, all below zero", ".tif", lambda: _tiff(_hot_pixel() - 5), False),
    ("float TIFF, face in 0.001 beside 1", ".tif",
     lambda: _tiff(_beside_a_wall(0.001, 1).astype(np.float32)), True),
    ("thermal PNG", ".png", lambda: _png16(_warm()), False),
    ("thermal TIFF", ".tif", lambda: _tiff(_warm().astype(np.uint16)), False),
    ("thermal TIFF, big-endian", ".tif", lambda: _tiff(_warm().astype(">u2"), byteorder=">"), False),
    ("thermal TIFF, RGB", ".tif", lambda: _tiff(_rgb(_warm()), photometric="rgb"), False),
    ("thermal PPM", ".pgm", lambda: _ppm16(_warm()), False),
    ("thermal JPEG 2000", ".jp2", lambda: _jp2(_warm()), False),
    ("thermal TIFF, white is 0", ".tif",
     lambda: _tiff(_warm().astype(np.uint16), photometric="miniswhite"), False),
    ("thermal TIFF, second page", ".tif",
     lambda: _tiff(np.full((SIDE, SIDE), 9, np.uint16), _warm().astype(np.uint16)), False),
    ("shadows under 1 % of the range", ".png", lambda: _png16(_beside_a_wall(510, 65535)), True),
    ("shadows under 1 % of the range, TIFF", ".tif",
     lambda: _tiff(_beside_a_wall(510, 65535).astype(np.uint16)), True),
    ("shadows under 1 % of the range, RGB", ".tif",
     lambda: _tiff(_rgb(_beside_a_wall(510, 65535)), photometric="rgb"), True),
    ("lights above 99 % of the range", ".png", lambda: _png16(65535 - _beside_a_wall(510, 65535)), True),
    ("PNG of 16 bits whose gamma lifts the shadows", ".png",
     lambda: with_chunk(b"gAMA", b"\0\1\x86\xa0", _png16(_beside_a_wall(160, 16000))), True),
    ("alpha of 224 to 255", ".png", _nearly_opaque, False),
]  # fmt: skip

CASES = [
    *(
        Case(f"shown by alpha: {title}", f"ghost{suffix}", make, group="shown", place=BESIDE, **more)
        for title, suffix, make, more in _ALPHA
    ),
    *(
        Case(f"shown by a stretch: {title}", f"deep{suffix}", make, group="shown",
             place=BESIDE if beside else INNER)
        for title, suffix, make, beside in _DEPTH
    ),
]  # fmt: skip
