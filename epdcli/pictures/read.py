"""Files to arrays: judged by the header first, then decoded, turned upright and stripped."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from epdcli.errors import PictureError
from epdcli.pictures import planes as plane
from epdcli.pictures.encoding import Encoding, Mode, Page, PictureFile
from epdcli.pictures.formats import Format, check_name, raw_refusal, recognise
from epdcli.pictures.jpeg import jpeg_settings
from epdcli.pictures.palette import wiped
from epdcli.pictures.profile import neutral_profile

MAX_PIXELS = 178_956_970
"""Twice Pillow's own warning limit: 0.5 GiB of RGB. Counted over all pages of a file together."""


def read(path: Path, *, max_pixels: int = MAX_PIXELS) -> PictureFile:
    """Read a picture file by its content, all pages and frames of it.

    Nothing is decoded before the header's size is found to be within `max_pixels` (all pages
    together). Raises PictureError, one sentence with the file's name and a hint, for whatever
    can't be read, or can't be written back as it is.
    """
    data = _bytes(path)
    format = recognise(data, path.name)
    check_name(path, format)
    try:
        with _quiet():
            return _decode(data, format, path.name, max_pixels)
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError(
            f"{path.name} doesn't fit into memory.", hint="Lower --max-pixels or --jobs."
        ) from error
    except Exception as error:  # decoders raise nearly everything on damaged files
        raise PictureError(
            f"{path.name} is damaged and can't be decoded ({error}).",
            hint="Open it in a viewer and save it again, or leave it out.",
        ) from error


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise PictureError(
                f"{path.name} {'is no ordinary file' if path.exists() else 'is not there any more'}.",
                hint="Check the path.",
            )
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise PictureError(
            f"{path.name} can't be opened ({reason}).", hint="Check its permissions."
        ) from error


def _decode(data: bytes, format: Format, name: str, max_pixels: int) -> PictureFile:
    image = Image.open(io.BytesIO(data), formats=format.pillow)
    frames = getattr(image, "n_frames", 1)
    if image.width * image.height * frames > max_pixels:
        raise PictureError(
            f"{name} declares {image.width} x {image.height} pixels"
            + (f" in {frames} frames" if frames > 1 else "")
            + f", more than the limit of {max_pixels:,}.",
            hint="Raise --max-pixels if you trust the file and have the memory.",
        )
    if frames > 1 and format.name != "JPEG":
        raise PictureError(f"{name} has {frames} pages or frames, which {format.name} can't keep yet.")
    settings = jpeg_settings(data, image, name) if format.name == "JPEG" else {}
    orientation = _orientation(image)
    dpi = image.info.get("dpi")
    if format.name == "TIFF":
        settings = _tiff_settings(image, name)
    if format.name == "WebP":
        settings = {"lossless": b"VP8L" in data[12:64]}
    image.load()
    page = _page(image, orientation, name, data)
    pages = (page,)
    views = plane.views(pages)
    if orientation >= 5:
        dpi = dpi and (dpi[1], dpi[0])
        settings = settings | {"turned": True}
    return PictureFile(
        frames=tuple(plane.working_copy(pages[view.page], view.plane) for view in views),
        encoding=Encoding(
            format=format.name,
            pages=pages,
            views=views,
            profile=neutral_profile(image.info.get("icc_profile"), page.mode),
            dpi=_sensible(dpi),
            settings=settings,
        ),
    )


def _page(image: Image.Image, orientation: int, name: str, data: bytes) -> Page:
    palette = key = None
    bits = data[24] if image.format == "PNG" else 8
    match image.mode:
        case "1" | "L" | "LA" | "RGB" | "RGBA" | "CMYK":
            mode, samples = Mode(image.mode), np.asarray(image)
        case "P":
            mode, samples = Mode.PALETTE, np.asarray(image)
            transparent = image.copy()
            transparent.apply_transparency()
            palette = np.array(transparent.getpalette("RGBA"), dtype=np.uint8).reshape(-1, 4)
        case "I;16" | "I;16B":
            mode, samples, bits = Mode.GREY, np.asarray(image).astype(np.uint16), 16
        case _:
            raise PictureError(
                f"{name} has pixels of the kind {image.mode}, which can't be kept as they are.",
                hint="Convert it to 8 or 16 bit grey or RGB.",
            )
    if image.format == "PNG" and bits == 16 and mode is not Mode.GREY:
        raise PictureError(f"{name} has 16 bits a sample in colour, which can't be kept yet.")
    if samples.dtype == np.bool_:
        samples = samples.astype(np.uint8) * np.uint8(255)
    transparent_colour = image.info.get("transparency")
    if mode in (Mode.RGB, Mode.GREY, Mode.BILEVEL) and transparent_colour is not None:
        key = transparent_colour if isinstance(transparent_colour, tuple) else (int(transparent_colour),)
    samples = plane.without_hidden_colour(plane.upright(samples, orientation), mode)
    black, white = plane.value_range(samples)
    page = Page(samples, mode, bits=bits, black=black, white=white, palette=palette, key=key)
    return wiped(page) if mode is Mode.PALETTE else page


def _tiff_settings(image: Any, name: str) -> dict[str, Any]:
    tags = image.tag_v2
    if 50706 in tags or tags.get(262) in (32803, 34892) or (330 in tags and tags.get(254, 0) & 1):
        raise raw_refusal(name)
    bits = tags.get(258, (1,))
    if max(bits) > 8 and len(bits) > 1:
        raise PictureError(f"{name} has 16 bits a sample in colour, which can't be kept yet.")
    return {"compression": image.info.get("compression", "raw")}


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # a damaged EXIF block turns nothing; the block itself is dropped
        return 1
    return value if value in range(1, 9) else 1


def _sensible(dpi: Any) -> tuple[float, float] | None:
    try:
        x, y = float(dpi[0]), float(dpi[1])
    except (TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
    return (x, y) if 1 <= x <= 65535 and 1 <= y <= 65535 else None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Pillow's own size limit (ours was asked already) and its remarks on odd files."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit
