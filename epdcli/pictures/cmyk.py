"""Four inks to three colours and back: by the picture's own profile, or by the plain formula."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms


def to_rgb(inks: NDArray[np.uint8], profile: bytes | None) -> NDArray[np.uint8]:
    """H x W x 4 inks (255 is full) as H x W x 3 RGB."""
    if profile is not None:
        try:
            return _through(inks, "CMYK", "RGB", io.BytesIO(profile), _srgb())
        except (ImageCms.PyCMSError, OSError):  # a profile that lcms doesn't like: the plain formula
            pass
    light = 255 - inks.astype(np.uint16)
    return ((light[..., :3] * light[..., 3:] + 127) // 255).astype(np.uint8)


def to_inks(rgb: NDArray[np.uint8], profile: bytes | None) -> NDArray[np.uint8]:
    """n x 3 RGB as n x 4 inks; without a profile no black is used."""
    if profile is not None:
        try:
            return _through(rgb[None], "RGB", "CMYK", _srgb(), io.BytesIO(profile))[0]
        except (ImageCms.PyCMSError, OSError):
            pass
    return np.concatenate([255 - rgb, np.zeros_like(rgb[:, :1])], axis=1)


def _through(
    samples: NDArray[np.uint8], here: str, there: str, source: Any, target: Any
) -> NDArray[np.uint8]:
    height, width = samples.shape[:2]
    image = Image.frombytes(here, (width, height), np.ascontiguousarray(samples).tobytes())
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    converted = ImageCms.profileToProfile(image, source, target, renderingIntent=intent, outputMode=there)
    assert converted is not None
    return np.array(converted)


def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
