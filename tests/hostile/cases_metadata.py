"""Metadata: everything in which a picture file can carry more than it shows."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import numpy as np
from PIL import Image

from . import metadata_jpeg, metadata_png
from .case import Case, Expect
from .planting import (
    BYTES,
    GPS,
    MARKER,
    box,
    device_profile,
    exif,
    exif_with_thumbnail,
    hidden_face,
    hidden_under_alpha,
    image,
    movie,
    photoshop_thumbnail,
    portrait,
    saved,
    thumbnail,
    unused_palette,
    webp,
    with_riff_chunk,
    xmp,
    xmp_with_preview,
)


def _in_a_webp_frame() -> bytes:
    frames = [image(), image().transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100)
    at = data.rindex(b"ANMF")
    content = data[at + 8 :] + b"PRVT" + struct.pack("<I", len(BYTES) + 1) + BYTES + b"\0"
    whole = data[:at] + b"ANMF" + struct.pack("<I", len(content)) + content
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


WEBP = [
    ("EXIF with thumbnail", lambda: saved(image(), "WEBP", exif=exif_with_thumbnail())),
    ("XMP with preview", lambda: saved(image(), "WEBP", xmp=xmp_with_preview())),
    ("profile that names the device", lambda: saved(image(), "WEBP", icc_profile=device_profile())),
    ("unknown chunk", lambda: with_riff_chunk(b"PRVT", BYTES + thumbnail())),
    ("bytes after the end", lambda: webp() + BYTES + thumbnail()),
    ("chunk inside a frame", _in_a_webp_frame),
    (
        "RGB under alpha 0, lossless",
        lambda: saved(hidden_under_alpha("RGBA"), "WEBP", lossless=True, exact=True),
    ),
    ("RGB under alpha 0, lossy", lambda: saved(hidden_under_alpha("RGBA"), "WEBP", quality=90, exact=True)),
]


def _tiff(**tags: object) -> bytes:
    return saved(image(), "TIFF", tiffinfo={int(name[1:]): value for name, value in tags.items()})


def _tiff_with_preview() -> bytes:
    """A sub-directory (tag 330) with the face, as previews are kept."""
    import tifffile

    target = io.BytesIO()
    with tifffile.TiffWriter(target) as writer:
        writer.write(portrait(), subifds=1, photometric="rgb", metadata=None, software=BYTES)
        writer.write(np.asarray(hidden_face()), subfiletype=1, photometric="rgb", metadata=None)
    return target.getvalue()


def _tiff_with_thumbnail_page() -> bytes:
    import tifffile

    target = io.BytesIO()
    with tifffile.TiffWriter(target) as writer:
        writer.write(portrait(), photometric="rgb", metadata=None)
        writer.write(
            np.asarray(hidden_face()), subfiletype=1, photometric="rgb", metadata=None, software=MARKER
        )
    return target.getvalue()


TIFF = [
    ("description, artist, computer", lambda: _tiff(t270=MARKER, t315=MARKER, t316=MARKER, t305=MARKER)),
    ("private tag", lambda: _tiff(t65000=BYTES)),
    ("IPTC", lambda: _tiff(t33723=BYTES)),
    ("Photoshop resources with thumbnail", lambda: _tiff(t34377=photoshop_thumbnail()[14:])),
    ("Photoshop layers", lambda: _tiff(t37724=b"Adobe Photoshop Document Data Block\0" + BYTES)),
    ("XMP", lambda: _tiff(t700=xmp_with_preview())),
    ("EXIF and GPS", lambda: saved(image(), "TIFF", exif=exif({315: MARKER}, {0x9286: BYTES}, GPS))),
    ("profile that names the device", lambda: saved(image(), "TIFF", icc_profile=device_profile())),
    ("bytes that nothing refers to", lambda: saved(image(), "TIFF") + BYTES + thumbnail()),
    ("sub-directory with a preview", _tiff_with_preview),
    ("reduced copy as a second page", _tiff_with_thumbnail_page),
    ("RGB under alpha 0", lambda: saved(hidden_under_alpha("RGBA"), "TIFF", compression="tiff_lzw")),
    ("palette entries in no use", lambda: saved(Image.open(io.BytesIO(unused_palette())), "TIFF")),
]


def _gif(*blocks: bytes) -> bytes:
    data = saved(image().quantize(128), "GIF")
    at = 13 + (3 << ((data[10] & 7) + 1))
    return data[:at] + b"".join(blocks) + data[at:]


def _sub_blocks(content: bytes) -> bytes:
    parts = [content[at : at + 255] for at in range(0, len(content), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _covered_frame() -> bytes:
    """The face is shown for no time at all and then covered."""
    cover = Image.new("RGB", (288, 288), "grey")
    frames = [image().quantize(64), cover.quantize(4)]
    return saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=[0, 1000], loop=0)


GIF = [
    ("comment", lambda: _gif(b"!\xfe" + _sub_blocks(BYTES))),
    ("plain text", lambda: _gif(b"!\x01\x0c" + bytes(12) + _sub_blocks(BYTES))),
    ("application block", lambda: _gif(b"!\xff\x0bPRIVATE 1.0" + _sub_blocks(BYTES + thumbnail()))),
    ("XMP", lambda: _gif(b"!\xff\x0bXMP DataXMP" + xmp() + b"\1" + bytes(range(255, -1, -1)) + b"\0")),
    ("profile", lambda: _gif(b"!\xff\x0bICCRGBG1012" + _sub_blocks(device_profile()))),
    ("bytes after the end", lambda: _gif() + BYTES + thumbnail()),
    ("frame shown for no time", _covered_frame),
]


def _bmp_with_gap() -> bytes:
    data = saved(image(), "BMP")
    (start,) = struct.unpack_from("<I", data, 10)
    hidden = BYTES + thumbnail()
    return data[:10] + struct.pack("<I", start + len(hidden)) + data[14:start] + hidden + data[start:]


def _bmp_padding() -> bytes:
    data = bytearray(saved(image().crop((0, 0, 287, 288)), "BMP"))
    for row in range(288):
        at = 54 + row * 864 + 861
        data[at : at + 3] = (BYTES * 50)[row * 3 : row * 3 + 3]
    return bytes(data)


def _bmp_unused_bytes() -> bytes:
    """32 bits a pixel of which the last 8 say nothing, and hold the face."""
    grey = np.asarray(image("L"))
    pixels = np.dstack([portrait()[..., ::-1], grey])[::-1]
    head = struct.pack("<2sIHHI", b"BM", 54 + pixels.size, 0, 0, 54)
    return head + struct.pack("<IiiHHIIiiII", 40, 288, 288, 1, 32, 0, 0, 2835, 2835, 0, 0) + pixels.tobytes()


def _bmp_with_profile() -> bytes:
    """A version 5 header with an embedded colour profile."""
    pixels = np.ascontiguousarray(portrait()[::-1, :, ::-1]).tobytes()
    profile = device_profile()
    info = struct.pack("<IiiHHIIiiII", 124, 288, 288, 1, 24, 0, len(pixels), 2835, 2835, 0, 0)
    info += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0) + b"DEBM" + bytes(36 + 12)
    info += struct.pack("<IIII", 4, 124 + len(pixels), len(profile), 0)
    head = struct.pack("<2sIHHI", b"BM", 138 + len(pixels) + len(profile), 0, 0, 138)
    return head + info + pixels + profile


BMP = [
    ("bytes between header and pixels", _bmp_with_gap),
    ("bytes in the rows' padding", _bmp_padding),
    ("bytes after the pixels", lambda: saved(image(), "BMP") + BYTES + thumbnail()),
    ("face in the unused fourth byte", _bmp_unused_bytes),
    ("profile in a version 5 header", _bmp_with_profile),
]

AVIF = [
    ("EXIF with thumbnail", lambda: saved(image(), "AVIF", exif=exif_with_thumbnail(), quality=90)),
    ("XMP with preview", lambda: saved(image(), "AVIF", xmp=xmp_with_preview(), quality=90)),
    (
        "profile that names the device",
        lambda: saved(image(), "AVIF", icc_profile=device_profile(), quality=90),
    ),
    ("box after the end", lambda: saved(image(), "AVIF", quality=90) + box(b"uuid", BYTES * 2 + thumbnail())),
    ("free box", lambda: saved(image(), "AVIF", quality=90) + box(b"free", BYTES)),
    ("RGB under alpha 0", lambda: saved(hidden_under_alpha("RGBA"), "AVIF", quality=90)),
]


def _heic(**info: object) -> bytes:
    import pillow_heif

    file = pillow_heif.from_pillow(image())
    file[0].info.update(info)
    target = io.BytesIO()
    file.save(target, quality=90)
    return target.getvalue()


HEIC = [
    ("EXIF with thumbnail", lambda: _heic(exif=exif_with_thumbnail())),
    ("XMP with preview", lambda: _heic(xmp=xmp_with_preview())),
    ("profile that names the device", lambda: _heic(icc_profile=device_profile(), icc_profile_type="prof")),
    ("thumbnail item", lambda: _heic(thumbnails=[128])),
    ("box after the end", lambda: _heic() + box(b"uuid", BYTES * 2 + thumbnail())),
    ("motion photo", lambda: _heic() + box(b"mpvd", movie())),
]


def _jp2(extra: bytes = b"", **options: object) -> bytes:
    data = saved(image(), "JPEG2000", irreversible=False, **options)
    at = data.index(b"jp2c") - 4
    return data[:at] + extra + data[at:]


_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
JP2 = [
    ("XML box", lambda: _jp2(box(b"xml ", BYTES))),
    ("EXIF in a uuid box", lambda: _jp2(box(b"uuid", b"JpgTiffExif->JP2" + exif_with_thumbnail()[6:]))),
    ("XMP in a uuid box", lambda: _jp2(box(b"uuid", _XMP_UUID + xmp_with_preview()))),
    ("comment in the codestream", lambda: _jp2(comment=MARKER)),
    ("bytes after the end", lambda: _jp2() + BYTES + thumbnail()),
]

PPM = [
    ("comment", lambda: saved(image(), "PPM").replace(b"P6\n", b"P6\n# " + BYTES + b"\n", 1)),
    ("bytes after the pixels", lambda: saved(image(), "PPM") + b"\n" + BYTES + thumbnail()),
]

_TABLES = {
    ".jpg": ("JPEG", metadata_jpeg.JPEG, 45.0, ""),
    ".png": ("PNG", metadata_png.PNG, None, ""),
    ".webp": ("WebP", WEBP, 40.0, ""),
    ".tif": ("TIFF", TIFF, None, ""),
    ".gif": ("GIF", GIF, None, ""),
    ".bmp": ("BMP", BMP, None, ""),
    ".avif": ("AVIF", AVIF, 40.0, ""),
    ".heic": ("HEIC", HEIC, 38.0, "pillow_heif"),
    ".jp2": ("JPEG 2000", JP2, None, ""),
    ".ppm": ("PPM", PPM, None, ""),
}

CASES = [
    Case(f"{format}: {title}", f"face{suffix}", make, group="metadata", decibels=decibels, needs=needs)
    for suffix, (format, table, decibels, needs) in _TABLES.items()
    for title, make in table
]
# Refusals: what no decoder takes, and what only an attacker makes.
_REFUSED = {
    "JPEG: JPG0 extension segment",
    "PNG: text that inflates to 50 MB",
    "PNG: profile that inflates to 50 MB",
}
CASES = [replace(case, expect=Expect.REFUSED) if case.title in _REFUSED else case for case in CASES]
