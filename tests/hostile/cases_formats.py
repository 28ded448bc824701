"""Formats: every kind of picture that people have comes through as it was, or is refused by name."""

from __future__ import annotations

import io
import struct
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from . import formats_jpeg, formats_png, formats_tiff
from .case import Case, Expect
from .format_parts import grey16, rgb16, samples, see_through, settings, three_frames, turned
from .planting import image, portrait, saved, wide_gamut_profile


def _gif(colours: int = 64, count: int = 3, **options: Any) -> bytes:
    frames = [frame.quantize(colours) for frame in three_frames("RGB")][:count]
    if count > 1:
        options = {"duration": [100, 30, 250], "loop": 2, "save_all": True} | options
    return saved(frames[0], "GIF", append_images=frames[1:], **options)


def _clear_gif(disposal: int) -> bytes:
    """The face, and beside it a dot that moves over nothing."""
    frames = []
    for number in range(3):
        pixels = np.dstack([portrait(), np.full((288, 288), 255, np.uint8)])
        pixels[:, 230:] = 0
        pixels[20 + 60 * number : 50 + 60 * number, 240:270] = (200, 20, 20, 255)
        frames.append(Image.fromarray(pixels))
    first = frames[0].quantize(64)
    return saved(
        first, "GIF", save_all=True, append_images=frames[1:], disposal=disposal, duration=80, loop=0
    )


def _gif_of_many_colours() -> bytes:
    """Two frames that each add 200 colours, so that what is shown has 400."""
    top, bottom = image().crop((0, 0, 288, 144)).quantize(200), image().crop((0, 144, 288, 288)).quantize(200)
    from PIL import GifImagePlugin

    blocks = GifImagePlugin.getdata(top, (0, 0), duration=100, include_color_table=True)
    blocks += GifImagePlugin.getdata(bottom, (0, 144), duration=100, include_color_table=True)
    return b"GIF89a" + struct.pack("<HHBBB", 288, 288, 0x70, 0, 0) + b"".join(blocks) + b";"


def _webp(lossless: bool, mode: str = "RGB", count: int = 1, **options: Any) -> bytes:
    frames = three_frames(mode)[:count]
    options = {"lossless": lossless, "quality": 90, "exact": lossless} | options
    if count > 1:
        options |= {"save_all": True, "append_images": frames[1:], "duration": [100, 40, 250], "loop": 4}
    return saved(frames[0], "WEBP", **options)


GIF = [
    ("still", partial(_gif, count=1), {}),
    ("still, 256 colours", lambda: saved(image().quantize(256), "GIF"), {}),
    ("animated", _gif, {"same": settings("loop")}),
    ("animated, plays once", lambda: _gif(loop=None), {"same": settings("loop")}),
    ("animated, clears to background", partial(_clear_gif, 2), {}),
    ("animated, restores the previous", partial(_clear_gif, 3), {}),
    ("animated, leaves", partial(_clear_gif, 1), {}),
    ("animated, 256 colours in each frame", partial(_gif, 256), {}),
    ("interlaced", lambda: saved(image().quantize(64), "GIF", interlace=1), {}),
    ("more than 256 colours shown at once", _gif_of_many_colours, {}),
]

WEBP = [
    ("lossy", partial(_webp, False), {"decibels": 40.0}),
    ("lossless", partial(_webp, True), {}),
    ("lossy with alpha", lambda: saved(see_through(), "WEBP", quality=90), {"decibels": 40.0}),
    ("lossless with alpha", lambda: saved(see_through(), "WEBP", lossless=True), {}),
    ("animated, lossy", partial(_webp, False, count=3), {"decibels": 38.0, "same": settings("loop")}),
    ("animated, lossless", partial(_webp, True, count=3), {"same": settings("loop")}),
    ("EXIF orientation 8", lambda: turned(8, "WEBP", lossless=True), {}),
    (
        "wide-gamut profile",
        lambda: saved(image(), "WEBP", lossless=True, icc_profile=wide_gamut_profile()),
        {},
    ),
]


def _bmp565() -> bytes:
    rgb = portrait()[::-1].astype(np.uint16)
    pixels = (rgb[..., 0] >> 3 << 11 | rgb[..., 1] >> 2 << 5 | rgb[..., 2] >> 3).tobytes()
    head = struct.pack("<2sIHHI", b"BM", 66 + len(pixels), 0, 0, 66)
    info = struct.pack("<IiiHHIIiiII", 40, 288, 288, 1, 16, 3, len(pixels), 2835, 2835, 0, 0)
    return head + info + struct.pack("<III", 0xF800, 0x07E0, 0x001F) + pixels


def _top_down() -> bytes:
    head = struct.pack("<2sIHHI", b"BM", 54 + portrait().size, 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, 288, -288, 1, 24, 0, portrait().size, 2835, 2835, 0, 0)
    return head + info + portrait()[..., ::-1].tobytes()


BMP = [
    ("24 bits", lambda: saved(image(), "BMP"), {}),
    ("grey", lambda: saved(image("L"), "BMP"), {}),
    ("bilevel", lambda: saved(image("1"), "BMP"), {}),
    ("palette", lambda: saved(image().quantize(64), "BMP"), {"same": None}),
    ("16 bits, 5-6-5", _bmp565, {}),
    ("rows from the top", _top_down, {}),
    ("resolution", lambda: saved(image(), "BMP", dpi=(300, 300)), {}),
]


