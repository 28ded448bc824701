"""A frame on its way: what stands in for each of its faces so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from epdcli.faces.candidates import overlaps
from epdcli.faces.coverage import is_plain
from epdcli.faces.ladder import Rung
from epdcli.faces.pasting import COVERED, composite, touched
from epdcli.faces.verification import is_small
from epdcli.model import Code, Embedding, Face, FaceRecord, Patch, Pixels

_IN_MANIFEST = {"generate": "generated"}
_SAME = 0.5  # intersection over union of the boxes of a face that was found twice
_NO_EMBEDDINGS = np.zeros((0, 128), np.float32)


@dataclass(frozen=True, eq=False)
class Replacement:
    """One face of a frame and what stands in for it.

    person    the number of the person in the picture: frames of one picture that show the same person at the
              same place give it one number, and so one identity code
    original  embedding (128,) of the old face; kept in memory only
    rungs     what is tried in turn, and `rung`, how far the face has climbed
    patch     the new face; None until the rung it stands on has made one
    opaque    whether the new face is to be opaque, where the old one's transparency shows something of it
    distance  the smallest one measured between the new face and its original
    attempts  how often a new face was made that a recogniser had to judge
    """

    face: Face
    person: int
    original: Embedding
    rungs: tuple[Rung, ...]
    rung: int = 0
    code: Code | None = None
    patch: Patch | None = None
    opaque: bool = False
    distance: float | None = None
    attempts: int = 0

    @property
    def on(self) -> Rung:
        """The rung that the face stands on."""
        return self.rungs[self.rung]

    @property
    def is_judged(self) -> bool:
        """Whether a recogniser has to be asked about what stands in for the face."""
        return not self.is_filled and self.on.is_judged(self.face)

    @property
    def is_filled(self) -> bool:
        return self.rung == len(self.rungs) - 1

    def climbed(self, rungs: int = 1) -> Replacement:
        """One rung further up, at most at the fill; the new face there is still to be made."""
        return replace(
            self, rung=min(self.rung + rungs, len(self.rungs) - 1), code=None, patch=None, distance=None
        )

    def to_fill(self) -> Replacement:
        return self.climbed(len(self.rungs))

    def record(self, threshold: float) -> FaceRecord:
        """What the manifest says of the face."""
        return record_of(
            self.face,
            threshold,
            method=_IN_MANIFEST.get(self.on.method.name, self.on.method.name),
            distance=self.distance,
            attempts=self.attempts,
        )


def record_of(
    face: Face, threshold: float, method: str = "", distance: float | None = None, attempts: int = 0
) -> FaceRecord:
    """What the manifest says of a face, numbers rounded."""
    return FaceRecord(
        box=tuple(round(float(side), 1) for side in face.box),
        score=round(float(face.score), 4),
        method=method,
        identity_distance=None if distance is None else round(float(distance), 4),
        threshold=threshold,
        attempts=attempts,
        small=is_small(face),
    )


@dataclass(frozen=True, eq=False)
class Draft:
    """A frame (H x W x 3) with the replacements of its faces; nothing of it changes, new drafts are made.

    `alpha` (H x W, uint8) says how opaque the frame's pixels are, None that all are. `staying` are faces that
    a person has decided to leave as they are.
    """

    name: str
    source: Pixels
    replacements: tuple[Replacement, ...] = ()
    alpha: NDArray[np.uint8] | None = None
    staying: tuple[Face, ...] = ()

    @cached_property
    def pixels(self) -> Pixels:
        """The frame with the new faces over the old ones; pixels that stay clear are the source's."""
        pixels = composite(self.source, self._patches)
        if (clear := self._clear) is not None:
            pixels[clear] = self.source[clear]
        return pixels

    @cached_property
    def touched(self) -> NDArray[np.bool_]:
        """Where a new face changed anything: (H, W)."""
        where = touched(self.source.shape, self._patches)
        return where if self._clear is None else where & ~self._clear

    @cached_property
    def covered(self) -> NDArray[np.bool_]:
        """Where the applied masks cover the old picture: (H, W)."""
        return touched(self.source.shape, self._patches, COVERED)

    @cached_property
    def _clear(self) -> NDArray[np.bool_] | None:
        """Where the new frame is fully transparent, as the old one: (H, W); None if nowhere."""
        return None if self.alpha is None else (self.alpha == 0) & ~self.opaque

    @property
    def opaque(self) -> NDArray[np.bool_]:
        """Where the new frame has to be opaque: (H, W)."""
        patches = [r.patch for r in self.replacements if r.opaque and r.patch is not None]
        return touched(self.source.shape, patches)

    def shows_through(self, face: Face) -> bool:
        """Whether the frame's transparency shows something of a face."""
        return self.alpha is not None and not is_plain(self.alpha, face)

    @cached_property
    def originals(self) -> NDArray[np.float32]:
        """Embeddings of the original faces: (n, 128)."""
        return np.stack([r.original for r in self.replacements]) if self.replacements else _NO_EMBEDDINGS

    @property
    def faces(self) -> list[Face]:
        return [replacement.face for replacement in self.replacements]

    @property
    def pending(self) -> list[int]:
        """The numbers of the faces whose rung has not made a new face yet."""
        return [i for i, replacement in enumerate(self.replacements) if replacement.patch is None]

    @property
    def synthetic(self) -> bool:
        """Whether a face of a person who does not exist is shown."""
        return any(r.on.synthetic for r in self.replacements)

    def lets_stay(self, face: Face) -> bool:
        """Whether a face found in the finished frame is one that stays: in the same place, and as large."""
        boxes = np.array([one.box for one in self.staying], np.float32).reshape(-1, 4)
        return bool((overlaps(np.array(face.box, np.float32), boxes)[0] > _SAME).any())

    @cached_property
    def _patches(self) -> list[Patch]:
        """Fills, and above them the faces of people who don't exist; of each kind the larger ones, which are
        nearer, on top. So a doubtful box that is filled hides no face beside it."""
        ordered = sorted(self.replacements, key=lambda r: (r.on.synthetic, r.is_filled, _area(r.face)))
        return [r.patch for r in ordered if r.patch is not None]

    def with_replacements(self, changed: Mapping[int, Replacement]) -> Draft:
        return replace(
            self, replacements=tuple(changed.get(i, old) for i, old in enumerate(self.replacements))
        )

    def extended(self, more: Sequence[Replacement]) -> Draft:
        return replace(self, replacements=(*self.replacements, *more))

    def records(self, threshold: float) -> tuple[FaceRecord, ...]:
        """What the manifest says of each face."""
        return tuple(replacement.record(threshold) for replacement in self.replacements)


def _area(face: Face) -> float:
    return face.box.width * face.box.height
