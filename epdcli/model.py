"""The nouns: frozen dataclasses and enums that every module shares. Imports nothing of ours.

Conventions, said once:
- pictures are `uint8` H x W x 3, RGB, upright (EXIF orientation applied);
- a pixel's centre has whole coordinates (OpenCV's convention): x to the right, y down;
- boxes are `x, y, width, height` in pixels of the upright picture;
- landmarks are `float32 (5, 2)`: left eye, right eye, nose, left and right mouth corner
  **as seen in the picture**; the 68 points of iBUG are `float32 (68, 2)`;
- a matrix is `float64 (2, 3)` and maps picture points to points of an aligned face;
- network tensors are `float32 N x C x H x W`; their ranges stand in the weights' manifest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]  # H x W x 3, RGB
Mask: TypeAlias = NDArray[np.float32]  # H x W, 0..1
Points: TypeAlias = NDArray[np.float32]  # n x 2, x and y
Matrix: TypeAlias = NDArray[np.float64]  # 2 x 3
Code: TypeAlias = NDArray[np.float32]  # (128,), unit length
Embedding: TypeAlias = NDArray[np.float32]


class Box(NamedTuple):
    """A rectangle in pixels of the upright picture."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def holds(self, point: tuple[float, float]) -> bool:
        """Whether a point (x, y) lies inside."""
        return 0 < point[0] - self.x < self.width and 0 < point[1] - self.y < self.height


class Look(NamedTuple):
    """What a viewer may show of a frame besides its colours: `pixels` as the frame's; `alpha` (H x W, uint8)
    is the transparency that makes them, stretched where the look stretches it, None if their values do."""

    pixels: Pixels
    alpha: NDArray[np.uint8] | None = None


@dataclass(frozen=True, eq=False)
class Face:
    """A face that a detector found: its box, five landmarks (5, 2) and score 0..1.

    `stays`: a person has decided that it is not to be replaced.
    """

    box: Box
    landmarks: Points
    score: float
    stays: bool = False


@dataclass(frozen=True, eq=False)
class AlignedFace:
    """A face turned upright and scaled to the template.

    `pixels` is size x size x 3, `matrix` maps picture points to points of `pixels`.
    """

    face: Face
    pixels: Pixels
    matrix: Matrix

    @property
    def size(self) -> int:
        return int(self.pixels.shape[0])


@dataclass(frozen=True, eq=False)
class NewFace:
    """What stands in for an aligned face: `pixels` size x size x 3, `mask` (size, size).

    Where the mask is 1 nothing of the old face shines through; it fades to 0 inside the crop.
    `drawback`: what the method itself has against this new face, where it is one of several; the smaller the
    better, 0 if it has no opinion.
    """

    pixels: Pixels
    mask: Mask
    drawback: float = 0.0


@dataclass(frozen=True, eq=False)
class Patch:
    """A new face in the picture's own frame: its upper left corner, `pixels` h x w x 3 and `mask` (h, w)."""

    x: int
    y: int
    pixels: Pixels
    mask: Mask

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the picture that the patch may touch."""
        height, width = self.mask.shape
        return slice(self.y, self.y + height), slice(self.x, self.x + width)


class Attributes(StrEnum):
    """Whether a new face keeps the apparent age, sex, skin tone, beard and glasses of the old one."""

    KEEP = "keep"
    FREE = "free"


class Verdict(StrEnum):
    """What became of a picture. Only `pass` is ever written (`no_face` on request)."""

    PASS = "pass"
    NO_FACE = "no_face"
    WITHHELD = "withheld"
    FAILED = "failed"


@dataclass(frozen=True)
class FaceRecord:
    """What the manifest says of one face. No embedding, no crop, no code."""

    box: tuple[float, ...]
    score: float
    method: str
    identity_distance: float | None
    threshold: float
    attempts: int
    small: bool


@dataclass(frozen=True)
class PictureRecord:
    """What the manifest says of one picture; paths are relative to the source and output folders.

    `hint` says what to do about the `reason`. `kept` names the EXIF values that the output holds because
    `--keep` asked for them, `dropped` what the source held besides its pixels and the output does not.
    `digital_source_type` is IPTC's word for a picture with a generated face, empty without one or with
    `--no-mark`; `marked` whether the output itself says it. `stayed` are the boxes of faces that were left as
    they are, because a person decided so. `source_sha256` is the source's as it was read, by which `--resume`
    sees that it has changed since. `smallest_face_px` is the height from which on faces were looked for: in
    large pictures not the smallest.
    """

    source: str
    output: str | None
    sha256: str | None
    verdict: Verdict
    reason: str
    seconds: float
    faces: tuple[FaceRecord, ...] = field(default_factory=tuple)
    stayed: tuple[tuple[float, ...], ...] = ()
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    digital_source_type: str = ""
    marked: bool = False
    source_sha256: str | None = None
    smallest_face_px: float | None = None
    hint: str = ""
