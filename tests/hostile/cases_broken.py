"""Broken and malicious files: each ends as a sentence or as a clean picture, soon and in little memory."""

from __future__ import annotations

import os
import random
import struct
import zlib
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from .case import Case, Expect
from .planting import (
    BYTES,
    chunk,
    heic,
    image,
    jpeg,
    png,
    saved,
    second_picture,
    webp,
    with_chunk,
    with_segment,
)


def _cut(data: bytes, percent: int) -> bytes:
    return data[: len(data) * percent // 100]


def _animation(format: str) -> bytes:
    frames = [image().quantize(32), image().rotate(3).quantize(32)]
    return saved(frames[0], format, save_all=True, append_images=frames[1:], duration=100)


def _heic() -> bytes:
    return heic(image(), quality=80)


_WHOLE = {
    ".jpg": jpeg,
    ".png": png,
    ".webp": webp,
    ".tif": lambda: saved(image(), "TIFF", compression="tiff_lzw"),
    ".bmp": lambda: saved(image(), "BMP"),
    ".gif": lambda: _animation("GIF"),
    ".avif": lambda: saved(image(), "AVIF"),
    ".jp2": lambda: saved(image(), "JPEG2000"),
    ".ppm": lambda: saved(image(), "PPM"),
}


def _cut_file(suffix: str, percent: int) -> bytes:
    return _cut(_WHOLE[suffix](), percent)


# --- bombs --------------------------------------------------------------------------------------


def _png_bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A header that declares 900 megapixels, and a few kilobytes of zeros."""
    top = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + top + chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + chunk(b"IEND", b"")


def _jpeg_bomb() -> bytes:
    data = bytearray(jpeg())
    at = data.index(b"\xff\xc0")
    struct.pack_into(">HH", data, at + 5, 65_500, 65_500)
    return bytes(data)


def _gif_bomb() -> bytes:
    """65,535 x 65,535 pixels declared, one drawn."""
    data = bytearray(saved(Image.new("P", (1, 1)), "GIF"))
    struct.pack_into("<HH", data, 6, 65_535, 65_535)
    return bytes(data)


def _gif_that_grows() -> bytes:
    """A second frame that begins 60,000 pixels below the first."""
    data = _animation("GIF")
    second = data.rindex(b"!\xf9\x04") + 8
    return _patched(data, second + 3, struct.pack("<H", 60_000))


def _gif_of_ten_thousand_frames() -> bytes:
    data = saved(Image.new("P", (600, 600)), "GIF")
    start = data.index(b",")
    return data[:start] + data[start:-1] * 10_000 + b";"


def _tiff_bomb(**declared: int) -> bytes:
    data = bytearray(saved(image("L"), "TIFF"))
    place = struct.unpack_from("<I", data, 4)[0] + 2
    for entry in range(place, place + 12 * 12, 12):
        tag = struct.unpack_from("<H", data, entry)[0]
        if tag in (256, 257):
            struct.pack_into("<HII", data, entry + 2, 4, 1, 60_000)
    return bytes(data)


def avif_bomb(count: int, sizes: int) -> bytes:
    """Items of 65,535 extents without a place in the file, or of `count` extents that are all of it."""
    data = saved(image(), "AVIF")
    at = data.index(b"iloc") - 4
    length = struct.unpack_from(">I", data, at)[0]
    each = struct.pack(">II", 0, len(data)) * count if sizes else b""
    items = b"".join(
        struct.pack(">HHH", 1, 0, count if sizes else 0xFFFF) + each for _ in range(1 if sizes else 4000)
    )
    body = struct.pack(">IBBH", 0, sizes, 0, 1 if sizes else 4000) + items
    moved = bytearray(data[:at] + struct.pack(">I", len(body) + 8) + b"iloc" + body + data[at + length :])
    meta = data.index(b"meta") - 4
    struct.pack_into(">I", moved, meta, struct.unpack_from(">I", data, meta)[0] + len(body) + 8 - length)
    return bytes(moved)


def tiff_of_shared_tags() -> bytes:
    """Four thousand tags, each of which claims the whole file of 4 MB."""
    size, count = 4 << 20, 4000
    tags = b"".join(struct.pack("<HHII", 40_000 + number, 1, size, 0) for number in range(count))
    data = b"II*\0\x08\0\0\0" + struct.pack("<H", count) + tags + bytes(4)
    return data + bytes(size - len(data))


def _webp_bomb() -> bytes:
    frame = b"\x2f" + struct.pack("<I", 16_382 | 16_382 << 14) + bytes(50)
    body = b"WEBPVP8L" + struct.pack("<I", len(frame)) + frame + bytes(len(frame) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _bmp_bomb() -> bytes:
    head = struct.pack("<2sIHHI", b"BM", 1000, 0, 0, 54)
    return head + struct.pack("<IiiHHIIiiII", 40, 100_000, 100_000, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(1000)


def _jp2_bomb() -> bytes:
    data = bytearray(saved(image(), "JPEG2000"))
    at = data.index(b"ihdr") + 4
    struct.pack_into(">II", data, at, 60_000, 60_000)
    return bytes(data)


# --- lies ---------------------------------------------------------------------------------------


def _png_with_size(width: int, height: int) -> bytes:
    top = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return png()[:8] + top + png()[33:]


def _patched(data: bytes, at: int, content: bytes) -> bytes:
    return data[:at] + content + data[at + len(content) :]


def _tiff_loop() -> bytes:
    """A directory that is its own successor."""
    data = bytearray(saved(image(), "TIFF"))
    place = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, place)[0]
    struct.pack_into("<I", data, place + 2 + 12 * count, place)
    return bytes(data)


def _noise(seed: int, start: bytes) -> bytes:
    return start + random.Random(seed).randbytes(20_000)


def _flipped(seed: int, suffix: str) -> bytes:
    """Twenty flipped bytes somewhere behind the header."""
    data, chance = bytearray(_WHOLE[suffix]()), random.Random(seed)
    for _ in range(20):
        data[chance.randrange(64, len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _arbitrary_palette_index() -> bytes:
    """Pixels that point behind the end of the palette."""
    data = saved(image().quantize(256), "PNG")
    at = data.index(b"PLTE") - 4
    length = struct.unpack_from(">I", data, at)[0]
    return data[:at] + chunk(b"PLTE", data[at + 8 : at + 8 + 30]) + data[at + 12 + length :]


def _zero_sided_bmp() -> bytes:
    head = struct.pack("<2sIHHI", b"BM", 54, 0, 0, 54)
    return head + struct.pack("<IiiHHIIiiII", 40, 0, 10, 1, 24, 0, 0, 0, 0, 0, 0)


def _html() -> bytes:
    return b"<!DOCTYPE html><html><body>404 Not Found</body></html>"


REFUSED: list[tuple[str, str, Any, str]] = [
    ("empty file", "face.jpg", lambda: b"", "empty"),
    ("one byte", "face.jpg", lambda: b"\xff", ""),
    ("two bytes", "face.jpg", lambda: b"\xff\xd8", ""),
    ("text called .jpg", "face.jpg", lambda: BYTES * 40, "text"),
    ("web page called .png", "face.png", _html, "text"),
    ("zip archive called .jpg", "face.jpg", lambda: b"PK\3\4" + bytes(100), "zip"),
    ("PDF called .jpg", "face.jpg", lambda: b"%PDF-1.7" + bytes(100), "PDF"),
    ("SVG called .png", "face.png", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    ("Photoshop document called .tif", "face.tif", lambda: b"8BPS\0\1" + bytes(100), "Photoshop"),
    ("video called .jpg", "face.jpg", lambda: b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(100), "video"),
    ("JPEG XL called .jpg", "face.jpg", lambda: b"\xff\x0a" + bytes(100), "JPEG XL"),
    ("OpenEXR called .tif", "face.tif", lambda: b"v/1\1" + bytes(100), "OpenEXR"),
    ("shell script called .jpg", "face.jpg", lambda: b"#!/bin/sh\necho hello\n", "text"),
    ("zeros called .png", "face.png", lambda: bytes(5000), ""),
    ("JPEG called .png", "face.png", jpeg, "JPEG file by its content"),
    ("PNG called .jpg", "face.jpg", png, "PNG file by its content"),
    ("WebP called .jpeg", "face.jpeg", webp, "WebP file by its content"),
    ("HEIC called .jpg", "face.jpg", _heic, "HEIC file by its content"),
    ("JPEG without a suffix", "face", jpeg, "JPEG file by its content"),
    ("noise behind JPEG's first bytes", "face.jpg", partial(_noise, 1, b"\xff\xd8\xff\xe0"), ""),
    ("noise behind PNG's first bytes", "face.png", partial(_noise, 2, b"\x89PNG\r\n\x1a\n"), ""),
    ("noise behind GIF's first bytes", "face.gif", partial(_noise, 3, b"GIF89a"), ""),
    ("noise behind TIFF's first bytes", "face.tif", partial(_noise, 4, b"II*\0\x08\0\0\0"), ""),
    ("noise behind WebP's first bytes", "face.webp", partial(_noise, 5, b"RIFF\x20\x4e\0\0WEBPVP8 "), ""),
    ("noise behind BMP's first bytes", "face.bmp", partial(_noise, 6, b"BM"), ""),
    (
        "noise behind AVIF's first bytes",
        "face.avif",
        partial(_noise, 7, b"\0\0\0\x1cftypavif\0\0\0\0avifmif1"),
        "",
    ),
    (
        "noise behind HEIC's first bytes",
        "face.heic",
        partial(_noise, 8, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        "",
    ),
    ("noise behind JPEG 2000's first bytes", "face.jp2", partial(_noise, 9, b"\0\0\0\x0cjP  \r\n\x87\n"), ""),
    ("noise behind PPM's first bytes", "face.ppm", partial(_noise, 10, b"P6\n"), ""),
    ("30,000 x 30,000 declared, PNG", "face.png", _png_bomb, "30000 x 30000"),
    ("65,500 x 65,500 declared, JPEG", "face.jpg", _jpeg_bomb, "limit"),
    ("65,535 x 65,535 declared, GIF", "face.gif", _gif_bomb, "limit"),
    ("a frame far outside the others, GIF", "face.gif", _gif_that_grows, ""),
    ("ten thousand frames, GIF", "face.gif", _gif_of_ten_thousand_frames, "10000 frames"),
    ("60,000 x 60,000 declared, TIFF", "face.tif", _tiff_bomb, "limit"),
    ("16,383 x 16,383 declared, WebP", "face.webp", _webp_bomb, "limit"),
    ("100,000 x 100,000 declared, BMP", "face.bmp", _bmp_bomb, "limit"),
    ("sixteen million extents, AVIF", "face.avif", partial(avif_bomb, 0, 0), ""),
    ("extents that share the file, AVIF", "face.avif", partial(avif_bomb, 8000, 0x44), ""),
    ("tags that share the file, TIFF", "face.tif", tiff_of_shared_tags, ""),
    ("60,000 x 60,000 declared, JPEG 2000", "face.jp2", _jp2_bomb, "limit"),
    ("99,999 x 99,999 declared, PPM", "face.ppm", lambda: b"P6\n99999 99999\n255\n" + bytes(99), "limit"),
    ("negative size, PPM", "face.ppm", lambda: b"P6\n-5 -5\n255\n" + bytes(99), ""),
    ("size of a thousand digits, PPM", "face.ppm", lambda: b"P6\n" + b"9" * 5000 + b" 1\n255\n", ""),
    ("no pixels, PNG", "face.png", partial(_png_with_size, 0, 288), ""),
    ("no pixels, BMP", "face.bmp", _zero_sided_bmp, ""),
    ("damaged header checksum", "face.png", lambda: _patched(png(), 29, b"\0\0\0\0"), ""),
    ("PNG without data", "face.png", lambda: png()[:33] + chunk(b"IEND", b""), ""),
    ("PNG of an unknown depth", "face.png", lambda: _patched(png(), 24, b"\7"), ""),
    ("JPEG without tables", "face.jpg", lambda: jpeg()[:20] + jpeg()[jpeg().index(b"\xff\xc0") :], ""),
    ("JPEG without a frame", "face.jpg", lambda: jpeg()[: jpeg().index(b"\xff\xc0")] + b"\xff\xd9", ""),
    ("JPEG of no components", "face.jpg", lambda: _patched(jpeg(), jpeg().index(b"\xff\xc0") + 9, b"\0"), ""),
    ("TIFF directory beyond the end", "face.tif", lambda: b"II*\0\xff\xff\xff\0" + bytes(100), ""),
    ("TIFF of sixty thousand tags", "face.tif", lambda: b"II*\0\x08\0\0\0\xff\xff" + bytes(800_000), ""),
    ("TIFF without tags", "face.tif", lambda: b"II*\0\x08\0\0\0\0\0" + bytes(100), ""),
    ("camera file system's empty picture", "face.cr3", lambda: bytes(4096), ""),
    *(
        (f"{suffix} cut off at {percent} %", f"face{suffix}", partial(_cut_file, suffix, percent), "")
        for suffix in _WHOLE
        for percent in (2, 10, 50)
    ),
    ("JPEG cut off at 90 %", "face.jpg", partial(_cut_file, ".jpg", 90), ""),
    ("PNG cut off at 90 %", "face.png", partial(_cut_file, ".png", 90), ""),
]

# Damaged, but a decoder can still show it: then it must come out clean.
EITHER = [
    (
        "profile table that counts four billion tags",
        "face.jpg",
        lambda: saved(image(), "JPEG", icc_profile=_patched(_profile(), 128, b"\xff\xff\xff\xff")),
    ),
    ("palette index behind its end", "face.png", _arbitrary_palette_index),
    *(
        (f"flipped bits in {suffix}, {seed}", f"face{suffix}", partial(_flipped, seed, suffix))
        for suffix in _WHOLE
        for seed in (1, 2)
    ),
    ("more rows declared than there are", "face.png", partial(_png_with_size, 288, 400)),
    ("damaged compressed data", "face.png", lambda: _patched(png(), 5000, bytes(500))),
    ("TIFF directory that repeats itself", "face.tif", _tiff_loop),
    ("JPEG without its end marker", "face.jpg", lambda: jpeg()[:-2]),
    ("JPEG in a JPEG's segment", "face.jpg", lambda: with_segment(0xE5, second_picture())),
    ("PNG without IEND", "face.png", lambda: png()[:-12]),
    ("two headers in a PNG", "face.png", lambda: with_chunk(b"IHDR", png()[16:29])),
    ("GIF without its trailer", "face.gif", lambda: _animation("GIF")[:-1]),
]


def _profile() -> bytes:
    from .planting import srgb_profile

    return srgb_profile()


# --- not files at all ---------------------------------------------------------------------------


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere.jpg")


def _vanished(path: Path) -> None:
    path.write_bytes(jpeg())
    path.unlink()


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _link_to_a_text(path: Path) -> None:
    path.symlink_to("/etc/hostname")


STRANGE = [
    ("folder called .jpg", _folder),
    ("named pipe called .jpg", _pipe),
    ("link to itself", _link_to_itself),
    ("dangling link", _dangling),
    ("file that has vanished", _vanished),
    ("link to an endless device", _device),
    ("link to a text", _link_to_a_text),
]

# --- names --------------------------------------------------------------------------------------

NAMES = [
    ("spaces", "  face  of  Anna .jpg"),
    ("newline", "face\nof Anna.jpg"),
    ("tab and bell", "face\t\a.jpg"),
    ("emoji", "😀👩🏽‍🚀.jpg"),
    ("right to left", "\u202egpj.\u062a\u0635\u0648\u06cc\u0631.jpg"),
    ("composed and decomposed", "Ame\u0301lie é.jpg"),
    ("invalid UTF-8", os.fsdecode(b"face\xff\xfe.jpg")),
    ("255 bytes", "f" * 251 + ".jpg"),
    ("leading dash", "--overwrite.jpg"),
    ("quotes and dollars", "$(touch x) 'a' \"b\" `c`.jpg"),
    ("percent and braces", "%s {0} %(x)d.jpg"),
    ("markup", "[bold red]face[bold].jpg"),
    ("two suffixes", "face.png.jpg"),
    ("upper-case suffix", "FACE.JPG"),
    ("dots", "..face...jpg"),
    ("backslash", "folder\\face.jpg"),
    ("escape sequences", "\x1b[31mface\x1b[0m.jpg"),
]

_NEEDS = {".heic": "pillow_heif"}

CASES = [
    *(
        Case(
            f"broken: {title}",
            name,
            make,
            Expect.REFUSED,
            "broken",
            says=says,
            needs=_NEEDS.get(name[name.rfind(".") :], "pillow_heif" if "HEIC" in title else ""),
        )
        for title, name, make, says in REFUSED
    ),
    *(Case(f"damaged: {title}", name, make, Expect.EITHER, "broken") for title, name, make in EITHER),
    *(
        Case(f"not a file: {title}", "face.jpg", make, Expect.REFUSED, "broken", by_hand=True)
        for title, make in STRANGE
    ),
    *(Case(f"name: {title}", name, jpeg, group="names", decibels=45.0) for title, name in NAMES),
]
