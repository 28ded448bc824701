"""From old faces to new ones: start, settle, audit, climb. `epdcli.pipeline` has the loop.

Every face of a draft stands on a rung of its ladder (`faces.ladder`). Settling makes new faces and lets
those that fail climb, until each is verified or on its fill. An audit looks at the finished frame, as it is
read back from its file; what it finds climbs, too. A ladder has an end, so this has one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from epdcli.faces.candidates import overlaps
from epdcli.faces.codes import CodeSource, code_from
from epdcli.faces.comparison import difference
from epdcli.faces.coverage import PROCESSED, covered_share
from epdcli.faces.crops import crops_for
from epdcli.faces.detection import SAME_UNION, Detector, detect_mirrored
from epdcli.faces.draft import Draft, Replacement
from epdcli.faces.found import (
    is_among,
    is_covered,
    is_left_over,
    judged_at,
    shown_by_looks,
    synthetic_below,
)
from epdcli.faces.ladder import Ladder, Rung
from epdcli.faces.pasting import COVERED, composite, to_picture
from epdcli.faces.verification import Verifier, distances, is_small
from epdcli.model import AlignedFace, Code, Face, FaceRecord, Look, NewFace, Patch, Pixels

_DRAWBACK = 0.5  # what a method says against a new face, against its distance, when a candidate is chosen
_MOVES = 0.04  # how far the distance of a small face moves from one finished file to the next
_CERTAIN, _CERTAIN_PX = 0.5, 48.0  # score and height of faces that no detector misses twice
_SEEN_THERE = 0.3  # intersection over union
_ROOM = 1.5  # of a face's longer side: what a recogniser's crop needs around its centre
_NO_CODE: Code = np.zeros(0, np.float32)


@dataclass(frozen=True, eq=False)
class Report:
    """What an audit of a finished frame found; `draft` has the distances that were measured there.

    uncovered    faces that no mask covers
    by_alpha     those of them that transparency shows: opaque is what hides them
    too_similar  numbers of new faces that are too like an original
    difference   in words, where the file shows something else than the draft
    """

    draft: Draft
    uncovered: tuple[Face, ...] = ()
    too_similar: frozenset[int] = frozenset()
    difference: str = ""
    by_alpha: tuple[Face, ...] = ()

    @property
    def is_clean(self) -> bool:
        return not (self.uncovered or self.too_similar or self.difference)

    @property
    def sentence(self) -> str:
        parts = [
            self.difference,
            f"{len(self.uncovered)} face(s) not covered by a mask" if self.uncovered else "",
            f"{len(self.too_similar)} new face(s) too like an original" if self.too_similar else "",
        ]
        return " and ".join(part for part in parts if part)


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A new face, its distance from its original (None where nothing is left to judge), how much more than
    the threshold it keeps from all of the frame, and its merit: the larger the better."""

    patch: Patch
    code: Code | None
    distance: float | None = None
    to_spare: float = _MOVES
    drawback: float = 0.0

    @property
    def passes(self) -> bool:
        return self.to_spare > 0

    @property
    def merit(self) -> tuple[float, float]:
        # In a crowd one that only just passes is likely to fail in the finished file.
        return min(self.to_spare, _MOVES), (self.distance or 0.0) - _DRAWBACK * self.drawback


