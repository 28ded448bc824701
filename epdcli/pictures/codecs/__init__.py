"""One module a format: `decode` makes pages of a file's bytes, `encode` makes bytes of pages."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from epdcli.pictures.codecs.common import Decoded, Extras, Source
from epdcli.pictures.encoding import Encoding, Page

_MODULES = {
    "JPEG": "jpeg",
    "PNG": "png",
    "WebP": "webp",
    "TIFF": "tiff",
    "BMP": "bmp",
    "GIF": "gif",
    "AVIF": "avif",
    "HEIC": "heic",
    "JPEG 2000": "jpeg2000",
    "PPM": "ppm",
}


class Codec(Protocol):
    """What each module here offers."""

    def decode(self, source: Source) -> Decoded: ...

    def encode(self, encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes: ...


def codec(format: str) -> Codec:
    """The codec of a format, by its name in FORMATS; imported when it is first asked for."""
    return cast(Codec, import_module(f"epdcli.pictures.codecs.{_MODULES[format]}"))


__all__ = ["Codec", "Decoded", "Extras", "Source", "codec"]
