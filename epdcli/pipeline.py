"""The way of one picture, a straight line:

    read -> find faces -> replace them (align, measure, generate, paste, verify) -> write -> check -> release

`deidentify_file` is that line. Everything that processes many pictures calls it; nothing above it looks at
a pixel. It fails closed: what is not verified is not released, and every doubt ends in a fill or in
a withheld picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from epdcli import pictures
from epdcli.errors import PictureError
from epdcli.faces.detection import Detector, detect_mirrored
from epdcli.faces.draft import Draft
from epdcli.faces.replacement import Replacer
from epdcli.model import Face, FaceRecord, Pixels, Verdict

ROUNDS = 2  # of mending, after the finished picture's first check
CHECKS = 10  # at most: the last round, which tries no new face again, goes on until one finds nothing


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
    """What became of a picture, why, its faces, and what a record says of its file (see PictureRecord)."""

    verdict: Verdict
    reason: str
    faces: tuple[FaceRecord, ...] = ()
    kept: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    digital_source_type: str = ""
    marked: bool = False


class NotReleasable(Exception):
    """A finished file holds what it must not; the sentence says what."""


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
    the source, never for the check of the result. Raises PictureError when the file can't be read, or
    can't be kept as it is.
    """
    file = pictures.read(source, max_pixels=policy.max_pixels)
    dropped = tuple(_described(finding) for finding in pictures.scan(source) if not finding.released)
    found = [detector.detect(frame) for frame in file.frames] if given is None else given
    if len(found) != len(file.frames):
        raise PictureError(
            f"{name}: faces are given for {len(found)} frames, but it has {len(file.frames)}.",
            hint="Write the detections again with 'epd detect'.",
        )

    def publish(drafts: Sequence[Draft]) -> Sequence[Pixels]:
        """Write the file, and read it back as a stranger would."""
        marked = policy.mark and any(draft.generated for draft in drafts)
        frames, where = [draft.pixels for draft in drafts], [draft.touched for draft in drafts]
        pictures.write(file, frames, where, target, mark=marked, keep=policy.keep)
        for finding in pictures.scan(target, keep=policy.keep):
            if not finding.released:
                shown = _shows_an_original(finding, drafts, detector, replacer)
                what = f"{finding.kind} ({finding.where})" + (
                    ", which shows an original face" if shown else ""
                )
                raise NotReleasable(f"the finished file still holds {what}")
        finished = pictures.read(target, max_pixels=policy.max_pixels).frames
        if [frame.shape for frame in finished] != [frame.shape for frame in file.frames]:
            raise NotReleasable("the finished file has other frames than the source")
        return finished

    answer, drafts = deidentify_frames(file.frames, found, name, detector, replacer, policy, publish)
    generated = policy.mark and any(draft.generated for draft in drafts)
    return replace(
        answer,
        kept=file.encoding.kept(policy.keep),
        dropped=dropped,
        digital_source_type=pictures.SOURCE_TYPE if generated else "",
        marked=generated and file.encoding.holds_mark,
    )


def deidentify_frames(
    frames: Sequence[Pixels],
    found: Sequence[Sequence[Face]],
    name: str,
    detector: Detector,
    replacer: Replacer,
    policy: Policy,
    publish: Callable[[Sequence[Draft]], Sequence[Pixels]],
) -> tuple[Answer, list[Draft]]:
    """Replace the faces `found` in each frame (H x W x 3, uint8) and check what `publish` made of them.

    `publish` takes the drafts and returns the frames as others will see them. Returns the answer and the
    drafts, whose `pixels` are the new frames.
    """
    count = sum(map(len, found))
    if count < policy.expect_faces:
        return Answer(Verdict.WITHHELD, f"{count} face(s) found, {policy.expect_faces} expected"), []
    if count == 0 and not policy.no_face_copy:
        return Answer(Verdict.NO_FACE, "no face found"), []
    drafts = [
        replacer.draft(frame, faces, f"{name}#{number}" if number else name)
        for number, (frame, faces) in enumerate(zip(frames, found, strict=True))
    ]
    problem = ""
    for number in range(1, CHECKS + 1):
        try:
            finished = publish(drafts)
            _refuse_lost(drafts, finished)
        except NotReleasable as refusal:
            return Answer(Verdict.WITHHELD, str(refusal), replacer.records(drafts)), drafts
        faces = [detector.detect(frame) for frame in finished]
        checks = [replacer.check(*seen) for seen in zip(drafts, finished, faces, strict=True)]
        problem = " and ".join(check.sentence for check in checks if not check.passed)
        drafts = [check.draft for check in checks]
        if not problem or number == CHECKS:
            break
        # What is only just not seen now must not turn up in the next file.
        also = [detect_mirrored(detector, frame) if number <= ROUNDS else [] for frame in finished]
        last = number >= ROUNDS
        drafts = [replacer.mend(*found, last) for found in zip(checks, also, strict=True)]
    records = replacer.records(drafts)
    if problem:
        return Answer(Verdict.WITHHELD, f"after {CHECKS} checks: {problem}", records), drafts
    if not records:
        return Answer(Verdict.NO_FACE, "no face found; copied without its metadata"), drafts
    return Answer(Verdict.PASS, "", records), drafts


def _refuse_lost(drafts: Sequence[Draft], finished: Sequence[Pixels]) -> None:
    """Raises NotReleasable when a file that was written does not show what it was to show."""
    lost = sum(len(draft.lost_in(frame)) for draft, frame in zip(drafts, finished, strict=True))
    if lost:
        raise NotReleasable(f"the finished file does not show {lost} of the new faces")


def _shows_an_original(
    finding: pictures.Finding, drafts: Sequence[Draft], detector: Detector, replacer: Replacer
) -> bool:
    """Whether a picture that hides in a finished file shows one of the faces that were to go."""
    return any(
        replacer.finds_an_original(drafts, inner, detector.detect(inner)) for inner in finding.pictures
    )


def _described(finding: pictures.Finding) -> str:
    sizes = ", ".join(f"{inner.shape[1]} x {inner.shape[0]}" for inner in finding.pictures)
    return f"{finding.kind}: {finding.where}" + (f", holds a picture of {sizes}" if sizes else "")
