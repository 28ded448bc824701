"""A frame on its way: what stands in for each of its faces so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from epdcli.faces.boxes import overlaps
from epdcli.faces.detection import SAME_UNION
from epdcli.faces.pasting import COVERED, composite, touched
from epdcli.faces.verification import is_small
from epdcli.model import Code, Embedding, Face, FaceRecord, Patch, Pixels

_NO_EMBEDDINGS = np.zeros((0, 128), np.float32)
FILLS = ("soft", "solid")  # of which no recogniser is asked: no face is left
_SAME = 6.0  # grey levels, root mean square: what every honest writer keeps within
_METHOD_IN_MANIFEST = {"generate": "generated"}


@dataclass(frozen=True, eq=False)
class Replacement:
    """One face of a frame and what stands in for it so far. `distance` is the smallest one measured
    between the new face and its original; `original` (128,) is kept in memory only. `expression_change`:
    what the method says of the new face."""

    face: Face
    original: Embedding | None = None
    code: Code | None = None
    method: str = ""
    patch: Patch | None = None
    distance: float | None = None
    expression_change: float = 0.0
    attempts: int = 0
    exhausted: bool = False

    @property
    def filled(self) -> bool:
        """Whether nothing of a face is left that a recogniser could judge."""
        return self.method in FILLS or (self.method == "pixelate" and is_small(self.face))

    def record(self, threshold: float) -> FaceRecord:
        """What the manifest says of the face."""
        return FaceRecord(
            box=tuple(round(float(side), 1) for side in self.face.box),
            score=round(float(self.face.score), 4),
            method=_METHOD_IN_MANIFEST.get(self.method, self.method),
            identity_distance=None if self.distance is None else round(float(self.distance), 4),
            threshold=threshold,
            attempts=self.attempts,
            small=is_small(self.face),
        )


@dataclass(frozen=True, eq=False)
class Draft:
    """A frame (H x W x 3) with the replacements of its faces; nothing of it changes, new drafts are made."""

    name: str
    source: Pixels
    replacements: tuple[Replacement, ...]

    @cached_property
    def pixels(self) -> Pixels:
        """The frame with the new faces over the old ones, the larger (nearer) ones and then fills on top, but
        for those that are `buried`."""
        return composite(self.source, self._patches)

    @property
    def touched(self) -> NDArray[np.bool_]:
        """Where a new face changed anything: (H, W)."""
        return touched(self.source.shape, self._patches)

    @cached_property
    def covered(self) -> NDArray[np.bool_]:
        """Where the applied masks cover the old picture: (H, W)."""
        return touched(self.source.shape, self._patches, COVERED)

    @property
    def originals(self) -> NDArray[np.float32]:
        """Embeddings of the original faces: (n, 128)."""
        known = [r.original for r in self.replacements if r.original is not None]
        return np.stack(known) if known else _NO_EMBEDDINGS

    @property
    def generated(self) -> bool:
        return any(replacement.method == "generate" for replacement in self.replacements)

    @cached_property
    def buried(self) -> frozenset[int]:
        """Numbers of the fills that lie below a generated face."""
        return frozenset(fill for fill, above in self._above.items() if above)

    @cached_property
    def _patches(self) -> list[Patch]:
        boxes = [r.face.box for r in self.replacements]
        ordered = sorted(
            (i for i in range(len(boxes)) if i not in self._above),
            key=lambda i: boxes[i].width * boxes[i].height,
        )
        for fill, above in self._above.items():
            ordered.insert(min(map(ordered.index, above), default=len(ordered)), fill)
        patches = [self.replacements[i].patch for i in ordered]
        return [patch for patch in patches if patch is not None]

    @cached_property
    def _above(self) -> dict[int, list[int]]:
        """For the number of each fill those of the generated faces that lie over it, since they stand
        elsewhere. Nothing of an old face is left in either, and a new face is not hidden by a fill beside it.
        """
        faces = [r.face for r in self.replacements]
        new = [i for i, r in enumerate(self.replacements) if r.method == "generate"]
        boxes = np.array([faces[i].box for i in new], np.float32).reshape(-1, 4)
        above = {}
        for fill, replacement in enumerate(self.replacements):
            if replacement.method in FILLS:
                union, _ = overlaps(np.array(faces[fill].box, np.float32), boxes)
                elsewhere = zip(new, (union > 0) & (union <= SAME_UNION), strict=True)
                above[fill] = [i for i, so in elsewhere if so]
        return above

    def lost_in(self, finished: Pixels) -> list[int]:
        """Numbers of the new faces that a finished frame (H x W x 3, uint8), read back from its file, doesn't
        show: under their masks it differs from this draft by more than compression does, and is not clearly
        nearer to the draft than to the source."""
        return [
            number
            for number, replacement in enumerate(self.replacements)
            if number not in self.buried
            and replacement.patch is not None
            and _is_lost(replacement.patch, self.pixels, finished, self.source)
        ]

    def with_replacements(self, changed: dict[int, Replacement]) -> Draft:
        return replace(
            self, replacements=tuple(changed.get(i, old) for i, old in enumerate(self.replacements))
        )

    def records(self, threshold: float) -> tuple[FaceRecord, ...]:
        """What the manifest says of each face."""
        return tuple(replacement.record(threshold) for replacement in self.replacements)


def _is_lost(patch: Patch, draft: Pixels, finished: Pixels, source: Pixels) -> bool:
    covered = patch.mask > COVERED
    if not covered.any():
        return False
    shown = finished[patch.window][covered].astype(np.float32)
    from_draft, from_source = (
        float(np.sqrt(((frame[patch.window][covered] - shown) ** 2).mean())) for frame in (draft, source)
    )
    return from_draft > _SAME and from_draft > from_source / 2
