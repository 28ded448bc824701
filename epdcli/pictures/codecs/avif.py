"""AVIF of 8 bits, still and animated."""

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
from epdcli.pictures.codecs.media import check_colour, subsampling
from epdcli.pictures.encoding import Encoding, Page

_QUALITY = 95


def decode(source: Source) -> Decoded:
    """All frames of an AVIF file. Raises PictureError for more than 8 bits and for HDR colour."""
    check_colour(source)
    image: Any = open_image(source)
    orientation, pages = orientation_of(image), []
    for number in range(image.n_frames):
        image.seek(number)
        image.load()
        page = page_of(image, source, orientation=orientation)
        pages.append(replace(page, milliseconds=int(image.info.get("duration", 0))))
    return Decoded(tuple(pages), None, {"subsampling": subsampling(source.data)}, kept_values(image))


def encode(encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes:
    """The pages as AVIF, at a quality where a second encoding does little harm."""
    target = io.BytesIO()
    options: dict[str, Any] = {"quality": _QUALITY, "subsampling": encoding.settings["subsampling"]}
    if encoding.profile:
        options["icc_profile"] = encoding.profile
    if len(pages) > 1:
        options |= {
            "save_all": True,
            "append_images": [image_of(page) for page in pages[1:]],
            "duration": [round(page.milliseconds) for page in pages],
        }
    image_of(pages[0]).save(target, "AVIF", **options, **extras.options("xmp", "exif"))
    return target.getvalue()