class Replacer:
    """Replaces faces as their `ladder` says and judges every new one with `verifier`: it must be farther than
    `threshold` from the originals of its frame."""

    def __init__(
        self, ladder: Ladder, detector: Detector, verifier: Verifier, codes: CodeSource, threshold: float
    ) -> None:
        self._ladder = ladder
        self._detector = detector
        self._verifier = verifier
        self._codes = codes
        self._threshold = threshold

    def start(
        self,
        frames: Sequence[Pixels],
        found: Sequence[Sequence[Face]],
        name: str,
        alphas: Sequence[NDArray[np.uint8] | None] = (),
    ) -> list[Draft]:
        """Drafts of the frames of one picture (each H x W x 3, uint8), in which nothing is replaced yet.

        `alphas` are their transparencies (see Draft), none by default. A face at the place of one in the
        frame before, and like it, is the same person. Faces that stay are only remembered.
        """
        drafts: list[Draft] = []
        people = 0
        for pixels, every, alpha in zip(frames, found, alphas or [None] * len(frames), strict=True):
            faces = [face for face in every if not face.stays]
            staying = tuple(face for face in every if face.stays)
            draft = Draft(name, pixels, alpha=alpha, staying=staying)
            originals = self._verifier.embed(pixels, faces)
            known = self._known(drafts[-1], faces, originals) if drafts else {}
            replacements = []
            for number, (face, original) in enumerate(zip(faces, originals, strict=True)):
                person = known.get(number, people)
                people += number not in known
                opaque = draft.shows_through(face)
                replacements.append(Replacement(face, person, original, self._ladder(face), opaque=opaque))
            drafts.append(draft.extended(replacements))
        return drafts

    def settle_all(self, drafts: Sequence[Draft]) -> list[Draft]:
        """The drafts of one picture, settled; a person keeps the identity code of earlier frames, if it will
        do."""
        settled: list[Draft] = []
        worn: dict[int, Code] = {}
        for draft in drafts:
            settled.append(self.settle(draft, worn))
            worn |= {r.person: r.code for r in settled[-1].replacements if r.code is not None}
        return settled

    def settle(self, draft: Draft, worn: Mapping[int, Code] | None = None) -> Draft:
        """The draft with a new face on every old one: each verified, or on its fill.

        `worn` has the identity codes of people, by their numbers, that are tried first.
        """
        while pending := draft.pending:
            for rung in dict.fromkeys(draft.replacements[i].on for i in pending):
                numbers = [i for i in pending if draft.replacements[i].on is rung]
                draft = self._tried(draft, numbers, rung, worn or {})
        return draft

    def audit(self, draft: Draft, finished: Pixels, looks: Iterable[Look] = ()) -> Report:
        """Judge a finished frame (H x W x 3, uint8), as read back from its file.

        `looks` are what else viewers may show of it: in none of them may a face stand that no mask covers or,
        where transparency makes the look, that the look's `alpha` shows.

        It must show the draft. A face found in it counts as covered when 90 % of its inner part lies under
        applied masks; it must then match no original identity, aligned by its own landmarks this time. One
        that no mask covers must be one that stays, as it was in the source. Where
        something is found the mirror image is searched as well: what is only just not seen in this file must
        not turn up in the next.
        """
        if problem := difference(draft, finished):
            return Report(draft, difference=problem)
        found = self._detector.detect(finished)
        covered = [face for face in found if is_covered(draft, face)]
        left_over = [face for face in found if is_left_over(draft, face)]
        uncovered = [face for face in left_over if not self._is_made_of_masks(draft, face)]
        draft, too_similar = self._similar(draft, finished, covered)
        by_looks = list(shown_by_looks(draft, uncovered, looks, self._detector))
        uncovered += [face for face, _ in by_looks]
        if left_over or uncovered or too_similar:
            uncovered += [
                face
                for face in detect_mirrored(self._detector, finished)
                if is_left_over(draft, face)
                and not is_among(face, [*draft.faces, *uncovered])
                and not self._is_made_of_masks(draft, face)
            ]
        of_alpha = tuple(face for face, by_alpha in by_looks if by_alpha)
        return Report(draft, tuple(uncovered), frozenset(too_similar), by_alpha=of_alpha)

    def _is_made_of_masks(self, draft: Draft, face: Face) -> bool:
        """Whether a doubtful face found in the finished frame is an accident of the masks (two fills for
        eyes, a dress for cheeks): it is so large that it would be seen for certain, and the source, where no
        mask lies, shows none there."""
        if face.score >= _CERTAIN or face.box.height < _CERTAIN_PX:
            return False
        x, y, width, height = face.box
        left, top = max(0, int(x - width / 2)), max(0, int(y - height / 2))
        piece = draft.source[top : int(y + 1.5 * height), left : int(x + 1.5 * width)]
        seen = self._detector.detect(np.ascontiguousarray(piece)) if piece.size else []
        box = face.box._replace(x=x - left, y=y - top)
        boxes = np.array([other.box for other in seen], np.float32).reshape(-1, 4)
        return not (overlaps(np.array(box, np.float32), boxes)[0] > _SEEN_THERE).any()

    def climb(self, report: Report) -> Draft:
        """The draft with every face that the report speaks of one rung further up, still to be settled.

        A face that turned up late starts at its fill; one that stands on a synthetic face is mostly that one,
        seen differently: that one climbs in its place.
        """
        draft, late = report.draft, []
        climbing = set(report.too_similar)
        see_through = [
            face for face in report.uncovered if face in report.by_alpha or draft.shows_through(face)
        ]
        for face in report.uncovered:
            below = None if face in see_through else synthetic_below(draft, face)
            if below is None:
                late.append(face)
            else:
                climbing.add(below)
        draft = _changed(draft, {i: draft.replacements[i].climbed() for i in climbing})
        person = max((r.person for r in draft.replacements), default=-1) + 1
        originals = self._verifier.embed(draft.source, late)
        return draft.extended(
            [
                replace(
                    Replacement(face, person + n, original, self._ladder(face)).to_fill(),
                    opaque=face in see_through,
                )
                for n, (face, original) in enumerate(zip(late, originals, strict=True))
            ]
        )

    def shows_an_original(self, drafts: Sequence[Draft], pixels: Pixels) -> bool:
        """Whether another picture (H x W x 3, uint8) shows one of the drafts' original faces."""
        originals = np.concatenate([draft.originals for draft in drafts])
        found = self._verifier.embed(pixels, self._detector.detect(pixels))
        return bool((distances(found, originals) <= self._threshold).any())

    def records(self, drafts: Sequence[Draft]) -> tuple[FaceRecord, ...]:
        """What the manifest says of each face of a picture's drafts."""
        return tuple(record for draft in drafts for record in draft.records(self._threshold))

    def _known(self, before: Draft, faces: Sequence[Face], originals: NDArray[np.float32]) -> dict[int, int]:
        """For the numbers of those faces that were in the frame before, the number of the person."""
        known: dict[int, int] = {}
        for i, old in enumerate(before.replacements):
            boxes = np.array([face.box for face in faces], np.float32).reshape(-1, 4)
            union, _ = overlaps(np.array(old.face.box, np.float32), boxes)
            gaps = distances(originals, before.originals[i : i + 1])[:, 0]
            same = [
                n
                for n in np.argsort(-union)
                if union[n] > SAME_UNION
                and n not in known
                and (gaps[n] <= self._threshold or is_small(faces[n]))
            ]
            if same:
                known[int(same[0])] = old.person
        return known

    def _tried(self, draft: Draft, numbers: Sequence[int], rung: Rung, worn: Mapping[int, Code]) -> Draft:
        """The draft in which these faces have the best of what the rung makes of them, where one passes; the
        others have climbed."""
        faces = [draft.replacements[i].face for i in numbers]
        crops = crops_for(rung.method, draft.source, faces, draft.faces)
        rows = self._codes_of(draft, numbers, rung, worn)
        made = iter(rung.method.replace(crops * len(rows), [code for row in rows for code in row]))
        offered: dict[int, list[tuple[NewFace | None, Code]]] = {i: [] for i in numbers}
        for row in rows:
            for i, code in zip(numbers, row, strict=True):
                offered[i].append((next(made), code))
        changed = {}
        for i, crop in zip(numbers, crops, strict=True):
            old = draft.replacements[i]
            tried = replace(old, attempts=old.attempts + (not old.is_filled))
            candidates = self._candidates(draft, i, crop, offered[i])
            best = max(candidates, key=lambda candidate: candidate.merit, default=None)
            # Another code draws another face into the same mask: what it doesn't hide, no attempt will.
            if best is None or not (old.is_filled or _hides(draft, old.face, best.patch)):
                changed[i] = tried.to_fill()
            elif not best.passes:
                changed[i] = tried.climbed()
            else:
                changed[i] = replace(tried, patch=best.patch, code=best.code, distance=best.distance)
        return _changed(draft, changed)

    def _codes_of(
        self, draft: Draft, numbers: Sequence[int], rung: Rung, worn: Mapping[int, Code]
    ) -> list[list[Code]]:
        """For each candidate the codes of these faces; no two of a picture are alike."""
        if not rung.method.random:
            return [[_NO_CODE] * len(numbers)]
        known = [r.code for r in draft.replacements if r.code is not None]
        drawn: list[list[Code]] = []
        for candidate in range(rung.candidates):
            codes: list[Code] = []
            for i in numbers:
                old = draft.replacements[i]
                if old.rung == 0 and old.person in worn:
                    codes.append(worn[old.person])
                    continue
                seed = self._codes.seed(draft.name, old.person, old.rung * rung.candidates + candidate)
                codes.append(code_from(seed, known + codes))
            drawn.append(codes)
            known += codes
        return drawn

    def _candidates(
        self, draft: Draft, number: int, crop: AlignedFace, offered: Sequence[tuple[NewFace | None, Code]]
    ) -> list[_Candidate]:
        """What was offered for a face, measured against the originals unless nothing is left to judge."""
        old, shape = draft.replacements[number], draft.source.shape
        made = [(new, to_picture(new, crop.matrix, shape), code) for new, code in offered if new is not None]
        if not old.is_judged:
            return [_Candidate(patch, None) for _, patch, _ in made]
        shown = [_around(draft, old.face, patch) for _, patch, _ in made]
        rows = distances(self._verifier.embed_each(shown), draft.originals)
        return [
            _Candidate(
                patch,
                code if len(code) else None,
                float(gaps[number]),
                self._to_spare(draft, number, gaps, _MOVES),
                new.drawback,
            )
            for (new, patch, code), gaps in zip(made, rows, strict=True)
        ]

    def _similar(self, draft: Draft, finished: Pixels, found: Sequence[Face]) -> tuple[Draft, list[int]]:
        """The draft with the distances of the faces found in a finished frame, and which are too small."""
        owned = [(face, i) for face in found if (i := judged_at(draft, face)) is not None]
        gaps = distances(self._verifier.embed(finished, [face for face, _ in owned]), draft.originals)
        similar = []
        for (_, i), row in zip(owned, gaps, strict=True):
            old = draft.replacements[i]
            smaller = min(float(row[i]), np.inf if old.distance is None else old.distance)
            draft = _changed(draft, {i: replace(old, distance=smaller)})
            if self._to_spare(draft, i, row) <= 0:
                similar.append(i)
        return draft, similar

    def _to_spare(
        self, draft: Draft, number: int, gaps: NDArray[np.float32], more_if_small: float = 0.0
    ) -> float:
        """How much more than the threshold a new face keeps from its own original, and from every other
        original of the frame that is large enough for a recogniser's answer to mean anything; at most 0 where
        it is too similar."""
        if is_small(draft.replacements[number].face):
            return float(gaps[number]) - self._threshold - more_if_small
        large = [gaps[i] for i, r in enumerate(draft.replacements) if i == number or not is_small(r.face)]
        return float(min(large)) - self._threshold


