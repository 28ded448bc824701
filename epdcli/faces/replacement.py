"""From old faces to new ones in one frame: give codes, paste, verify, try again, fall back to a fill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.faces.alignment import map_points, warp
from epdcli.faces.codes import CodeSource, code_from
from epdcli.faces.coverage import PROCESSED, conceal, covered_share, oval
from epdcli.faces.draft import Draft, Replacement
from epdcli.faces.method import Method
from epdcli.faces.pasting import to_picture
from epdcli.faces.verification import Verifier, distances, is_small
from epdcli.model import AlignedFace, Code, Face, FaceRecord, Matrix, Pixels

_BEFORE_SOFTER = 2  # attempts that a face has in full light
_EXPRESSION = 0.5  # what the expression weighs against the distance when a candidate is chosen
_MOVES = 0.04  # how far the distance of a small face moves from one finished file to the next


@dataclass(frozen=True, eq=False)
class Check:
    """What was found in a finished frame: the numbers of new faces that are still too like an original, and
    faces that no mask covers. `draft` has the distances that were measured there."""

    draft: Draft
    failed: frozenset[int]
    missed: tuple[Face, ...]

    @property
    def passed(self) -> bool:
        return not self.failed and not self.missed

    @property
    def sentence(self) -> str:
        parts = [
            f"{len(self.missed)} face(s) not covered by a mask" if self.missed else "",
            f"{len(self.failed)} new face(s) too like an original" if self.failed else "",
        ]
        return " and ".join(part for part in parts if part)


@dataclass(frozen=True)
class Methods:
    """What faces are replaced by: `chosen` first, `softer` from the third attempt on, then `fill`."""

    chosen: Method
    softer: Method
    fill: Method


@dataclass(frozen=True)
class Trials:
    """The distance that a new face must keep from the originals, how often a face is tried, and how many new
    faces are drawn each time."""

    threshold: float
    max_attempts: int = 1
    candidates: int = 1


class Replacer:
    """Replaces faces by the chosen of `methods` and judges every one with `verifier`.

    Each attempt draws `candidates` new faces and takes one that passes: the one that is least like the
    original and keeps the expression best (which tells whoever knows all of this at most the binary
    logarithm of their number, in bits). A face that fails gets another attempt, `max_attempts` in all (one
    for a method without chance), from the third on with less of the old face in it; whatever still fails, or
    the method can't replace, is filled.
    """

    def __init__(
        self,
        methods: Methods,
        verifier: Verifier,
        codes: CodeSource,
        trials: Trials,
    ) -> None:
        self._methods = methods
        self._verifier = verifier
        self._codes = codes
        self._threshold = trials.threshold
        self._attempts = trials.max_attempts if methods.chosen.random else 1
        self._candidates = trials.candidates if methods.chosen.random else 1

    def aligned(self, pixels: Pixels, faces: Sequence[Face]) -> list[AlignedFace]:
        """The faces of a frame as the method will see them in a draft."""
        draft = Draft("", pixels, tuple(Replacement(face) for face in faces))
        return _crops(draft, self._methods.chosen, faces)

    def draft(self, pixels: Pixels, faces: Sequence[Face], name: str) -> Draft:
        """A verified draft of a frame (H x W x 3, uint8) in which each of `faces` is replaced."""
        return self._extended(Draft(name, pixels, ()), faces)

    def check(self, draft: Draft, finished: Pixels, found: Sequence[Face]) -> Check:
        """Judge a finished frame, as read back from its file, by the faces that a detector `found` in it.

        A face counts as processed when 90 % of its inner part lies under applied masks; it must then be
        nobody of the originals, aligned by its own landmarks this time.
        """
        shares = [covered_share(draft.covered, face) for face in found]
        missed = tuple(face for face, share in zip(found, shares, strict=True) if share < PROCESSED)
        processed = [face for face, share in zip(found, shares, strict=True) if share >= PROCESSED]
        owned = [(face, _owner(draft, face)) for face in processed]
        judged = [(face, i) for face, i in owned if not draft.replacements[i].filled]
        gaps = distances(self._verifier.embed(finished, [face for face, _ in judged]), draft.originals)
        failed: set[int] = set()
        for (_, i), row in zip(judged, gaps, strict=True):
            old = draft.replacements[i]
            smaller = min(float(row[i]), np.inf if old.distance is None else old.distance)
            draft = draft.with_replacements({i: replace(old, distance=smaller)})
            if not self._accepts(draft, i, row, finished=True):
                failed.add(i)
        return Check(draft, frozenset(failed), missed)

    def mend(self, check: Check, also: Sequence[Face], last: bool) -> Draft:
        """The draft with failed faces tried again, or filled in the `last` round, and missed ones replaced.

        A missed face that stands on a new one is mostly that one, seen differently: that one is tried again
        if it may, and else the missed one filled, as small ones are.

        `also` are faces found by another look at the finished frame. They count where they stand on no new
        face.
        """
        draft, failed, missed = check.draft, set(check.failed), list(check.missed)
        if last:
            draft = self._given_up(draft, failed)
        else:
            again = {face: self._to_try_again(draft, face) for face in missed}
            failed |= {i for i in again.values() if i is not None}
            missed = [face for face, i in again.items() if i is None]
        draft = self._settled(draft, sorted(failed))
        draft = self._replaced(draft, missed)
        return self._replaced(draft, [face for face in also if not _stands_on_another(draft, face)])

    def _to_try_again(self, draft: Draft, face: Face) -> int | None:
        """The number of the generated face on which a missed one stands, if it may be tried again."""
        if not _stands_on_another(draft, face):
            return None
        i = _owner(draft, face)
        old = draft.replacements[i]
        able = old.method == "generate" and not is_small(old.face) and self._may_try(old)
        return i if able else None

    def _replaced(self, draft: Draft, missed: Sequence[Face]) -> Draft:
        first = len(draft.replacements)
        fill = [is_small(face) or _stands_on_another(draft, face) for face in missed]
        return self._extended(draft, missed, [first + n for n, known in enumerate(fill) if known])

    def finds_an_original(self, drafts: Sequence[Draft], pixels: Pixels, found: Sequence[Face]) -> bool:
        """Whether one of the faces `found` in another picture (H x W x 3) is an original of the drafts."""
        originals = np.concatenate([draft.originals for draft in drafts])
        return bool((distances(self._verifier.embed(pixels, found), originals) <= self._threshold).any())

    def records(self, drafts: Sequence[Draft]) -> tuple[FaceRecord, ...]:
        """What the manifest says of each face of a picture's drafts."""
        return tuple(record for draft in drafts for record in draft.records(self._threshold))

    def _extended(self, draft: Draft, faces: Sequence[Face], to_fill: Sequence[int] = ()) -> Draft:
        if not faces:
            return draft
        originals = self._verifier.embed(draft.source, faces)
        new = tuple(Replacement(face, original) for face, original in zip(faces, originals, strict=True))
        first = len(draft.replacements)
        draft = self._given_up(replace(draft, replacements=draft.replacements + new), to_fill)
        return self._settled(draft, range(first, first + len(new)))

    def _settled(self, draft: Draft, numbers: Iterable[int]) -> Draft:
        """Try the faces of these numbers until each is verified or filled."""
        pending = list(numbers)
        while pending:
            able = [i for i in pending if self._may_try(draft.replacements[i])]
            draft = self._filled(draft, [i for i in pending if i not in able])
            draft = self._attempted(draft, able)
            draft, pending = self._judged(draft, able)
        return draft

    def _attempted(self, draft: Draft, numbers: Sequence[int]) -> Draft:
        """The draft in which each of these faces has had another attempt."""
        softer = [i for i in numbers if draft.replacements[i].attempts >= _BEFORE_SOFTER]
        draft = self._tried(draft, self._methods.chosen, [i for i in numbers if i not in softer])
        return self._tried(draft, self._methods.softer, softer)

    def _tried(self, draft: Draft, method: Method, numbers: Sequence[int]) -> Draft:
        """The draft in which each of these faces wears the best of its candidates."""
        if not numbers:
            return draft
        drafts = self._with_method(draft, method, numbers, self._drawn(draft, numbers))
        if len(drafts) > 1:
            rated = [self._rated(candidate, numbers) for candidate in drafts]
            best = {i: max(range(len(drafts)), key=lambda n: rated[n][i]) for i in numbers}
        else:
            best = dict.fromkeys(numbers, 0)
        worn = {i: drafts[n].replacements[i] for i, n in best.items()}
        return draft.with_replacements({i: replace(r, attempts=r.attempts + 1) for i, r in worn.items()})

    def _drawn(self, draft: Draft, numbers: Sequence[int]) -> list[list[Code]]:
        """For each candidate the codes of these faces; no two of a picture are alike."""
        known = [r.code for r in draft.replacements if r.code is not None]
        drawn: list[list[Code]] = []
        for candidate in range(self._candidates):
            codes: list[Code] = []
            for i in numbers:
                attempt = draft.replacements[i].attempts * self._candidates + candidate
                seed = self._codes.seed(draft.name, i, attempt)
                codes.append(code_from(seed, known + codes))
            drawn.append(codes)
            known += codes
        return drawn

    def _rated(self, draft: Draft, numbers: Sequence[int]) -> dict[int, tuple[bool, float]]:
        """How good each of these new faces is: whether it passes, and how far it is from its original, less
        what the expression has changed; the larger the better."""
        changes = {i: draft.replacements[i].expression_change for i in numbers}
        return {
            i: (self._accepts(draft, i, row), float(row[i]) - _EXPRESSION * changes[i])
            for i, row in zip(numbers, self._gaps(draft, numbers), strict=True)
        }

    def _gaps(self, draft: Draft, numbers: Sequence[int]) -> NDArray[np.float32]:
        """Distances (n, m) of these new faces, by their originals' landmarks, from all originals."""
        faces = [draft.replacements[i].face for i in numbers]
        return distances(self._verifier.embed(draft.pixels, faces), draft.originals)

    def _with_method(
        self, draft: Draft, method: Method, numbers: Sequence[int], codes: Sequence[Sequence[Code]]
    ) -> list[Draft]:
        """For each row of `codes`, which has one for each face, a draft in which the faces wear them."""
        faces = [draft.replacements[i].face for i in numbers]
        aligned = _crops(draft, method, faces)
        new = iter(method.replace(aligned * len(codes), [code for row in codes for code in row]))
        drafts = []
        for row in codes:
            changed = {}
            for i, face, code in zip(numbers, aligned, row, strict=True):
                made = next(new)
                if made is None:
                    changed[i] = replace(draft.replacements[i], exhausted=True)
                    continue
                changed[i] = replace(
                    draft.replacements[i],
                    code=code if len(code) else None,
                    method=method.name,
                    patch=to_picture(made, face.matrix, draft.source.shape),
                    expression_change=made.expression_change,
                    distance=None,
                )
            drafts.append(draft.with_replacements(changed))
        return drafts

    def _filled_with(self, draft: Draft, method: Method, numbers: Sequence[int]) -> Draft:
        if not numbers:
            return draft
        return self._with_method(draft, method, numbers, [[_NO_CODE] * len(numbers)])[0]

    def _judged(self, draft: Draft, numbers: Sequence[int]) -> tuple[Draft, list[int]]:
        """Measure new faces by the originals' landmarks; returns the draft and the numbers that failed."""
        if not numbers:
            return draft, []
        gaps = self._gaps(draft, numbers)
        measured = {
            i: replace(draft.replacements[i], distance=float(row[i]))
            for i, row in zip(numbers, gaps, strict=True)
        }
        draft = draft.with_replacements(measured)
        # Another code draws another face into the same mask: what it doesn't cover, no attempt will.
        bare = [i for i in numbers if not _covers(draft, i)]
        failed = [i for i, row in zip(numbers, gaps, strict=True) if not self._accepts(draft, i, row)]
        return self._given_up(draft, bare), sorted({*failed, *bare})

    def _given_up(self, draft: Draft, numbers: Iterable[int]) -> Draft:
        """The draft in which these faces have no attempt left, so that they are filled next."""
        return draft.with_replacements({i: replace(draft.replacements[i], exhausted=True) for i in numbers})

    def _filled(self, draft: Draft, numbers: Sequence[int]) -> Draft:
        """The fallback: the fill, of which no recogniser is asked, since it shows no face."""
        return self._judged(self._filled_with(draft, self._methods.fill, numbers), numbers)[0]

    def _may_try(self, replacement: Replacement) -> bool:
        return not replacement.exhausted and replacement.attempts < self._attempts

    def _accepts(self, draft: Draft, number: int, gaps: NDArray[np.float32], finished: bool = False) -> bool:
        """Whether a new face keeps its distance: from its own original, and from every other original of
        the picture that is large enough for a recogniser's answer to mean anything. A small one needs a
        little more before the picture is `finished`."""
        new = draft.replacements[number]
        if is_small(new.face):
            more = 0.0 if finished or new.filled else _MOVES
            return bool(gaps[number] > self._threshold + more)
        others = [gaps[i] for i, r in enumerate(draft.replacements) if i != number and not is_small(r.face)]
        return bool(gaps[number] > self._threshold and all(gap > self._threshold for gap in others))


