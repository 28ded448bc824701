"""Arrays to files: touched pixels from the new frames, everything else as it was, nothing besides."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from epdcli.errors import PictureError
from epdcli.model import Pixels
from epdcli.pictures.encoding import Encoding, Mode, Page, PictureFile
from epdcli.pictures.jpeg import encode_jpeg
from epdcli.pictures.metadata import MARK
from epdcli.pictures.planes import merge

_LOSSLESS_TIFF = {"raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "group3", "group4"}


def write(
    file: PictureFile,
    frames: Sequence[Pixels],
    touched: Sequence[NDArray[np.bool_]],
    path: Path,
    *,
    mark: bool = False,
) -> None:
    """Write `frames` in the encoding that `file` was read from, exactly to `path`.

    `frames` and `touched` (bool H x W) answer `file.frames` one to one. Pixels outside `touched`
    come from the file's own planes, bit for bit; in JPEG and other lossy formats they are encoded
    again. No metadata is written but the resolution, the bare colour profile and, with `mark`, the
    packet that says a face was generated. The file is flushed to the disk. Raises PictureError.
    """
    _check(file, frames, touched)
    pages = list(file.encoding.pages)
    for view, frame, flags in zip(file.encoding.views, frames, touched, strict=True):
        pages[view.page] = merge(pages[view.page], frame, flags, view.plane)
    data = encode(file.encoding, tuple(pages), mark=mark)
    try:
        with path.open("wb") as target:
            target.write(data)
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        reason = error.strerror or str(error)
        raise PictureError(
            f"{path.name} can't be written ({reason}).",
            hint="Check the output folder's space and permissions.",
        ) from error


def encode(encoding: Encoding, pages: tuple[Page, ...], *, mark: bool = False) -> bytes:
    """The bytes of a file with these pages; see `write`."""
    page = pages[0]
    extras: dict[str, Any] = {}
    if encoding.profile:
        extras["icc_profile"] = encoding.profile
    if encoding.dpi:
        extras["dpi"] = encoding.dpi
    if encoding.format == "JPEG":
        settings = {"xmp": MARK} if mark else {}
        return encode_jpeg(encoding, page, **extras, **settings)
    image = _image(page)
    target = io.BytesIO()
    match encoding.format:
        case "PNG":
            _save_png(image, target, page, extras, mark)
        case "WebP":
            extras.pop("dpi", None)
            quality = {"lossless": True, "exact": True} if encoding.settings["lossless"] else {"quality": 95}
            if mark:
                extras["xmp"] = MARK
            image.save(target, "WEBP", **quality, **extras)
        case "TIFF":
            compression = encoding.settings["compression"]
            if mark:
                extras["tiffinfo"] = {700: MARK}
            image.save(
                target,
                "TIFF",
                compression=compression if compression in _LOSSLESS_TIFF else "tiff_adobe_deflate",
                **extras,
            )
        case "BMP":
            extras.pop("icc_profile", None)
            image.save(target, "BMP", **extras)
    return target.getvalue()


def _save_png(image: Image.Image, target: io.BytesIO, page: Page, extras: dict[str, Any], mark: bool) -> None:
    from PIL.PngImagePlugin import PngInfo

    if mark:
        extras["pnginfo"] = PngInfo()
        extras["pnginfo"].add_itxt("XML:com.adobe.xmp", MARK.decode())
    if page.key is not None:
        extras["transparency"] = page.key if len(page.key) > 1 else page.key[0]
    if page.mode is Mode.PALETTE:
        extras["bits"] = page.bits
        assert page.palette is not None
        if (page.palette[:, 3] < 255).any():
            extras["transparency"] = page.palette[:, 3].tobytes()
    image.save(target, "PNG", **extras)


def _image(page: Page) -> Image.Image:
    height, width = page.size
    match page.mode:
        case Mode.BILEVEL:
            return Image.fromarray(page.planes > 0)
        case Mode.PALETTE:
            assert page.palette is not None
            image = Image.fromarray(page.planes, mode="P")
            image.putpalette(page.palette[:, :3].tobytes(), "RGB")
            return image
        case Mode.CMYK:
            return Image.fromarray(page.planes, mode="CMYK")
        case Mode.GREY if page.planes.dtype == np.uint16:
            return Image.frombytes("I;16", (width, height), page.planes.astype("<u2").tobytes())
        case _:
            return Image.fromarray(page.planes)


def _check(file: PictureFile, frames: Sequence[Pixels], touched: Sequence[NDArray[np.bool_]]) -> None:
    if not len(frames) == len(touched) == len(file.frames):
        raise ValueError(f"expected {len(file.frames)} frames, got {len(frames)} and {len(touched)} masks")
    for old, new, flags in zip(file.frames, frames, touched, strict=True):
        if new.dtype != np.uint8 or new.shape != old.shape:
            raise ValueError(f"expected uint8 {old.shape}, got {new.dtype} {new.shape}")
        if flags.dtype != np.bool_ or flags.shape != old.shape[:2]:
            raise ValueError(f"expected bool {old.shape[:2]}, got {flags.dtype} {flags.shape}")
