"""WebP, lossy and lossless, still and animated."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

from epdcli.pictures.codecs.common import (
    Decoded,
    Extras,
    Source,
    image_of,
    kept_values,
    open_image,
    orientation_of,
    page_of,
)
from epdcli.pictures.containers.riff import chunks
from epdcli.pictures.encoding import Encoding, Page

_ALPHA = 0x10  # of VP8X's flags
_QUALITY = 95  # WebP has no tables to take over; at 95 a second encoding costs about 45 dB


def decode(source: Source) -> Decoded:
    """All frames of a WebP file, as they are shown."""
    image: Any = open_image(source)
    orientation, pages = orientation_of(image), []
    for number in range(image.n_frames):
        image.seek(number)
        image.load()
        page = page_of(image, source, orientation=orientation)
        pages.append(replace(page, milliseconds=int(image.info.get("duration", 0))))
    settings = {"lossless": _is_lossless(source.data), "loop": image.info.get("loop", 0)}
    return Decoded(tuple(pages), None, settings, kept_values(image))


def encode(encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes:
    """The pages as WebP; a lossless file stays lossless, also under transparency."""
    target = io.BytesIO()
    options: dict[str, Any] = {"exact": True, "quality": _QUALITY, "method": 4}
    if encoding.settings["lossless"]:
        options |= {"lossless": True, "quality": 80}
    if encoding.profile:
        options["icc_profile"] = encoding.profile
    if len(pages) > 1:
        options |= {
            "save_all": True,
            "append_images": [image_of(page) for page in pages[1:]],
            "duration": [round(page.milliseconds) for page in pages],
            "loop": encoding.settings["loop"],
        }
    image_of(pages[0]).save(target, "WEBP", **options, **extras.options("xmp", "exif"))
    data = target.getvalue()
    return _with_alpha_flag(data, pages[0].has_alpha) if len(pages) > 1 else data


def _with_alpha_flag(data: bytes, clear: bool) -> bytes:
    """The animation said to be transparent, or not. libwebp goes by the frames: it cuts clear margins off, so
    that no clear pixel may be left in them, and leaves out what hasn't changed, so that some may be."""
    assert data[12:16] == b"VP8X"
    return data[:20] + bytes([data[20] | _ALPHA if clear else data[20] & ~_ALPHA]) + data[21:]


def _is_lossless(data: bytes) -> bool:
    names = [name for name, _, _ in chunks(data)]
    for name, _, content in chunks(data):
        if name == b"ANMF":
            names += [inner for inner, _, _ in chunks(content, 16)]
    return b"VP8L" in names and b"VP8 " not in names
