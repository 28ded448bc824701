"""A bank of synthetic people: one file with their pictures and what was measured of them.

An .npz file (no pickles) with these arrays for n people:

    pictures    n WebP pictures, 256 x 256, in the aligned frame, one after the other; uint8
    ends        where each picture ends in them; int64 (n,)
    landmarks   (n, 68, 2) and irises (n, 2, 2), pixels of the frame; float16
    expression  (n, 7), age, male, glasses, beard, tone (n,), skin (n, 3), identity (n, 128); float16
    light       (n, 8, 8, 3), uint8
    about       a JSON object of words: name, version, licence, source

Each person is there mirrored as well: number n + i is the mirror image of number i.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from zipfile import BadZipFile

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.errors import WeightsError
from epdcli.model import Pixels, Points
from epdcli.synthetic.light import pattern_of
from epdcli.synthetic.structure import SIZE, mirrored_points, mouth_of, nose_of, shape_of

Floats = NDArray[np.float32]

MEASURED = (
    "landmarks",
    "irises",
    "expression",
    "age",
    "male",
    "glasses",
    "beard",
    "tone",
    "skin",
    "identity",
)
ABOUT = ("name", "version", "licence", "source")


@dataclass(frozen=True, eq=False)
class Bank:
    """n people: `arrays` as the file has them; `about` its name, version, licence and source.

    The properties have 2n rows, float32: the people, then their mirror images.
    """

    arrays: Mapping[str, NDArray[np.generic]]
    about: Mapping[str, str]
    sha256: str

    def __len__(self) -> int:
        """The number of people, mirror images not counted."""
        return len(self.arrays["ends"])

    def picture(self, number: int) -> Pixels:
        """A face in the aligned frame: 256 x 256 x 3, uint8, RGB."""
        person, ends = number % len(self), self.arrays["ends"]
        start = int(ends[person - 1]) if person else 0
        encoded = np.asarray(self.arrays["pictures"][start : int(ends[person])], np.uint8)
        pixels = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), np.uint8)
        return np.ascontiguousarray(pixels[:, ::-1] if number >= len(self) else pixels)

    @cached_property
    def landmarks(self) -> Points:
        points = self._own("landmarks")
        return np.concatenate([points, np.stack([mirrored_points(one) for one in points])])

    @cached_property
    def irises(self) -> Points:
        points = self._own("irises")
        flipped = points[:, ::-1].copy()
        flipped[..., 0] = SIZE - 1 - flipped[..., 0]
        return np.concatenate([points, flipped])

    @cached_property
    def shape(self) -> Floats:
        return np.stack([shape_of(points) for points in self.landmarks])

    @cached_property
    def mouth(self) -> Floats:
        return np.array([mouth_of(points) for points in self.landmarks], np.float32)

    @cached_property
    def nose(self) -> Points:
        return np.stack([nose_of(points) for points in self.landmarks])

    @cached_property
    def pattern(self) -> Floats:
        grids = self._own("light")
        return np.stack([pattern_of(grid) for grid in np.concatenate([grids, grids[:, :, ::-1]])])

    @cached_property
    def expression(self) -> Floats:
        return self._twice("expression")

    @cached_property
    def age(self) -> Floats:
        return self._twice("age")

    @cached_property
    def male(self) -> Floats:
        return self._twice("male")

    @cached_property
    def glasses(self) -> Floats:
        return self._twice("glasses")

    @cached_property
    def beard(self) -> Floats:
        return self._twice("beard")

    @cached_property
    def tone(self) -> Floats:
        return self._twice("tone")

    @cached_property
    def skin(self) -> Floats:
        return self._twice("skin")

    @cached_property
    def identity(self) -> Floats:
        return self._twice("identity")

    def _own(self, name: str) -> Floats:
        return np.asarray(self.arrays[name], np.float32)

    def _twice(self, name: str) -> Floats:
        return np.concatenate([self._own(name)] * 2)


def read_bank(path: Path, sha256: str | None = None) -> Bank:
    """Open a bank's file, and check its SHA-256 where one is given.

    Raises WeightsError when the file can't be read, is not the one that was meant, or is no bank.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"The bank {path} can't be read: {error.strerror or error}.") from error
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise WeightsError(
            f"The bank {path} is damaged: its SHA-256 is {found[:12]}..., not {sha256[:12]}...",
            hint="Install again: pip install --force-reinstall epdcli",
        )
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in (*MEASURED, "light", "pictures", "ends")}
            about = {name: str(json.loads(str(stored["about"]))[name]) for name in ABOUT}
        _check(arrays)
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise WeightsError(
            f"{path} is no bank of people: {error}.", hint="Make one with: epd bank build"
        ) from error
    return Bank(arrays, about, found)


def bank_bytes(arrays: Mapping[str, NDArray[np.generic]], about: Mapping[str, str]) -> bytes:
    """A bank's file. Raises ValueError, in words, when the arrays do not belong together."""
    _check(arrays)
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, about=np.array(json.dumps(dict(about))), **arrays)
    return file.getvalue()


def _check(arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Raises ValueError, in words, when the arrays do not belong together."""
    count = len(arrays["ends"])
    shapes = {"landmarks": (68, 2), "irises": (2, 2), "expression": (7,), "skin": (3,), "identity": (128,)}
    shapes |= {"light": (8, 8, 3)}
    for name in (*MEASURED, "light"):
        if arrays[name].shape != (count, *shapes.get(name, ())):
            raise ValueError(f"{name} has the shape {arrays[name].shape}")
    ends = arrays["ends"].astype(np.int64)
    if count == 0 or (np.diff(ends, prepend=0) <= 0).any() or int(ends[-1]) != arrays["pictures"].size:
        raise ValueError("it has no people, or its pictures are cut")
