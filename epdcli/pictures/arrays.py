"""Pictures in memory: what callers of the library hold, as the pixels that everything here works on."""

from __future__ import annotations

import numpy as np
from PIL import Image

from epdcli.errors import UsageError
from epdcli.model import Pixels

_OPAQUE = 255


def pixels_of(picture: object) -> Pixels:
    """A picture as H x W x 3, uint8, RGB: an array of that kind as it is, others where nothing is lost.

    Grey ones (H x W, H x W x 1) and opaque RGBA are taken, as arrays of uint8 and as PIL pictures (L, RGB,
    RGBA). Raises UsageError for anything else: other numbers, transparency, other PIL modes, no pixels.
    """
    if isinstance(picture, Image.Image):
        if picture.mode not in ("L", "RGB", "RGBA") or "transparency" in picture.info:
            clear = " with a transparent colour" if "transparency" in picture.info else ""
            raise UsageError(
                f"A PIL picture of mode {picture.mode}{clear} can't be taken as it is.",
                hint="Lay it on a background if it is transparent, and give picture.convert('RGB').",
            )
        picture = np.asarray(picture)
    if not isinstance(picture, np.ndarray):
        raise UsageError(
            f"A picture is an array or a PIL picture, not {type(picture).__name__}.",
            hint="For a file there is Deidentifier.file(source, target).",
        )
    if picture.dtype != np.uint8:
        raise UsageError(
            f"Pixels are uint8, 0 to 255, and these are {picture.dtype}.",
            hint="Scale them first; for 0.0 to 1.0 that is (pixels * 255).round().astype('uint8').",
        )
    match picture.shape:
        case (height, width) | (height, width, 1 | 3 | 4) if height and width:
            pass
        case shape:
            raise UsageError(
                f"Pixels are H x W x 3, and these are {' x '.join(map(str, shape)) or 'a single number'}.",
                hint="Give one picture at a time, channels last, in the order red, green, blue.",
            )
    if picture.ndim == 2:
        picture = picture[..., None]
    if picture.shape[2] == 4 and (picture[..., 3] != _OPAQUE).any():
        raise UsageError(
            "The picture is transparent in places, and what a viewer shows there is not known.",
            hint="Lay it on a background first, or give the file to Deidentifier.file(source, target).",
        )
    colours = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture[..., :3]
    return np.ascontiguousarray(colours)
