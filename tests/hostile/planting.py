"""The face that must not leak, the marker that must not leak, and how to plant both in a file.

The face is NASA's portrait of Eileen Collins (public domain), as scikit-image ships it.
"""

from __future__ import annotations

import base64
import io
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from epdcli.pictures import Keep

MARKER = "epd-marker-7f3a91c5"  # planted in every hiding place; found in an output, it is a leak
BYTES = MARKER.encode()
FACE = (slice(50, 200), slice(80, 205))  # where the face is in the portrait: rows, columns
INNER = (slice(85, 175), slice(105, 180))  # from brow to chin, without hair


@cache
def portrait() -> NDArray[np.uint8]:
    """288 x 288 x 3 RGB with one face of about 110 px."""
    from skimage.data import astronaut

    pixels = np.ascontiguousarray(astronaut()[:288, 80:368])
    pixels.setflags(write=False)
    return pixels


def image(mode: str = "RGB") -> Image.Image:
    return Image.fromarray(portrait()).convert(mode)


def hidden_face() -> Image.Image:
    """The face alone: what thumbnails, previews and second pictures show."""
    return Image.fromarray(portrait()[40:210, 60:230])


@cache
def thumbnail() -> bytes:
    """The face as a small JPEG, as cameras put it into EXIF."""
    return saved(hidden_face().resize((120, 120)), "JPEG", quality=70)


@cache
def second_picture() -> bytes:
    """The face as a larger JPEG: what a second picture, a gain map or a preview shows."""
    return saved(hidden_face(), "JPEG", quality=80)


def saved(picture: Image.Image, format: str, **options: Any) -> bytes:
    target = io.BytesIO()
    picture.save(target, format, **options)
    return target.getvalue()


@cache
def jpeg() -> bytes:
    return saved(image(), "JPEG", quality=90)


@cache
def png() -> bytes:
    return saved(image(), "PNG")


@cache
def webp() -> bytes:
    return saved(image(), "WEBP", quality=90)


def heic(picture: Image.Image, **options: Any) -> bytes:
    """A HEIC file, as pillow-heif writes it."""
    import pillow_heif

    target = io.BytesIO()
    pillow_heif.from_pillow(picture).save(target, **{"quality": 90, **options})
    return target.getvalue()


# --- EXIF ---------------------------------------------------------------------------------------


def exif(tags: dict[int, Any], sub: dict[int, Any] | None = None, gps: dict[int, Any] | None = None) -> bytes:
    """An EXIF block with the word "Exif" in front."""
    block = Image.Exif()
    for tag, value in tags.items():
        block[tag] = value
    block.get_ifd(0x8769).update(sub or {})
    block.get_ifd(0x8825).update(gps or {})
    return block.tobytes()


def exif_with_thumbnail(order: str = "<") -> bytes:
    """An EXIF block whose second directory holds the face (tags 513 and 514)."""
    text = BYTES + b"\0"
    start = 68 + len(text)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    first = struct.pack(order + "HHHIII", 1, 0x010E, 2, len(text), 68, 26)
    second = struct.pack(order + "HHHIHH", 3, 0x0103, 3, 1, 6, 0)
    second += struct.pack(order + "HHII", 0x0201, 4, 1, start)
    second += struct.pack(order + "HHII", 0x0202, 4, 1, len(thumbnail()))
    return b"Exif\0\0" + head + first + second + struct.pack(order + "I", 0) + text + thumbnail()


# The values that --keep may ask for: planted so, and so exiftool (-G1 -n) must find them again.
CAMERA, TAKEN = ("Maker", "Model 5"), "2024:05:06 07:08:09"
KEPT: dict[Keep, dict[str, object]] = {
    Keep.CAMERA: {"IFD0:Make": CAMERA[0], "IFD0:Model": CAMERA[1]},
    Keep.DATE: {"ExifIFD:DateTimeOriginal": TAKEN},
    Keep.GPS: {
        "GPS:GPSLatitudeRef": "N",
        "GPS:GPSLatitude": 48.8583333333333,
        "GPS:GPSLongitudeRef": "E",
        "GPS:GPSLongitude": 2.29444444444444,
        "Composite:GPSLatitude": 48.8583333333333,
        "Composite:GPSLongitude": 2.29444444444444,
        "Composite:GPSPosition": "48.8583333333333 2.29444444444444",
    },
}
GPS = {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0), 0x1B: BYTES}

# --- JPEG ---------------------------------------------------------------------------------------


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def with_segment(marker: int, content: bytes, data: bytes | None = None) -> bytes:
    """A JPEG file with one more segment behind its JFIF header."""
    data = jpeg() if data is None else data
    at = 4 + int.from_bytes(data[4:6], "big") if data[2:4] == b"\xff\xe0" else 2
    return data[:at] + segment(marker, content) + data[at:]


def xmp(body: str = "", attributes: str = "") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpGImg="http://ns.adobe.com/xap/1.0/g/img/"'
        ' xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"'
        ' xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/"'
        f' dc:source="{MARKER}" {attributes}>{body}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def xmp_with_preview() -> bytes:
    encoded = base64.b64encode(thumbnail()).decode()
    return xmp(
        "<xmp:Thumbnails><rdf:Alt><rdf:li rdf:parseType='Resource'><xmpGImg:format>JPEG</xmpGImg:format>"
        f"<xmpGImg:image>{encoded}</xmpGImg:image></rdf:li></rdf:Alt></xmp:Thumbnails>"
    )