def _avif10() -> bytes:
    import imagecodecs

    return imagecodecs.avif_encode(portrait().astype(np.uint16) * 4, level=90, speed=10, bitspersample=10)


AVIF = [
    ("8 bits", lambda: saved(image(), "AVIF", quality=90), {"decibels": 40.0}),
    ("4:4:4", lambda: saved(image(), "AVIF", quality=90, subsampling="4:4:4"), {"decibels": 40.0}),
    ("alpha", lambda: saved(see_through(), "AVIF", quality=90), {"decibels": 38.0}),
    (
        "animated",
        lambda: saved(
            image(),
            "AVIF",
            quality=90,
            save_all=True,
            append_images=three_frames("RGB")[1:],
            duration=[100, 40, 200],
        ),
        {"decibels": 36.0},
    ),
    ("10 bits", _avif10, {"needs": "imagecodecs", "expect": Expect.REFUSED, "says": "8 bits"}),
    (
        "wide-gamut profile",
        lambda: saved(image(), "AVIF", quality=90, icc_profile=wide_gamut_profile()),
        {"decibels": 40.0},
    ),
    ("EXIF orientation 6", lambda: turned(6, "AVIF", quality=90), {"decibels": 40.0}),
]


def _heic(*pictures: Image.Image, **options: Any) -> bytes:
    import pillow_heif

    file, target = pillow_heif.HeifFile(), io.BytesIO()
    for picture in pictures:
        file.add_from_pillow(picture)
    file.save(target, quality=90, **options)
    return target.getvalue()


def _heic10() -> bytes:
    import pillow_heif

    target = io.BytesIO()
    pillow_heif.encode("RGB;16", (288, 288), rgb16().tobytes(), target, quality=90)
    return target.getvalue()


_HEIF = {"needs": "pillow_heif", "decibels": 38.0}
HEIC = [
    ("8 bits", lambda: _heic(image()), _HEIF),
    ("alpha", lambda: _heic(see_through()), _HEIF),
    ("two pictures", lambda: _heic(image(), image()), _HEIF),
    ("10 bits", _heic10, _HEIF | {"expect": Expect.REFUSED, "says": "8 bits"}),
    ("turned by the container", lambda: _heic(_exif_turned()), _HEIF),
]


def _exif_turned() -> Image.Image:
    return Image.open(io.BytesIO(turned(6)))


def _jp2(mode: str = "RGB", **options: Any) -> bytes:
    picture = Image.frombytes("I;16", (288, 288), grey16().tobytes()) if mode == "I;16" else image(mode)
    return saved(picture, "JPEG2000", **options)


def _jp2_deep() -> bytes:
    import imagecodecs

    return imagecodecs.jpeg2k_encode(rgb16(), codecformat="jp2")


JP2 = [
    ("lossless", partial(_jp2, irreversible=False), {}),
    ("lossy", partial(_jp2, irreversible=True, quality_mode="dB", quality_layers=[45]), {}),
    ("grey", partial(_jp2, "L"), {}),
    ("grey, 16 bits", partial(_jp2, "I;16"), {}),
    ("alpha", lambda: saved(see_through(), "JPEG2000"), {}),
    (
        "RGB, 16 bits",
        _jp2_deep,
        {"needs": "imagecodecs", "expect": Expect.REFUSED, "says": "16 bits"},
    ),
]


def _plain_ppm() -> bytes:
    return b"P3\n288 288\n255\n" + b"\n".join(b"%d" % value for value in portrait().ravel()) + b"\n"


PPM = [
    ("P6", lambda: saved(image(), "PPM"), {}),
    ("P5", lambda: saved(image("L"), "PPM"), {}),
    ("P4", lambda: saved(image("1"), "PPM"), {}),
    ("P3, as text", _plain_ppm, {}),
    ("P6, 16 bits", lambda: b"P6\n288 288\n65535\n" + samples(3, 16).astype(">u2").tobytes(), {}),
    ("P5, 16 bits", lambda: b"P5\n288 288\n65535\n" + grey16(">").tobytes(), {}),
    ("P6 up to 100", lambda: b"P6\n288 288\n100\n" + (portrait() // 3).tobytes(), {"expect": Expect.REFUSED}),
    (
        "two pictures in a stream",
        lambda: saved(image(), "PPM") * 2,
        {"expect": Expect.REFUSED, "says": "stream"},
    ),
]

_BARE = [("bare codestream", partial(_jp2, no_jp2=True), {"same": settings("bare")})]


_TABLES = {
    "JPEG": (".jpg", formats_jpeg.JPEG, {"decibels": 45.0, "same": formats_jpeg.JPEG_SAME}),
    "PNG": (".png", formats_png.PNG, {"same": formats_png.png_bits}),
    "GIF": (".gif", GIF, {}),
    "WebP": (".webp", WEBP, {}),
    "TIFF": (".tif", formats_tiff.TIFF, {}),
    "BMP": (".bmp", BMP, {}),
    "AVIF": (".avif", AVIF, {}),
    "HEIC": (".heic", HEIC, {}),
    "JPEG 2000": (".jp2", JP2, {}),
    "JPEG 2000,": (".j2k", _BARE, {}),
    "PPM": (".ppm", PPM, {}),
}

CASES = [
    Case(f"{format}: {title}", f"face{suffix}", make, group="formats", **(common | special))
    for format, (suffix, table, common) in _TABLES.items()
    for title, make, special in table
] + [
    Case(f"raw: {title}", name, make, group="formats", **special)
    for title, name, make, special in formats_tiff.RAW
]
