"""JPEG: segments, thumbnails, second pictures and trailers."""

from __future__ import annotations

import base64
import io
import struct
import zipfile

import numpy as np

from .planting import (
    BYTES,
    GPS,
    MARKER,
    box,
    device_profile,
    exif,
    exif_with_thumbnail,
    hidden_face,
    image,
    iptc,
    jpeg,
    movie,
    photoshop,
    photoshop_thumbnail,
    profile_with,
    saved,
    second_picture,
    segment,
    srgb_profile,
    thumbnail,
    with_second_picture,
    with_segment,
    xmp,
    xmp_with_preview,
)

_XAP = b"http://ns.adobe.com/xap/1.0/\0"


def _zip() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("face.jpg", thumbnail())
    return target.getvalue() + BYTES


def _extended_xmp() -> bytes:
    body = xmp_with_preview()
    head = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack(">II", len(body), 0)
    return with_segment(0xE1, head + body)


def _between_scans() -> bytes:
    data = saved(image(), "JPEG", quality=90, progressive=True)
    at = data.rindex(b"\xff\xda")
    return data[:at] + segment(0xFE, BYTES) + data[at:]


def _unused_table() -> bytes:
    return with_segment(0xDB, b"\3" + (BYTES * 4)[:64])


def _jfif_thumbnail() -> bytes:
    small = np.asarray(hidden_face().resize((24, 24))).tobytes()
    header = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\x18\x18" + small)
    return jpeg()[:2] + header + jpeg()[4 + int.from_bytes(jpeg()[4:6], "big") :]


def _apple_profile() -> bytes:
    return saved(image(), "JPEG", icc_profile=device_profile())


def _big_profile() -> bytes:
    return saved(image(), "JPEG", icc_profile=profile_with(b"mmod", BYTES.ljust(100_000, b"\0") + BYTES))


def _maker_note() -> bytes:
    return saved(image(), "JPEG", exif=exif({271: "Nikon"}, {0x927C: b"Nikon\0" + BYTES + thumbnail()}))


JPEG = [
    ("EXIF with GPS", lambda: saved(image(), "JPEG", exif=exif({}, gps=GPS))),
    (
        "EXIF with serial numbers",
        lambda: saved(image(), "JPEG", exif=exif({}, {0xA431: MARKER, 0xA435: MARKER})),
    ),
    ("EXIF maker note with preview", _maker_note),
    ("EXIF thumbnail of the face", lambda: saved(image(), "JPEG", exif=exif_with_thumbnail())),
    ("EXIF thumbnail, big-endian", lambda: saved(image(), "JPEG", exif=exif_with_thumbnail(">"))),
    ("EXIF artist and description", lambda: saved(image(), "JPEG", exif=exif({270: MARKER, 315: MARKER}))),
    (
        "EXIF XPAuthor in UTF-16",
        lambda: saved(image(), "JPEG", exif=exif({0x9C9D: MARKER.encode("utf-16-le")})),
    ),
    ("EXIF user comment", lambda: saved(image(), "JPEG", exif=exif({}, {0x9286: b"ASCII\0\0\0" + BYTES}))),
    (
        "EXIF twice",
        lambda: with_segment(0xE1, exif_with_thumbnail(), saved(image(), "JPEG", exif=exif({315: "x"}))),
    ),
    ("EXIF with an offset beyond its end", lambda: with_segment(0xE1, b"Exif\0\0II*\0\xff\xff\0\0" + BYTES)),
    (
        "EXIF that counts four billion values",
        lambda: with_segment(
            0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHII", 0x112, 3, 0xFFFFFFFF, 8) + BYTES
        ),
    ),
    (
        "EXIF directory that points to itself",
        lambda: with_segment(
            0xE1, b"Exif\0\0II*\0\x08\0\0\0\1\0" + struct.pack("<HHIII", 0x8769, 4, 1, 8, 8) + BYTES
        ),
    ),
    ("XMP", lambda: with_segment(0xE1, _XAP + xmp())),
    ("XMP with embedded preview", lambda: with_segment(0xE1, _XAP + xmp_with_preview())),
    ("extended XMP", _extended_xmp),
    (
        "XMP naming another source type",
        lambda: with_segment(
            0xE1,
            _XAP
            + xmp(attributes='xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" e:DigitalSourceType="x"'),
        ),
    ),
    ("IPTC in APP13", lambda: with_segment(0xED, iptc())),
    ("Photoshop thumbnail in APP13", lambda: with_segment(0xED, photoshop_thumbnail())),
    ("Photoshop path and caption", lambda: with_segment(0xED, photoshop(0x07D0, BYTES))),
    ("comment", lambda: with_segment(0xFE, BYTES)),
    ("thirty comments", lambda: with_segment(0xFE, BYTES, with_segment(0xFE, BYTES * 30))),
    ("comment between progressive scans", _between_scans),
    ("comment after the last scan", lambda: jpeg()[:-2] + segment(0xFE, BYTES) + jpeg()[-2:]),
    ("MPF second picture", lambda: with_second_picture(jpeg(), second_picture())),
    (
        "HDR gain map (Ultra HDR)",
        lambda: with_second_picture(
            with_segment(0xE1, _XAP + xmp(attributes='hdrgm:Version="1.0"')), second_picture()
        ),
    ),
    (
        "HDR gain map (ISO 21496-1)",
        lambda: with_segment(
            0xE2, b"urn:iso:std:iso:ts:21496:-1\0" + BYTES, with_second_picture(jpeg(), second_picture())
        ),
    ),
    (
        "depth map in XMP",
        lambda: with_segment(
            0xE1, _XAP + xmp(attributes=f'GDepth:Data="{base64.b64encode(thumbnail()).decode()}"')
        ),
    ),
    ("motion photo", lambda: jpeg() + movie()),
    ("Samsung trailer", lambda: jpeg() + b"\0\0\x01\x0a" + BYTES + thumbnail() + b"SEFT"),
    ("bytes after the end", lambda: jpeg() + BYTES),
    ("second JPEG after the end", lambda: jpeg() + second_picture()),
    ("zip archive after the end", lambda: jpeg() + _zip()),
    ("JFIF thumbnail", _jfif_thumbnail),
    ("JFXX thumbnail", lambda: with_segment(0xE0, b"JFXX\0\x10" + thumbnail())),
    ("content credentials (JUMBF)", lambda: with_segment(0xEB, b"JP\0\1\0\0\0\1" + box(b"jumb", BYTES))),
    ("APP12 Ducky", lambda: with_segment(0xEC, b"Ducky\0" + BYTES)),
    ("FlashPix", lambda: with_segment(0xE2, b"FPXR\0" + BYTES + thumbnail())),
    ("APP3 Meta", lambda: with_segment(0xE3, b"Meta\0\0" + exif_with_thumbnail()[6:])),
    ("unknown APP15", lambda: with_segment(0xEF, BYTES)),
    ("JPG0 extension segment", lambda: with_segment(0xF0, BYTES)),
    ("overlong Adobe segment", lambda: with_segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + BYTES)),
    ("stray bytes between segments", lambda: jpeg()[:20] + BYTES + jpeg()[20:]),
    ("unused quantisation table", _unused_table),
    ("profile that names the device", _apple_profile),
    ("profile in several pieces, private tag", _big_profile),
    ("profile with bytes behind its end", lambda: saved(image(), "JPEG", icc_profile=srgb_profile() + BYTES)),
    ("profile that is damaged", lambda: saved(image(), "JPEG", icc_profile=srgb_profile()[:90] + BYTES)),
    ("profile that is no profile", lambda: saved(image(), "JPEG", icc_profile=BYTES + thumbnail())),
]