def photoshop(number: int, content: bytes) -> bytes:
    resource = b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + bytes(len(content) % 2)
    return b"Photoshop 3.0\0" + resource


def iptc() -> bytes:
    records = b"".join(
        struct.pack(">BBBH", 0x1C, 2, number, len(BYTES)) + BYTES for number in (80, 90, 105, 120)
    )
    return photoshop(0x0404, records)


def photoshop_thumbnail() -> bytes:
    head = struct.pack(">IIIIIIHH", 1, 120, 120, 360, 43200, len(thumbnail()), 24, 1)
    return photoshop(0x040C, head + thumbnail())


def with_second_picture(main: bytes, other: bytes) -> bytes:
    """A JPEG file with an MPF list (CIPA DC-007) and a second picture behind the first."""
    entries = struct.pack("<IIIHH", 0x20030000, 0, 0, 0, 0) + struct.pack(
        "<IIIHH", 0x00020002, len(other), 0, 0, 0
    )
    directory = struct.pack("<H", 3)
    directory += struct.pack("<HHI4s", 0xB000, 7, 4, b"0100")
    directory += struct.pack("<HHII", 0xB001, 4, 1, 2)
    directory += struct.pack("<HHII", 0xB002, 7, 32, 8 + 2 + 36 + 4)
    index = b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", 0) + entries
    whole = with_segment(0xE2, b"MPF\0" + index, main)
    at = whole.index(b"MPF\0") + 4
    fixed = bytearray(whole)
    struct.pack_into("<I", fixed, at + 50 + 4, len(whole))
    struct.pack_into("<I", fixed, at + 50 + 16 + 8, len(whole) - at)
    return bytes(fixed) + other


# --- PNG, RIFF, boxes ---------------------------------------------------------------------------


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def with_chunk(name: bytes, content: bytes, data: bytes | None = None) -> bytes:
    """A PNG file with one more chunk behind its header."""
    data = png() if data is None else data
    return data[:33] + chunk(name, content) + data[33:]


def png_of(header: tuple[int, int, int, int, int], rows: bytes, *chunks: bytes) -> bytes:
    """A PNG file of raw filtered rows; the header is width, height, depth, colour type, interlace."""
    width, height, depth, colour, interlace = header
    top = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))
    return (
        b"\x89PNG\r\n\x1a\n"
        + top
        + b"".join(chunks)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def with_riff_chunk(name: bytes, content: bytes, data: bytes | None = None) -> bytes:
    data = webp() if data is None else data
    whole = data + name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def movie() -> bytes:
    """The trailer of a motion photo: an MP4 that holds the marker and the face."""
    return box(b"ftyp", b"mp42\0\0\0\0isommp42") + box(b"mdat", BYTES + thumbnail())


# --- colour profiles ----------------------------------------------------------------------------


@cache
def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def profile_with(tag: bytes, content: bytes, profile: bytes | None = None) -> bytes:
    """A colour profile with one more tag."""
    profile = srgb_profile() if profile is None else profile
    (count,) = struct.unpack_from(">I", profile, 128)
    table, data = profile[132 : 132 + 12 * count], profile[132 + 12 * count :]
    moved = b"".join(
        struct.pack(">4sII", name, offset + 12, size)
        for name, offset, size in struct.iter_unpack(">4sII", table)
        if name != tag
    )
    kept = len(moved) // 12
    moved = b"".join(
        struct.pack(">4sII", name, offset + 12 * (kept - count), size)
        for name, offset, size in struct.iter_unpack(">4sII", moved)
    )
    content += bytes(-len(content) % 4)
    start = 132 + 12 * (kept + 1) + len(data)
    body = (
        profile[4:128] + struct.pack(">I", kept + 1) + moved + struct.pack(">4sII", tag, start, len(content))
    )
    return struct.pack(">I", start + len(content)) + body + data + content


def device_profile() -> bytes:
    """A profile that names the device and its owner."""
    text = b"desc\0\0\0\0" + struct.pack(">I", len(BYTES) + 1) + BYTES + b"\0" + bytes(78)
    return profile_with(b"dmdd", text)


def wide_gamut_profile() -> bytes:
    """Display P3: the D50-adapted primaries of its specification, sRGB's curve."""

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    profile = profile_with(b"rXYZ", xyz(0.51512, 0.2412, -0.00105))
    profile = profile_with(b"gXYZ", xyz(0.29198, 0.69225, 0.04189), profile)
    return profile_with(b"bXYZ", xyz(0.1571, 0.06657, 0.78407), profile)


# --- what transparency and palettes hide --------------------------------------------------------


def hidden_under_alpha(mode: str) -> Image.Image:
    """The portrait, and beside it the portrait again, fully transparent."""
    shown = Image.fromarray(np.hstack([portrait(), portrait()])).convert(mode)
    alpha = np.full((288, 576), 255, np.uint8)
    alpha[:, 288:] = 0
    shown.putalpha(Image.fromarray(alpha))
    return shown


def unused_palette() -> bytes:
    reduced = image().quantize(100)
    palette = (reduced.getpalette() or [])[:300]
    reduced.putpalette(palette + list((BYTES * 30)[:468]))
    return saved(reduced, "PNG")
