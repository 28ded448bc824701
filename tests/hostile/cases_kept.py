"""What may stay when it is asked for by name, and what must not come with it; names that say nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from epdcli.pictures import Keep

from . import cases_broken
from .case import Case
from .planting import BYTES, CAMERA, GPS, MARKER, TAKEN, exif, heic, image, jpeg, saved, thumbnail

_ALL = frozenset(Keep)
_MAKE, _MODEL, _ARTIST, _DATE, _SERIAL, _MAKER_NOTE = 271, 272, 315, 0x9003, 0xA431, 0x927C


def _block(tags: dict[int, Any], sub: dict[int, Any], gps: dict[int, Any]) -> bytes:
    """An EXIF block of a camera that knows its owner, changed by what a case plants."""
    tags = {_MAKE: CAMERA[0], _MODEL: CAMERA[1], _ARTIST: MARKER, 306: TAKEN, **tags}
    note = b"Nikon\0" + BYTES + thumbnail()
    sub = {_DATE: TAKEN, 0x9004: TAKEN, _SERIAL: MARKER, _MAKER_NOTE: note, **sub}
    return exif(tags, sub, GPS | {0x1D: "2024:05:06", 0x1C: BYTES} | gps)


def _picture(
    format: str,
    tags: dict[int, Any] | None = None,
    sub: dict[int, Any] | None = None,
    gps: dict[int, Any] | None = None,
) -> bytes:
    return saved(image(), format, exif=_block(tags or {}, sub or {}, gps or {}))


def _heic() -> bytes:
    return heic(image(), exif=_block({}, {}, {}))


def _safe(*names: Keep) -> tuple[str, ...]:
    return ("--metadata", "safe", "--keep", ",".join(names))


def _kept(title: str, make: Callable[[], bytes], stays: frozenset[Keep], suffix: str = ".jpg") -> Case:
    decibels = {".jpg": 45.0, ".png": None, ".tif": None, ".heic": 38.0}.get(suffix, 40.0)
    needs = "pillow_heif" if suffix == ".heic" else ""
    case = Case(f"kept: {title}", f"face{suffix}", make, group="kept", decibels=decibels, needs=needs)
    return replace(case, options=_safe(*Keep), stays=stays)


_HOLD = {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".avif": "AVIF"}
_TWISTED = [
    ("a date that is a name", {"sub": {_DATE: MARKER}}, Keep.DATE),
    ("a date with more behind it", {"sub": {_DATE: f"{TAKEN} {MARKER}"}}, Keep.DATE),
    ("a date of other digits", {"sub": {_DATE: "２０２４:05:06 07:08:09".encode()}}, Keep.DATE),
    ("a camera that is a text", {"tags": {_MODEL: MARKER * 9}}, Keep.CAMERA),
    ("a camera of odd characters", {"tags": {_MODEL: f"<{MARKER}>"}}, Keep.CAMERA),
    ("a place beyond the pole", {"gps": {2: (148.0, 51.0, 30.0)}}, Keep.GPS),
    ("a place without an end", {"gps": {2: (48.0, 51.0, 1e9)}}, Keep.GPS),
    ("a place of two numbers", {"gps": {2: (48.0, 51.0)}}, Keep.GPS),
    ("a hemisphere that is a name", {"gps": {1: MARKER}}, Keep.GPS),
]

CASES = [
    *(
        _kept(f"all that can be, {format}", partial(_picture, format), _ALL, suffix)
        for suffix, format in _HOLD.items()
    ),
    _kept("all that can be, HEIC", _heic, _ALL, ".heic"),
    _kept("nothing, where TIFF holds it elsewhere", partial(_picture, "TIFF"), frozenset(), ".tif"),
    *(_kept(title, partial(_picture, "JPEG", **changed), _ALL - {lost}) for title, changed, lost in _TWISTED),
    *(
        replace(
            _kept(f"{name.value} and nothing else", partial(_picture, "JPEG"), frozenset({name})),
            options=_safe(name),
        )
        for name in Keep
    ),
    *(
        Case(f"renamed: {title}", name, jpeg, group="names", decibels=45.0, options=("--rename", "hash"))
        for title, name in (*cases_broken.NAMES, ("a person's name", f"{MARKER}.jpg"))
    ),
]
