"""What a viewer may show of a page besides its colours: on other backgrounds, by other curves, stretched.

A face can stand in transparency alone (black ink on nothing), or in a thousandth of the range of values. The
working copy doesn't show it, so these are searched as well. An opaque page of 8 bits has none, unless its
colour profile or its gamma shows another picture than its values.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from epdcli.model import Look, Pixels
from epdcli.pictures.encoding import Mode, Page
from epdcli.pictures.planes import opaque_value

Alpha = NDArray[np.uint8]  # H x W, 0 clear, 255 opaque
_Range = tuple[float, float]

_SCREEN = 2.2  # its gamma
_FAR = 48  # grey levels: the shadows of another picture
_SQUARE_PX, _DARK, _LIGHT = 8, 102, 153  # of the checkerboard
_TAIL = 0.5  # per cent that an auto-contrast cuts off at either end
_SHADOWS = 1 / 128  # of the range
_STEPS = 256  # of the equalised values
_SAMPLED = 1 << 20  # pixels from which percentiles are taken
_BAND = 256  # rows that are floats at once
_SAME = 3.0  # grey levels, mean: nearer to the working copy a look shows nothing new


def alpha_of(page: Page) -> Alpha | None:
    """How opaque each pixel of a page is; None where all are."""
    if page.palette is not None:
        alpha = page.palette[:, 3][page.planes]
    elif page.has_alpha:
        if (page.planes[..., -1] == opaque_value(page.planes.dtype)).all():
            return None
        return _eight_bits(page.planes[..., -1])
    elif page.key is not None:
        samples = page.planes if page.planes.ndim == 3 else page.planes[..., None]
        clear = (samples == np.array(page.key, page.planes.dtype)).all(axis=-1)
        alpha = np.where(clear, np.uint8(0), np.uint8(255))
    else:
        return None
    return None if alpha.min() == 255 else alpha


def shows_more(page: Page) -> bool:
    """Whether viewers may show more of a page than its working copy."""
    return page.planes.dtype != np.uint8 or alpha_of(page) is not None or _curve_of(page) is not None


def looks_of(page: Page, shown: Pixels) -> Iterator[Look]:
    """Further pictures (uint8 H x W x 3) that viewers show of a page, whose working copy is `shown`."""
    if (alpha := alpha_of(page)) is not None:
        yield from (Look(pixels, alpha) for pixels in _laid_out(shown, alpha))
        samples = page.planes[..., -1] if page.has_alpha else alpha
        yield from (Look(pixels, pixels[..., 0]) for pixels in _stretched(samples, _grey(alpha)))
    if (curve := _curve_of(page)) is not None:
        yield Look(curve[shown])
    if page.planes.dtype != np.uint8:
        shadows = (page.black, page.black + (page.white - page.black) * _SHADOWS)
        samples = _without_alpha(page)
        yield from map(Look, _stretched(samples, shown, shadows))


def _curve_of(page: Page) -> Alpha | None:
    """How profile or gamma show the 256 grey levels (256,), where that is far from the levels themselves."""
    if page.profile is not None:
        curve = _through(page.profile)
    elif page.gamma:
        curve = np.rint(255 * (np.arange(256) / 255) ** (1 / (_SCREEN * page.gamma))).astype(np.uint8)
    else:
        return None
    return curve if np.abs(curve - np.arange(256.0)).max() > _FAR else None


@lru_cache(maxsize=8)
def _through(profile: bytes) -> Alpha:
    """The 256 grey levels as a profile of grey or RGB shows them in sRGB; as they are for others."""
    mode = {b"GRAY": "L", b"RGB ": "RGB"}.get(profile[16:20])
    levels = np.arange(256, dtype=np.uint8)
    if mode is None:
        return levels
    ramp = Image.fromarray(levels[None]).convert(mode)
    try:
        shown = ImageCms.profileToProfile(
            ramp, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except ImageCms.PyCMSError:  # viewers can't apply it either
        return levels
    return np.asarray(shown)[0].mean(axis=1).round().astype(np.uint8)  # type: ignore[no-any-return]


def _laid_out(shown: Pixels, alpha: Alpha) -> Iterator[Pixels]:
    """Laid on white, a checkerboard and, where that is not the working copy, black; and alpha as grey."""
    yield _laid_on(np.full_like(alpha, 255), shown, alpha)
    yield _laid_on(_checkerboard(alpha.shape), shown, alpha)
    yield _grey(alpha)
    if ((alpha > 0) & (alpha < 255)).any():
        yield _laid_on(np.zeros_like(alpha), shown, alpha)


def _laid_on(background: Alpha, shown: Pixels, alpha: Alpha) -> Pixels:
    result = np.empty_like(shown)
    for top in range(0, len(shown), _BAND):
        rows = slice(top, top + _BAND)
        share = alpha[rows, :, None] / np.float32(255)
        mixed = shown[rows] * share + background[rows, :, None] * (1 - share)
        result[rows] = np.rint(mixed).astype(np.uint8)
    return result


def _checkerboard(shape: tuple[int, ...]) -> Alpha:
    rows, columns = np.indices(shape, dtype=np.int32) // _SQUARE_PX
    return np.where((rows + columns) % 2, np.uint8(_DARK), np.uint8(_LIGHT))


def _without_alpha(page: Page) -> NDArray[Any]:
    if page.mode is Mode.GREY_ALPHA:
        return page.planes[..., 0]
    return page.planes[..., :3] if page.mode is Mode.RGBA else page.planes


def _stretched(samples: NDArray[Any], shown: Pixels, shadows: _Range | None = None) -> Iterator[Pixels]:
    """Values as an auto-contrast shows them, with the shadows lifted, and equalised; none that is `shown`.

    `shadows` are the ends of the darkest part of the values; without them these are not lifted.
    """
    step = max(1, round((samples.shape[0] * samples.shape[1] / _SAMPLED) ** 0.5))
    some = np.sort(samples[::step, ::step].astype(np.float64), axis=None)
    low, high = float(samples.min()), float(samples.max())
    ranges = [
        (low, high),
        (float(np.percentile(some, _TAIL)), float(np.percentile(some, 100 - _TAIL))),
    ]
    if shadows is not None:
        ranges += [shadows, (low, low + (high - low) * _SHADOWS)]
    scales = [np.array(ends) for ends in ranges if ends[0] < ends[1]]
    scales.append(np.unique(some[np.linspace(0, len(some) - 1, _STEPS).astype(int)]))
    seen = [shown[::step, ::step]]
    for scale in scales:
        look = _grey(_on(scale, samples))
        small = look[::step, ::step]
        if all(np.abs(small.astype(np.int16) - other).mean() > _SAME for other in seen):
            seen.append(small)
            yield look


def _on(scale: NDArray[np.float64], samples: NDArray[Any]) -> NDArray[np.uint8]:
    """The values as grey levels 0..255: `scale` has those between which they are spread evenly."""
    levels = np.linspace(0, 255, len(scale))
    result = np.empty(samples.shape, np.uint8)
    for top in range(0, len(samples), _BAND):
        rows = slice(top, top + _BAND)
        result[rows] = np.rint(np.interp(samples[rows], scale, levels)).astype(np.uint8)
    return result


def _grey(levels: NDArray[np.uint8]) -> Pixels:
    return levels if levels.ndim == 3 else np.repeat(levels[..., None], 3, axis=2)


def _eight_bits(alpha: NDArray[Any]) -> Alpha:
    if alpha.dtype == np.uint8:
        return alpha
    return np.clip(np.rint(alpha * (255.0 / opaque_value(alpha.dtype))), 0, 255).astype(np.uint8)
