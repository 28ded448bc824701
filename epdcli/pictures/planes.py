"""Between a file's own planes and the RGB working copy.

The working copy is what detectors and generators see. Only pixels that were touched come back
from it; all others stay the file's own, bit for bit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.errors import PictureError
from epdcli.model import Pixels
from epdcli.pictures.cmyk import to_inks, to_rgb
from epdcli.pictures.encoding import Mode, Page
from epdcli.pictures.palette import recolour

_LUMA = np.array([299, 587, 114], dtype=np.float32) / 1000  # Rec. 601, as JPEG and Pillow

Flags = NDArray[np.bool_]


def upright(planes: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Planes turned and mirrored as an EXIF orientation of 1 to 8 says; exact, no resampling."""
    match orientation:
        case 2:
            planes = planes[:, ::-1]
        case 3:
            planes = planes[::-1, ::-1]
        case 4:
            planes = planes[::-1]
        case 5:
            planes = planes.swapaxes(0, 1)
        case 6:
            planes = planes[::-1].swapaxes(0, 1)
        case 7:
            planes = planes[::-1, ::-1].swapaxes(0, 1)
        case 8:
            planes = planes[:, ::-1].swapaxes(0, 1)
    return np.ascontiguousarray(planes)


def without_hidden_colour(planes: NDArray[Any], mode: Mode) -> NDArray[Any]:
    """Planes whose colour is 0 wherever alpha is 0: nobody sees it, and it may be the original."""
    if mode not in (Mode.GREY_ALPHA, Mode.RGBA):
        return planes
    hidden = planes[..., -1] == 0
    if not hidden.any() or not planes[hidden].any():
        return planes
    return np.where(hidden[..., None], np.zeros((), planes.dtype), planes)


def value_range(planes: NDArray[Any]) -> tuple[float, float]:
    """The values that become 0 and 255 in the working copy.

    Whole numbers: 0 and the top of the smallest depth of at least 8 bits that holds the largest
    value, so that a 12-bit scan in a 16-bit file isn't nearly black. Floats: 0 to 1 where they
    fit, else their own range. Raises PictureError for values that aren't finite.
    """
    if planes.dtype == np.uint8:
        return 0.0, 255.0
    if np.issubdtype(planes.dtype, np.integer):
        return 0.0, float(2 ** max(8, int(planes.max()).bit_length()) - 1)
    low, high = float(planes.min()), float(planes.max())
    if not np.isfinite([low, high]).all():
        raise PictureError("The picture holds values that aren't numbers.", hint="Export it again as 16 bit.")
    return (0.0, 1.0) if low >= 0.0 and high <= 1.0 else (low, max(high, np.nextafter(low, np.inf)))


def working_copy(page: Page) -> Pixels:
    """A page's colours, `uint8` H x W x 3 RGB; not writable, and for 8-bit RGB the planes themselves."""
    rgb = _colour(page)
    rgb.setflags(write=False)
    return rgb


def merge(page: Page, frame: Pixels, touched: Flags, opaque: Flags | None = None) -> Page:
    """The page with the touched pixels taken from `frame`, in the page's own mode and depth.

    `frame` is H x W x 3 RGB, `touched` bool H x W. Untouched samples are the page's own. A touched pixel
    keeps its alpha, unless it is to be `opaque` (bool H x W); of palettes and transparent colours all become
    so.
    """
    if not touched.any():
        return page
    if page.mode is Mode.PALETTE:
        return recolour(page, frame, touched)
    planes = page.planes.copy()
    if opaque is not None and page.has_alpha:
        planes[touched & opaque, -1] = opaque_value(planes.dtype)
    match page.mode:
        case Mode.RGB | Mode.RGBA:
            x, y, width, height = cv2.boundingRect(touched.view(np.uint8))
            part = np.s_[y : y + height, x : x + width]
            new = _to_depth(page, frame[part])
            np.copyto(planes[part][..., :3], new, where=touched[part][..., None])
        case Mode.GREY if page.bits < 8:
            planes[touched] = _dithered(frame, page.bits)[touched]
        case Mode.GREY:
            planes[touched] = _to_depth(page, frame[touched] @ _LUMA)
        case Mode.GREY_ALPHA:
            planes[touched, 0] = _to_depth(page, frame[touched] @ _LUMA)
        case Mode.BILEVEL:
            planes[touched] = _dithered(frame, bits=1)[touched]
        case Mode.CMYK:
            planes[touched] = to_inks(frame[touched], page.profile)
    page = replace(page, touched=touched)
    if page.key is not None:
        planes = _off_the_key(planes, touched, page.key)
    return page.with_planes(without_hidden_colour(planes, page.mode))


def _colour(page: Page) -> Pixels:
    planes = page.planes
    match page.mode:
        case Mode.RGB | Mode.RGBA:
            return np.ascontiguousarray(_to_eight_bits(page, planes[..., :3]))
        case Mode.PALETTE:
            assert page.palette is not None
            visible = np.where(page.palette[:, 3:] > 0, page.palette[:, :3], np.uint8(0))
            return np.ascontiguousarray(visible[planes])
        case Mode.CMYK:
            return to_rgb(planes, page.profile)
        case _:
            grey = planes[..., 0] if page.mode is Mode.GREY_ALPHA else planes
            return np.repeat(_to_eight_bits(page, grey)[..., None], 3, axis=2)


def _to_eight_bits(page: Page, samples: NDArray[Any]) -> NDArray[np.uint8]:
    if samples.dtype == np.uint8:
        return samples
    scaled = (samples.astype(np.float32) - page.black) * (255.0 / (page.white - page.black))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _to_depth(page: Page, values: NDArray[Any]) -> NDArray[Any]:
    dtype = page.planes.dtype
    if dtype == np.uint8:
        return values if values.dtype == np.uint8 else np.rint(values).astype(np.uint8)
    scaled = values.astype(np.float64) * ((page.white - page.black) / 255.0) + page.black
    return (np.rint(scaled) if np.issubdtype(dtype, np.integer) else scaled).astype(dtype)


def _dithered(frame: Pixels, bits: int) -> NDArray[np.uint8]:
    """A frame in the grey levels of a few bits, 0..255, by Floyd and Steinberg's error diffusion."""
    from PIL import Image

    levels = np.linspace(0, 255, 2**bits).astype(np.uint8)
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.repeat(levels, 3).tobytes())
    grey = Image.fromarray(frame).convert("L").convert("RGB")
    return levels[np.asarray(grey.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG))]


def _off_the_key(planes: NDArray[Any], touched: Flags, key: tuple[int, ...]) -> NDArray[Any]:
    """A new pixel that happens to have the transparent colour is moved one step away from it."""
    samples = planes if planes.ndim == 3 else planes[..., None]
    hit = touched & (samples == np.array(key, dtype=planes.dtype)).all(axis=-1)
    samples[hit, 0] = key[0] - 1 if key[0] else 1
    return planes


def opaque_value(dtype: np.dtype[Any]) -> float:
    """The value of alpha that lets nothing through."""
    return float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else 1.0
