"""Which face of a draft is it that was found in the finished frame, and is it covered?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from epdcli.faces.candidates import overlaps
from epdcli.faces.coverage import PROCESSED, covered_share, is_plain
from epdcli.faces.detection import Detector
from epdcli.faces.draft import Draft
from epdcli.model import Face, Look

_IN_A_LOOK = 0.3  # the score that a face needs there: edges of cut-outs look like much
_FOUND_AGAIN, _MOSTLY_COVERED = 0.7, 0.6  # intersection over union; of the inner face


def is_bare(draft: Draft, face: Face, alpha: NDArray[np.uint8] | None) -> bool:
    """Whether a face of a look is shown: by the finished frame's transparency, if that makes the look, or
    since no mask covers it. (Where transparency is even, the frame itself shows what the look does.)"""
    return is_left_over(draft, face) if alpha is None else not is_plain(alpha, face)


def shown_by_looks(
    draft: Draft, known: Sequence[Face], looks: Iterable[Look], detector: Detector
) -> Iterator[tuple[Face, bool]]:
    """Faces beside the `known` ones that only a look shows, and of each whether transparency makes it."""
    among = list(known)
    for look in looks:
        seen = [face for face in detector.detect(look.pixels) if face.score >= _IN_A_LOOK]
        new = [face for face in seen if not is_among(face, among) and is_bare(draft, face, look.alpha)]
        among += new
        yield from ((face, look.alpha is not None) for face in new)


def is_left_over(draft: Draft, face: Face) -> bool:
    """Whether a face found in the finished frame is covered by no mask, and is none that stays."""
    return not (is_covered(draft, face) or draft.lets_stay(face))


def is_covered(draft: Draft, face: Face) -> bool:
    """Whether masks cover a face found in the finished frame. A synthetic one is found again a pixel or two
    beside the old one, which of a small face is a tenth: there less is asked, for what it hides was measured
    when it was made."""
    share = covered_share(draft.covered, face)
    if share >= PROCESSED:
        return True
    boxes = np.array([r.face.box for r in draft.replacements if r.on.synthetic], np.float32).reshape(-1, 4)
    again = overlaps(np.array(face.box, np.float32), boxes)[0] >= _FOUND_AGAIN
    return share >= _MOSTLY_COVERED and bool(again.any())


def is_among(face: Face, others: Iterable[Face]) -> bool:
    """Whether the centre of a face lies in one of the other boxes."""
    return any(other.box.holds(face.box.centre) for other in others)


def synthetic_below(draft: Draft, face: Face) -> int | None:
    """The number of the synthetic face in whose box a face's centre lies."""
    synthetic = [i for i, r in enumerate(draft.replacements) if r.on.synthetic]
    return _nearest(draft, face, _holding(draft, face, synthetic))


def judged_at(draft: Draft, face: Face) -> int | None:
    """The number of the new face that a face found in a finished frame is, if it has to be judged: the
    nearest one there, and of a face that stands in no box the nearest of all."""
    judged = [i for i, r in enumerate(draft.replacements) if r.is_judged]
    here = _holding(draft, face, judged)
    if here or is_among(face, draft.faces):
        return _nearest(draft, face, here)
    return _nearest(draft, face, judged)


def _holding(draft: Draft, face: Face, numbers: Sequence[int]) -> list[int]:
    """Those of the replacements in whose box a face's centre lies."""
    return [i for i in numbers if draft.replacements[i].face.box.holds(face.box.centre)]


def _nearest(draft: Draft, face: Face, numbers: Sequence[int]) -> int | None:
    centre = np.array(face.box.centre)
    apart = {i: float(np.hypot(*(centre - draft.replacements[i].face.box.centre))) for i in numbers}
    return min(apart, key=lambda i: apart[i], default=None)
