"""The way of one picture:

    read -> find faces -> start -> settle -> publish -> audit -> release
                                      ^                   |
                                      +------ climb ------+

`deidentify_file` is that way for a file, `deidentify_frames` its heart. Everything that processes many
pictures calls it; nothing above it looks at a pixel. It fails closed: what is not verified is not released,
and every doubt ends in a fill or in a withheld picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from epdcli import pictures
from epdcli.errors import PictureError
from epdcli.faces.detection import Detector, Promising
from epdcli.faces.draft import Draft
from epdcli.faces.found import shown_by_looks
from epdcli.faces.replacement import Replacer, Report
from epdcli.model import Face, FaceRecord, Pixels, Verdict

LIMIT = 10  # audits of a picture: a ladder is shorter, but faces may turn up on and on


@dataclass(frozen=True)
class Policy:
    """What may be released.

    expect_faces  withhold a picture with fewer faces than this
    no_face_copy  release pictures without a face, stripped of their metadata
    mark          mark pictures with a generated face as such, where the format can say it
    max_pixels    refuse larger pictures before they are decoded
    keep          EXIF values that stay, where the format can hold them; none by default
    keep_times    give the finished file its source's times
    """

    expect_faces: int = 0
    no_face_copy: bool = False
    mark: bool = True
    max_pixels: int = pictures.MAX_PIXELS
    keep: frozenset[pictures.Keep] = frozenset()
    keep_times: bool = False


@dataclass(frozen=True)
class Answer:
    """What became of a picture, why, its faces, and what a record says of it (see PictureRecord)."""

    verdict: Verdict
    reason: str
    faces: tuple[FaceRecord, ...] = ()
    stayed: tuple[tuple[float, ...], ...] = ()
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    digital_source_type: str = ""
    marked: bool = False
    smallest_face_px: float | None = None
    hint: str = ""


@dataclass(frozen=True, eq=False)
class Finished:
    """What a file that was written shows: its frames, each H x W x 3, uint8, what else lies in it that must
    not, and its pages, of which viewers may show more."""

    frames: Sequence[Pixels]
    hidden: Sequence[pictures.Finding] = ()
    pages: Sequence[pictures.Page] = ()


def shown_faces(file: pictures.PictureFile, detector: Detector) -> list[list[Face]]:
    """The faces of each frame of a file, and those that only another look of its page shows."""
    found = []
    for frame, page in zip(file.frames, file.encoding.pages, strict=True):
        faces = detector.detect(frame)
        draft = Draft("", frame, alpha=pictures.alpha_of(page))
        more = shown_by_looks(draft, faces, pictures.looks_of(page, frame), detector)
        found.append([*faces, *(face for face, _ in more)])
    return found


def deidentify_file(
    source: Path,
    target: Path,
    name: str,
    detector: Detector,
    replacer: Replacer,
    policy: Policy,
    given: Sequence[Sequence[Face]] | None = None,
) -> Answer:
    """De-identify one file, all its frames, into `target`.

    Only with the verdict `pass` (or `no_face` and `no_face_copy`) may `target` be released; the caller
    removes it otherwise. `name` is the picture's relative path, on which seeded and keyed codes depend.
    `given` are faces that somebody found before, a list for each frame; they stand in for detection on
    the source, never for the audit of the result, which lets only those of them be that stay. Raises
    PictureError when the file can't be read, or can't be kept as it is, or a face is given outside of it.
    """
    file = pictures.read(source, max_pixels=policy.max_pixels)
    before = pictures.scan(source, max_pixels=policy.max_pixels)
    dropped = tuple(_described(finding) for finding in before if not finding.released)
    found = [detector.detect(frame) for frame in file.frames] if given is None else given
    if len(found) != len(file.frames):
        raise PictureError(
            f"{name}: faces are given for {len(found)} frames, but it has {len(file.frames)}.",
            hint="Write the detections again with 'epd detect'.",
        )
    for frame, faces in zip(file.frames, found, strict=True):
        _refuse_faces_outside(faces, frame, name)

    def publish(drafts: Sequence[Draft]) -> Finished:
        frames, where = [draft.pixels for draft in drafts], [draft.touched for draft in drafts]
        mark = policy.mark and any(draft.synthetic for draft in drafts)
        opaque = [draft.opaque for draft in drafts]
        pictures.write(file, frames, where, target, opaque=opaque, mark=mark, keep=policy.keep)
        after = pictures.scan(target, keep=policy.keep, max_pixels=policy.max_pixels)
        hidden = [finding for finding in after if not finding.released]
        finished = pictures.read(target, max_pixels=policy.max_pixels)
        return Finished(finished.frames, hidden, finished.encoding.pages)

    answer, drafts = deidentify_frames(
        file.frames, found, name, replacer, policy, publish, file.encoding.pages
    )
    synthetic = policy.mark and any(draft.synthetic for draft in drafts)
    return replace(
        answer,
        kept=file.encoding.kept(policy.keep),
        dropped=dropped,
        digital_source_type=pictures.SOURCE_TYPE if synthetic else "",
        marked=synthetic and file.encoding.holds_mark,
        smallest_face_px=_smallest(detector, file.frames),
    )


def deidentify_frames(
    frames: Sequence[Pixels],
    found: Sequence[Sequence[Face]],
    name: str,
    replacer: Replacer,
    policy: Policy,
    publish: Callable[[Sequence[Draft]], Finished],
    pages: Sequence[pictures.Page] = (),
) -> tuple[Answer, list[Draft]]:
    """Replace the faces `found` in each frame (H x W x 3, uint8) and audit what `publish` made of them.

    `publish` writes the drafts and returns the frames as others will see them. `pages` are the frames' pages
    in a file, of which viewers may show more. Returns the answer and the drafts, whose `pixels` are the new
    frames.
    """
    count = sum(map(len, found))
    stayed = tuple(tuple(round(float(side), 1) for side in face.box) for face in staying(found))
    if count < policy.expect_faces:
        return Answer(Verdict.WITHHELD, f"{count} face(s) found, {policy.expect_faces} expected"), []
    to_replace = count > len(stayed) or any(map(pictures.shows_more, pages))
    if not to_replace and not policy.no_face_copy:
        return Answer(Verdict.NO_FACE, _no_face(stayed), stayed=stayed), []
    alphas = [pictures.alpha_of(page) for page in pages]
    drafts = replacer.settle_all(replacer.start(frames, found, name, alphas))
    reason = ""
    for _ in range(LIMIT):
        finished = publish(drafts)
        if reason := _not_the_drafts(drafts, finished, replacer):
            break
        reports = [replacer.audit(*shown) for shown in _shown(drafts, finished)]
        drafts, reason = [report.draft for report in reports], _reason(reports)
        if not reason or any(report.difference for report in reports):
            break
        drafts = replacer.settle_all([replacer.climb(report) for report in reports])
    answer = _answer(reason, replacer.records(drafts), stayed, policy)
    return replace(answer, stayed=stayed), drafts


def _shown(drafts: Sequence[Draft], finished: Finished) -> Iterator[tuple[Any, ...]]:
    """For each frame what its audit takes: draft, finished frame, what else viewers show."""
    if not finished.pages:
        yield from zip(drafts, finished.frames, strict=True)
        return
    for draft, frame, page in zip(drafts, finished.frames, finished.pages, strict=True):
        yield draft, frame, pictures.looks_of(page, frame)


def _refuse_faces_outside(faces: Sequence[Face], frame: Pixels, name: str) -> None:
    height, width = frame.shape[:2]
    for x, y, across, down in (face.box for face in faces):
        if x >= width or y >= height or x + across <= 0 or y + down <= 0:
            raise PictureError(
                f"{name}: a face is given at {x:g}, {y:g}, outside of the {width} x {height} pixels.",
                hint="Positions are those of the upright picture, in pixels.",
            )


def staying(found: Sequence[Sequence[Face]]) -> list[Face]:
    """The faces of all frames that a person has decided to leave as they are."""
    return [face for frame in found for face in frame if face.stays]


def _answer(reason: str, records: tuple[FaceRecord, ...], stayed: Sequence[object], policy: Policy) -> Answer:
    """What became of a picture, given what the last audit had against it."""
    if reason:
        return Answer(Verdict.WITHHELD, reason, records)
    if not records:
        copied = "; copied without its metadata" if policy.no_face_copy else ""
        return Answer(Verdict.NO_FACE, f"{_no_face(stayed)}{copied}")
    return Answer(Verdict.PASS, "", records)


def _no_face(stayed: Sequence[object]) -> str:
    return f"no face to replace; {len(stayed)} stay(s), as decided" if stayed else "no face found"


def _reason(reports: Sequence[Report]) -> str:
    """What audits of all frames have against a picture, in words."""
    return " and ".join(dict.fromkeys(report.sentence for report in reports if not report.is_clean))


def _not_the_drafts(drafts: Sequence[Draft], finished: Finished, replacer: Replacer) -> str:
    """In words, what a finished file has beside or in place of the drafts' frames."""
    for finding in finished.hidden:
        shown = any(replacer.shows_an_original(drafts, inner) for inner in finding.pictures)
        which = ", which shows an original face" if shown else ""
        return f"the finished file still holds {finding.kind} ({finding.where}){which}"
    if [frame.shape for frame in finished.frames] != [draft.source.shape for draft in drafts]:
        return "the finished file has other frames than the source"
    return ""


def _smallest(detector: Detector, frames: Sequence[Pixels]) -> float | None:
    """From how many pixels on faces were looked for, where the detector says so."""
    if not isinstance(detector, Promising):
        return None
    return round(max(detector.smallest(*frame.shape[:2]) for frame in frames), 1)


def _described(finding: pictures.Finding) -> str:
    sizes = ", ".join(f"{inner.shape[1]} x {inner.shape[0]}" for inner in finding.pictures)
    return f"{finding.kind}: {finding.where}" + (f", holds a picture of {sizes}" if sizes else "")
