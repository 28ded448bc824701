"""JPEG as it was: the source's quantisation tables, subsampling and scan order, and its untouched blocks."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from epdcli.pictures.codecs import jpeg_blocks
from epdcli.pictures.codecs.common import (
    Decoded,
    Extras,
    Source,
    dpi_of,
    image_of,
    kept_values,
    open_image,
    orientation_of,
    page_of,
    refusal,
)
from epdcli.pictures.containers.jpeg import segments
from epdcli.pictures.encoding import Encoding, Page
from epdcli.pictures.profile import adobe_rgb

_READ = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}  # baseline, extended, progressive; the last two arithmetic
_OTHERS = {0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}
_PROGRESSIVE = {0xC2, 0xCA}
_EXIF_IFD, _INTEROPERABILITY, _COLOUR_SPACE = 0x8769, 0xA005, 0xA001


def decode(source: Source) -> Decoded:
    """The first picture of a JPEG file, upright; previews, gain maps and further pictures stay behind.

    Raises PictureError for the kinds that can't be written again: lossless, hierarchical, 12 bits.
    """
    marker, frame = next(
        (marker, content) for marker, _, content in segments(source.data) if marker in _READ | _OTHERS
    )
    if marker in _OTHERS or frame[0] != 8:
        kind = f"{frame[0]} bits a sample" if frame[0] != 8 else "a lossless or hierarchical process"
        raise refusal(source, f"is a JPEG with {kind}", hint="Convert it to 8-bit JPEG or to TIFF.")
    image = open_image(source)
    orientation = orientation_of(image)
    # A picture that was turned has other blocks; inks may be stored upside down.
    blocks = source.data if orientation == 1 and frame[5] in (1, 3) and jpeg_blocks.available() else None
    if "icc_profile" not in image.info and frame[5] == 3 and _is_adobe_rgb(image):
        image.info["icc_profile"] = adobe_rgb()
    return Decoded(
        pages=(page_of(image, source, orientation=orientation),),
        dpi=dpi_of(image, orientation),
        settings={
            "blocks": blocks,
            **_settings(image, frame, marker in _PROGRESSIVE, turned=orientation >= 5),
        },
        exif=kept_values(image),
    )


def encode(encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes:
    """The page as JPEG with the source's tables, and with its very blocks where nothing is new and that can
    be done here; other blocks lose a little, once."""
    target = io.BytesIO()
    options: dict[str, Any] = dict(encoding.settings)
    old = options.pop("blocks")
    if encoding.dpi:
        options["dpi"] = encoding.dpi
    if encoding.profile:
        options["icc_profile"] = encoding.profile
    # Blocks are written with codes of their own.
    options["optimize"] = old is None
    image_of(pages[0]).save(target, "JPEG", **options, **extras.options("xmp", "exif"))
    data, touched = target.getvalue(), pages[0].touched
    if old is None:
        return data
    if touched is None:
        touched = np.zeros(pages[0].size, dtype=bool)
    return jpeg_blocks.with_old_blocks(old, data, touched)


def _is_adobe_rgb(image: Any) -> bool:
    """Whether EXIF alone says so, as cameras do (DCF 2.0: interoperability R03; others: colour space 2).

    EXIF is dropped, so that the colours need a profile to stay what they are.
    """
    try:
        exif = image.getexif()
        index = str(exif.get_ifd(_INTEROPERABILITY).get(1, ""))
        return index.strip("\0 ") == "R03" or exif.get_ifd(_EXIF_IFD).get(_COLOUR_SPACE) == 2
    except Exception:  # a damaged block says nothing
        return False


def _settings(image: Any, frame: bytes, progressive: bool, turned: bool) -> dict[str, Any]:
    """What Pillow's encoder is told; tables go by component, as libjpeg numbers them on writing."""
    assert isinstance(image, JpegImageFile)
    components = range(frame[5])
    tables = [list(image.quantization[frame[8 + 3 * component]]) for component in components]
    if turned:
        tables = [np.array(table).reshape(8, 8).T.ravel().tolist() for table in tables]
    if len(tables) == 4 and image.info.get("adobe_transform") == 2:
        tables = tables[:1]  # YCCK comes back as CMYK, all of whose inks need the finer table
    while len(tables) > 1 and tables[-1] == tables[-2]:
        tables.pop()
    names = bytes(frame[6 + 3 * component] for component in components)
    sampling = get_sampling(image)
    if sampling < 0 or (turned and sampling == 1):  # Pillow can't write 4:4:0 and the like
        sampling = 0
    return {
        "qtables": tables,
        "subsampling": sampling,
        "progressive": progressive,
        "keep_rgb": frame[5] == 3 and (image.info.get("adobe_transform") == 0 or names == b"RGB"),
    }