def _changed(draft: Draft, changed: dict[int, Replacement]) -> Draft:
    return draft.with_replacements(changed) if changed else draft


def _around(draft: Draft, face: Face, patch: Patch) -> tuple[Pixels, Face]:
    """A piece of the draft around a face, with a patch on it, and the face there."""
    height, width = draft.source.shape[:2]
    x, y = face.box.centre
    reach = _ROOM * max(face.box.width, face.box.height)
    left, right = (int(np.clip(edge, 0, width)) for edge in (x - reach, x + reach + 1))
    top, bottom = (int(np.clip(edge, 0, height)) for edge in (y - reach, y + reach + 1))
    left, top = min(left, patch.x), min(top, patch.y)
    bottom, right = max(bottom, patch.window[0].stop), max(right, patch.window[1].stop)
    piece = composite(
        draft.pixels[top:bottom, left:right], [replace(patch, x=patch.x - left, y=patch.y - top)]
    )
    box = face.box._replace(x=face.box.x - left, y=face.box.y - top)
    return piece, replace(face, box=box, landmarks=(face.landmarks - (left, top)).astype(np.float32))


def _hides(draft: Draft, face: Face, patch: Patch) -> bool:
    """Whether a draft with this patch hides an old face: 90 % of its inner part and all five landmarks."""
    covered = draft.covered.copy()
    covered[patch.window] |= patch.mask > COVERED
    height, width = covered.shape
    points = np.rint(face.landmarks).astype(int)
    seen = [(x, y) for x, y in points if 0 <= x < width and 0 <= y < height]
    return covered_share(covered, face) >= PROCESSED and all(covered[y, x] for x, y in seen)
