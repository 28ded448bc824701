"""What the tables of formats share: samples in any depth, turned and see-through portraits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from epdcli.pictures import PictureFile

from .planting import exif, image, portrait, saved


def settings(*names: str) -> Any:
    """What a reader noted of a file's own encoding, to be compared before and after."""

    def look(file: PictureFile) -> list[object]:
        return [file.encoding.settings.get(name) for name in names]

    return look


def turned(orientation: int, format: str = "JPEG", **options: Any) -> bytes:
    """The portrait stored as a camera would that was held another way."""
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    picture = image().transpose(stored[orientation]) if orientation in stored else image()
    return saved(picture, format, exif=exif({0x0112: orientation}), **options)


def samples(channels: int, bits: int) -> NDArray[Any]:
    grey = np.asarray(image("L"))
    slope = np.tile(np.linspace(255, 128, 288).astype(np.uint8), (288, 1))
    planes = {1: [grey], 2: [grey, slope], 3: [portrait()], 4: [portrait(), slope]}[channels]
    pixels = np.dstack(planes).astype(np.uint32)
    if bits == 16:
        return pixels * 257 - pixels % 5 * (pixels > 0)  # values that 8 bits can't hold
    return pixels >> (8 - bits)


def three_frames(mode: str) -> list[Image.Image]:
    first = image(mode)
    second = Image.fromarray(np.roll(portrait(), 3, axis=1)).convert(mode)
    return [first, second, second.copy()]  # the last two are equal: a pause


def see_through(mode: str = "RGBA") -> Image.Image:
    picture = image("RGBA")
    alpha = np.full((288, 288), 255, np.uint8)
    alpha[:, 240:] = np.linspace(255, 0, 48).astype(np.uint8)
    picture.putalpha(Image.fromarray(alpha))
    return picture.convert(mode)


def grey16(order: str = "<") -> NDArray[Any]:
    return samples(1, 16)[..., 0].astype(order + "u2")


def rgb16() -> NDArray[Any]:
    return samples(3, 16).astype(np.uint16)