_NO_CODE: Code = np.zeros(0, np.float32)


def _crops(draft: Draft, method: Method, faces: Sequence[Face]) -> list[AlignedFace]:
    """Aligned faces for a method. Around the face at hand its neighbours are concealed, so that no method
    can carry a piece of one person's face into another's."""
    alone = len(draft.replacements) == 1
    backdrop = draft.source if alone else conceal(draft.source, [r.face for r in draft.replacements])
    crops = []
    for face in faces:
        matrix = method.matrix(face)
        pixels = warp(draft.source, matrix, method.size)
        if not alone:
            own = _own_region(face, matrix, method.size)[..., None]
            pixels = np.where(own, pixels, warp(backdrop, matrix, method.size))
        crops.append(AlignedFace(face, pixels, matrix))
    return crops


def _own_region(face: Face, matrix: Matrix, size: int) -> NDArray[np.bool_]:
    inside = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(inside, np.rint(map_points(matrix, oval(face.box, 1.4))).astype(np.int32), 1)
    return inside > 0


def _covers(draft: Draft, number: int) -> bool:
    """Whether the new face hides the old one: 90 % of its inner part and all five landmarks."""
    covered = draft.covered
    face = draft.replacements[number].face
    height, width = covered.shape
    points = np.rint(face.landmarks).astype(int)
    seen = [(x, y) for x, y in points if 0 <= x < width and 0 <= y < height]
    return covered_share(covered, face) >= PROCESSED and all(covered[y, x] for x, y in seen)


def _stands_on_another(draft: Draft, face: Face) -> bool:
    """Whether a face's centre lies in the box of one that was replaced already."""
    return any(replacement.face.box.holds(face.box.centre) for replacement in draft.replacements)


def _owner(draft: Draft, face: Face) -> int:
    """The number of the replaced face that a face found in the finished picture stands at."""
    centre = np.array(face.box.centre)
    seen = [i for i in range(len(draft.replacements)) if i not in draft.buried]
    return min(seen, key=lambda i: float(np.hypot(*(centre - draft.replacements[i].face.box.centre))))
