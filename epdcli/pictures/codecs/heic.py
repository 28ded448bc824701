"""HEIC through pillow-heif, where that is installed."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from epdcli.errors import PictureError
from epdcli.pictures.codecs.common import (
    Decoded,
    Extras,
    Source,
    check_size,
    common_profile,
    image_of,
    page_from,
    refusal,
)
from epdcli.pictures.codecs.media import check_colour, subsampling
from epdcli.pictures.encoding import Encoding, Mode, Page
from epdcli.pictures.metadata import collected
from epdcli.pictures.profile import neutral_profile

_QUALITY = 95


def decode(source: Source) -> Decoded:
    """All pictures of a HEIC file; thumbnails, depth and gain maps stay behind.

    The container's own turning applies, EXIF orientation does not (ISO/IEC 23008-12). Raises
    PictureError when pillow-heif is missing, and for more than 8 bits a sample.
    """
    heif = _pillow_heif(source.name)
    check_colour(source)
    file = heif.open_heif(io.BytesIO(source.data), convert_hdr_to_8bit=False)
    width, height = file.size
    check_size(source, width, height, len(file))
    pages = tuple(_page(source, image) for image in file)
    common_profile(pages, source)
    return Decoded(
        pages, None, {"chroma": subsampling(source.data).replace(":", "")}, collected(file.to_pillow())
    )


def encode(encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes:
    """The pages as HEIC, at a quality where a second encoding does little harm."""
    heif, target = _pillow_heif(encoding.format), io.BytesIO()
    file = heif.HeifFile()
    for page in pages:
        file.add_from_pillow(image_of(page))
    beside: dict[str, Any] = {"exif": extras.exif or None, "xmp": extras.mark or None}
    for image in file:
        image.info |= beside
        if encoding.profile:
            image.info |= {"icc_profile": encoding.profile, "icc_profile_type": "prof"}
    chroma = encoding.settings["chroma"]
    file.save(
        target, quality=_QUALITY, chroma=int(chroma) if chroma != "400" else None, primary_index=0, **beside
    )
    return target.getvalue()


def _page(source: Source, image: Any) -> Page:
    if image.mode not in ("L", "LA", "RGB", "RGBA"):
        raise refusal(source, f"has pixels of the kind {image.mode}")
    check_size(source, *image.size)
    mode = Mode(image.mode)
    samples = np.asarray(image.to_pillow())
    return page_from(samples, mode, profile=neutral_profile(image.info.get("icc_profile"), mode))


def _pillow_heif(name: str) -> Any:
    try:
        import pillow_heif
    except ImportError as error:
        raise PictureError(
            f"{name} is a HEIC picture, for which a package is missing.", hint="pip install 'epdcli[formats]'"
        ) from error
    return pillow_heif
