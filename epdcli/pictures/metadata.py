"""The little that a released file may say besides its pixels: the mark, and values kept by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

SOURCE_TYPE = "compositeWithTrainedAlgorithmicMedia"
"""IPTC's digital source type of a picture in which a part was made by a trained network."""

MARK = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
    b"<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/"
    + SOURCE_TYPE.encode()
    + b"</Iptc4xmpExt:DigitalSourceType>"
    b'</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)
"""The XMP packet of a picture with a generated face (IPTC's list of digital source types)."""


class Keep(StrEnum):
    """What `--keep` may name. Nothing that can hold a picture, a serial number or a person's name."""

    DATE = "date"
    GPS = "gps"
    CAMERA = "camera"


_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_MAKE, _MODEL, _TAKEN = 0x010F, 0x0110, 0x9003
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 1, 2, 3, 4
_DATE = re.compile(r"\d{4}:\d{2}:\d{2} \d{2}:\d{2}:\d{2}")
_NAME = re.compile(r"[A-Za-z0-9 ._()/+-]{1,40}")
_STEPS = 10_000  # of a degree's part: a second in ten thousandths is 3 mm


def collected(image: Image.Image) -> dict[str, Any]:
    """The few EXIF values that may be kept, by Keep's names, checked for their form.

    Each is taken apart and put together again, so that no other byte of the EXIF block survives.
    """
    try:
        exif = image.getexif()
        taken, gps = exif.get_ifd(_EXIF_IFD).get(_TAKEN, ""), exif.get_ifd(_GPS_IFD)
    except Exception:  # a damaged block has nothing to keep
        return {}
    found: dict[str, Any] = {}
    if _DATE.fullmatch(date := str(taken).strip("\0 ")):
        found[Keep.DATE] = date
    camera = tuple(str(exif.get(tag, "")).strip("\0 ") for tag in (_MAKE, _MODEL))
    if all(_NAME.fullmatch(word) for word in camera):
        found[Keep.CAMERA] = camera
    place = (_angle(gps, _LATITUDE_REF, "NS", 90), _angle(gps, _LONGITUDE_REF, "EW", 180))
    if None not in place:
        found[Keep.GPS] = place
    return found


def exif_packet(values: Mapping[str, Any], keep: frozenset[Keep]) -> bytes:
    """The kept values as an EXIF block (a small TIFF, without the word "Exif"); empty when none is kept."""
    exif = Image.Exif()
    if Keep.CAMERA in keep and Keep.CAMERA in values:
        exif[_MAKE], exif[_MODEL] = values[Keep.CAMERA]
    if Keep.DATE in keep and Keep.DATE in values:
        exif.get_ifd(_EXIF_IFD)[_TAKEN] = values[Keep.DATE]
    if Keep.GPS in keep and Keep.GPS in values:
        (south, latitude), (west, longitude) = values[Keep.GPS]
        exif.get_ifd(_GPS_IFD).update(
            {
                _LATITUDE_REF: south,
                _LATITUDE: tuple(map(_rational, latitude)),
                _LONGITUDE_REF: west,
                _LONGITUDE: tuple(map(_rational, longitude)),
            }
        )
    if not len(exif) and not exif.get_ifd(_EXIF_IFD) and not exif.get_ifd(_GPS_IFD):
        return b""
    return exif.tobytes().removeprefix(b"Exif\0\0")


def _angle(gps: Mapping[int, Any], reference: int, letters: str, limit: int) -> Any:
    try:
        letter, parts = str(gps[reference]).strip("\0 "), [float(part) for part in gps[reference + 1]]
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    steps = tuple(round(part * _STEPS) for part in parts)
    within = len(parts) == 3 and 0 <= parts[0] <= limit and all(0 <= part < 60 for part in parts[1:])
    return (letter, steps) if letter in tuple(letters) and within else None


def _rational(steps: int) -> IFDRational:
    return IFDRational(steps, _STEPS)
