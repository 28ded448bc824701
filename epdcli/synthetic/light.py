"""Give a person's face the old face's light, sharpness and lack of colour."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.model import Mask, Pixels
from epdcli.synthetic.structure import SIZE

Floats = NDArray[np.float32]

BLOCKS = 8
_WIDTH_PX = 24.0  # of the Gaussian in the 256 px frame
_COARSE = 8  # pixels of the frame to a pixel in which the light is computed
_RATIO = 0.8  # how much of the light is a factor; the rest is a difference
_LEAST, _MOST, _DARK = 0.25, 4.0, 2.0
_LEAST_COLOUR = 0.5  # of the person's own differences of colour
_BANDS = (1.0, 2.0, 4.0)  # widths in pixels of the Gaussians between which detail is measured
_SHARPENED = 1.15
_GREY = 4.0  # levels
_TINTED = 2.0  # of a and b: pictures of one tint vary less, coloured ones more than 4


def light_of(pixels: Pixels, mask: Mask) -> Floats:
    """Mean colours (8, 8, 3) of a face, 0..255: Gaussian means of 24 px that count only the mask's pixels."""
    side = SIZE // _COARSE
    weight = cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA)
    summed = cv2.resize(pixels * mask[..., None], (side, side), interpolation=cv2.INTER_AREA)
    width = _WIDTH_PX / _COARSE
    weight = cv2.GaussianBlur(weight, (0, 0), width, borderType=cv2.BORDER_CONSTANT)
    summed = cv2.GaussianBlur(summed, (0, 0), width, borderType=cv2.BORDER_CONSTANT)
    weight, summed = (cv2.resize(a, (BLOCKS, BLOCKS), interpolation=cv2.INTER_AREA) for a in (weight, summed))
    return np.asarray(summed / np.maximum(weight, 1e-4)[..., None], np.float32)


def detail_of(pixels: Pixels, mask: Mask) -> Floats:
    """Standard deviations (3,) of grey levels in three bands of detail inside the mask, fine to coarse."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    inside = mask > 0.5
    if not inside.any():
        return np.zeros(len(_BANDS), np.float32)
    return np.array([band[inside].std() for band in _bands(grey)[:-1]], np.float32)


def pattern_of(light: Floats) -> Floats:
    """Where a face is lighter or darker than its mean, (8, 8): beards, shadows, the side of the lamp."""
    grey = light.mean(axis=-1)
    return np.asarray(grey / max(1.0, float(grey.mean())), np.float32)


def is_grey(light: Floats) -> bool:
    """Whether a face has no colour, judged by its light."""
    return bool(np.ptp(light, axis=2).max() <= _GREY)


def relit(pixels: Pixels, mask: Mask, light: Floats, detail: Floats) -> Pixels:
    """The face (256 x 256 x 3) in another light (8, 8, 3), with detail as strong as `detail` (3,) says."""
    lit = _lit(pixels.astype(np.float32), light_of(pixels, mask), light)
    shown = detail_of(np.clip(lit, 0, 255).astype(np.uint8), mask)
    *bands, base = _bands(lit)
    for band, own_strength, strength in zip(bands, shown, detail, strict=True):
        base = base + band * min(_SHARPENED, float(strength) / max(0.05, float(own_strength)))
    result = np.rint(np.clip(base, 0, 255)).astype(np.uint8)
    if is_grey(light):
        return cv2.cvtColor(cv2.cvtColor(result, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB).astype(np.uint8)
    return result


def _lit(face: Floats, own: Floats, wanted: Floats) -> Floats:
    """The face (256 x 256 x 3, RGB), whose light is `own`, in the `wanted` one (8 x 8 x 3 each).

    Lightness is scaled and shifted; colour is shifted alone: a white highlight on dark skin that was scaled
    channel by channel would turn blue.
    """
    (face_l, face_ab), (own_l, own_ab), (wanted_l, wanted_ab) = (
        (lab[..., :1], lab[..., 1:])
        for lab in (_in_lab(face), _blown_up(_in_lab(own)), _blown_up(_in_lab(wanted)))
    )
    ratio = np.clip((wanted_l + _DARK) / (own_l + _DARK), _LEAST, _MOST)
    lightness = _RATIO * face_l * ratio + (1 - _RATIO) * (face_l + wanted_l - own_l)
    own_colour = 0.0 if np.ptp(wanted_ab, axis=(0, 1)).max() <= _TINTED else np.clip(ratio, _LEAST_COLOUR, 1)
    colour = wanted_ab + (face_ab - own_ab) * own_colour
    lab = np.concatenate([np.clip(lightness, 0, 100), colour], axis=2)
    return np.asarray(255 * cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), np.float32)


def _in_lab(rgb: Floats) -> Floats:
    """CIE L (0..100), a and b of a picture (0..255)."""
    scaled = np.clip(rgb, 0, 255) / np.float32(255)
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), np.float32)


def _bands(values: Floats) -> list[Floats]:
    """Detail between Gaussians of growing width, and what is left; they sum to `values`."""
    levels = [values, *(cv2.GaussianBlur(values, (0, 0), width) for width in _BANDS)]
    return [finer - coarser for finer, coarser in pairwise(levels)] + [levels[-1]]


def _blown_up(blocks: Floats) -> Floats:
    return np.asarray(cv2.resize(blocks, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), np.float32)
