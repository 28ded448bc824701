"""BMP: no metadata to speak of, and no place for any."""

from __future__ import annotations

import io

from epdcli.pictures.codecs.common import (
    Decoded,
    Extras,
    Source,
    dpi_of,
    image_of,
    open_image,
    page_of,
    refusal,
)
from epdcli.pictures.encoding import Encoding, Page


def decode(source: Source) -> Decoded:
    """The picture of a BMP file. Palettes of 1 to 4 bits come back with 8, their pixels the same.

    Raises PictureError for one with alpha, which Pillow reads and can't write.
    """
    image = open_image(source)
    if image.mode == "RGBA":
        raise refusal(source, "has an alpha channel", hint="Convert it to PNG.")
    image.info.pop("icc_profile", None)
    return Decoded((page_of(image, source),), dpi_of(image))


def encode(encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes:
    """The page as BMP; neither the mark nor a profile finds room in it."""
    target = io.BytesIO()
    image_of(pages[0]).save(target, "BMP", dpi=encoding.dpi or (0, 0))
    return target.getvalue()
