"""TIFF with all its pages: Pillow for what it keeps exactly, tifffile for deep colour."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
from PIL import UnidentifiedImageError

from epdcli.errors import PictureError
from epdcli.pictures.codecs.common import (
    Decoded,
    Extras,
    Source,
    common_profile,
    dpi_of,
    image_of,
    open_image,
    page_from,
    page_of,
    refusal,
)
from epdcli.pictures.encoding import Encoding, Mode, Page
from epdcli.pictures.formats import raw_refusal
from epdcli.pictures.planes import upright
from epdcli.pictures.profile import neutral_profile

_SUBFILE, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION, _FORMAT, _EXTRA = 254, 258, 259, 262, 274, 339, 338
_SUB_DIRECTORIES, _DNG, _DESCRIPTION = 330, 50706, 270
_REDUCED, _MASK = 1, 4
_RAW_PHOTOMETRICS = (32803, 34892)
_LOSSLESS = {
    "raw",
    "tiff_lzw",
    "tiff_adobe_deflate",
    "tiff_deflate",
    "packbits",
    "group3",
    "group4",
    "lzma",
    "zstd",
}
# photometric, bits of each sample, sample format, extra samples
_SHALLOW = {
    *((photometric, (bits,), 1, ()) for photometric in (0, 1, 3) for bits in (1, 2, 4, 8)),
    *((photometric, (16,), 1, ()) for photometric in (0, 1)),
    (1, (32,), 3, ()),
    (1, (8, 8), 1, (2,)),
    (2, (8, 8, 8), 1, ()),
    (2, (8, 8, 8, 8), 1, (2,)),
    (5, (8, 8, 8, 8), 1, ()),
    (6, (8, 8, 8), 1, ()),
}
_DEEP = {
    (2, (16, 16, 16), 1, ()): Mode.RGB,
    (2, (16, 16, 16, 16), 1, (2,)): Mode.RGBA,
}


def decode(source: Source) -> Decoded:
    """All pages of a TIFF file; reduced copies of another page are left behind.

    Raises PictureError for camera raw files in TIFF's clothes and for pages that can't be kept.
    """
    try:
        image: Any = open_image(source)
    except UnidentifiedImageError as error:
        raise refusal(source, "is a TIFF of an unusual kind") from error
    if _images_of_imagej(image) > image.n_frames:
        raise refusal(
            source, "holds a stack of ImageJ's without its pages", hint="Save it as an image sequence."
        )
    pages: list[Page] = []
    compressions: set[str] = set()
    dpi = None
    for number in range(image.n_frames):
        image.seek(number)
        tags = image.tag_v2
        if _DNG in tags or tags.get(_PHOTOMETRIC) in _RAW_PHOTOMETRICS:
            raise raw_refusal(source.name)
        if tags.get(_SUBFILE, 0) & _REDUCED:
            if number == 0:
                raise (
                    raw_refusal(source.name)
                    if _SUB_DIRECTORIES in tags
                    else refusal(source, "begins with a preview")
                )
            continue
        compressions.add(image.info.get("compression", "raw"))
        orientation = tags.get(_ORIENTATION, 1)
        if not pages and 282 in tags:
            dpi = dpi_of(image, orientation)
        pages.append(_page(source, image, number, orientation))
        if sum(page.size[0] * page.size[1] for page in pages) > source.max_pixels:
            raise PictureError(
                f"{source.name} has more pixels than {source.max_pixels:,}.", hint="Raise --max-pixels."
            )
    common_profile(pages, source)
    if len({_is_deep(page) for page in pages}) > 1:
        raise refusal(source, "mixes pages of 16-bit colour with others", hint="Split it into its pages.")
    compression = compressions.pop() if len(compressions) == 1 else "tiff_adobe_deflate"
    settings = {
        "compression": compression if compression in _LOSSLESS else "tiff_adobe_deflate",
        "big": source.data[2:4] in (b"+\0", b"\0+"),
    }
    return Decoded(tuple(pages), dpi, settings)


def _images_of_imagej(image: Any) -> int:
    """How many pictures ImageJ says there are: of stacks beyond 4 GB it writes one directory for all."""
    found = re.match(
        r"ImageJ=.*?^images=(\d{1,9})$", str(image.tag_v2.get(_DESCRIPTION, "")), re.DOTALL | re.MULTILINE
    )
    return int(found[1]) if found else 1


def encode(encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes:
    """The pages as TIFF, compressed as before where that loses nothing, with deflate otherwise."""
    return (_by_tifffile if _is_deep(pages[0]) else _by_pillow)(encoding, pages, extras)


def _by_pillow(encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes:
    target = io.BytesIO()
    options: dict[str, Any] = {
        "compression": encoding.settings["compression"],
        "big_tiff": encoding.settings["big"],
    }
    if encoding.profile:
        options["icc_profile"] = encoding.profile
    if encoding.dpi:
        options["dpi"] = encoding.dpi
    if extras.mark:
        options["tiffinfo"] = {700: extras.mark}
    if len(pages) > 1:
        options |= {"save_all": True, "append_images": [image_of(page) for page in pages[1:]]}
    image_of(pages[0]).save(target, "TIFF", **options)
    return target.getvalue()


def _by_tifffile(encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes:
    tifffile, target = _tifffile(), io.BytesIO()
    with tifffile.TiffWriter(target, bigtiff=encoding.settings["big"]) as writer:
        for page in pages:
            writer.write(
                page.planes,
                photometric="rgb",
                extrasamples=["unassalpha"] if page.has_alpha else None,
                compression=None if encoding.settings["compression"] == "raw" else "zlib",
                resolution=encoding.dpi,
                resolutionunit="INCH" if encoding.dpi else None,
                iccprofile=encoding.profile,
                extratags=[(700, 1, len(extras.mark), extras.mark, True)] if extras.mark else (),
                metadata=None,
                software=False,
            )
    return target.getvalue()


def _page(source: Source, image: Any, number: int, orientation: int) -> Page:
    tags = image.tag_v2
    bits = tags.get(_BITS, (1,))
    form = (
        tags.get(_PHOTOMETRIC, 0),
        tuple(bits),
        max(tags.get(_FORMAT, (1,))),
        tuple(tags.get(_EXTRA, ())),
    )
    if form in _DEEP:
        return _deep(source, image, number, orientation, _DEEP[form])
    if form not in _SHALLOW or tags.get(_SUBFILE, 0) & _MASK:
        raise refusal(source, f"has a page of an unusual kind {form}")
    page = page_of(image, source, bits=bits[0])  # Pillow turns TIFF pages upright by itself
    if form[0] == 0 and bits == (16,):  # and leaves white at 0 for this kind only
        return page_from(np.uint16(65535) - page.planes, Mode.GREY, bits=16, profile=page.profile)
    return page


def _deep(source: Source, image: Any, number: int, orientation: int, mode: Mode) -> Page:
    tifffile = _tifffile(source.name)
    profile = neutral_profile(image.info.get("icc_profile"), mode)
    with tifffile.TiffFile(io.BytesIO(source.data)) as file:
        page = file.pages[number]
        samples = page.asarray()
        if page.planarconfig == 2:
            samples = np.moveaxis(samples, 0, -1)
    return page_from(upright(samples, orientation), mode, bits=samples.itemsize * 8, profile=profile)


def _is_deep(page: Page) -> bool:
    return page.mode in (Mode.RGB, Mode.RGBA) and page.planes.dtype != np.uint8


def _tifffile(name: str = "The picture") -> Any:
    try:
        import imagecodecs  # noqa: F401  tifffile asks for it when the file is compressed
        import tifffile
    except ImportError as error:
        raise PictureError(
            f"{name} has deep colour, for which a package is missing.", hint="pip install 'epdcli[formats]'"
        ) from error
    return tifffile
