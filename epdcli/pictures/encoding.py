"""What reading a file found: its pictures as RGB, and all that writing it back needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epdcli.model import Pixels
from epdcli.pictures.formats import FORMATS
from epdcli.pictures.metadata import Keep


class Mode(StrEnum):
    """What a pixel is made of; names are Pillow's, the depth stands in the planes' dtype."""

    BILEVEL = "1"  # uint8, 0 or 255
    GREY = "L"
    GREY_ALPHA = "LA"
    RGB = "RGB"
    RGBA = "RGBA"
    PALETTE = "P"  # uint8 indices
    CMYK = "CMYK"  # uint8, 255 is full ink


@dataclass(frozen=True, eq=False)
class Page:
    """One page or animation frame as the file holds it, upright.

    `planes` is H x W or H x W x C in the file's own depth, with what transparency hides blanked.
    `white` is the value that becomes 255 in the working copy, `black` the one that becomes 0.
    `palette` is n x 4 RGBA; `bits` the depth of a sample in the file; `key` the one colour
    that the file declares transparent. `profile` is the colour profile with everything but the
    colours taken out; `gamma` the exponent that a PNG file declares. `touched` marks pixels that are
    new (H x W).
    """

    planes: NDArray[Any]
    mode: Mode
    bits: int = 8
    black: float = 0.0
    white: float = 255.0
    palette: NDArray[np.uint8] | None = None
    key: tuple[int, ...] | None = None
    profile: bytes | None = None
    gamma: float | None = None
    milliseconds: float = 0
    touched: NDArray[np.bool_] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return int(self.planes.shape[0]), int(self.planes.shape[1])

    @property
    def has_alpha(self) -> bool:
        return self.mode in (Mode.GREY_ALPHA, Mode.RGBA)

    def with_planes(self, planes: NDArray[Any]) -> Page:
        return replace(self, planes=planes)


@dataclass(frozen=True, eq=False)
class Encoding:
    """All that writing back needs besides the new pixels.

    `settings` are the format's own (quantisation tables, compression, loops), made by its reader
    for its writer; `dpi` is pixels an inch, across and down. `exif` holds the few values that
    `--keep` may ask for.
    """

    format: str
    pages: tuple[Page, ...]
    dpi: tuple[float, float] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    exif: Mapping[str, Any] = field(default_factory=dict)

    @property
    def profile(self) -> bytes | None:
        """The colour profile, the same for all pages."""
        return self.pages[0].profile

    def kept(self, keep: frozenset[Keep]) -> tuple[str, ...]:
        """Which of the values that `keep` names the file has and will have again."""
        return tuple(sorted(name.value for name in keep if name in self.exif))

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The suffixes a file of this format may have, lower case; the first is the usual one."""
        return FORMATS[self.format].suffixes

    @property
    def holds_mark(self) -> bool:
        """Whether the format can carry the mark of a generated face (an XMP packet)."""
        return FORMATS[self.format].holds_xmp


@dataclass(frozen=True, eq=False)
class PictureFile:
    """A file's pictures as working copies, and how to write them back.

    `frames` are `uint8` H x W x 3 RGB, upright, not writable: one per page or animation frame. What else
    viewers may show of a page is in `epdcli.pictures.looks`.
    """

    frames: tuple[Pixels, ...]
    encoding: Encoding
