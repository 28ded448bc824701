"""Does a finished frame, as it is read back from its file, show what the draft shows?"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.faces.draft import Draft, Replacement
from epdcli.faces.pasting import COVERED
from epdcli.model import Pixels

_SAME = 6.0  # grey levels, root mean square under a mask: within that a file shows the draft
# Of the distance from the source. In small faces under strong compression it is up to 0.52; where a third of
# a mask was lost, 0.7.
_NEARER = 0.65
_DOTS_PX = 2.0  # the dots of a dithered picture are gone when it is blurred by this
_TILE_PX, _BAND_PX = 16, 256
_FOREIGN = 12.0  # grey levels, root mean square of a tile outside the masks; honest writers keep within 5.1


def difference(draft: Draft, finished: Pixels) -> str:
    """In words, where a finished frame (H x W x 3, uint8) shows something else than the draft; or nothing.

    Under each mask it may differ from the draft by what compression does, or must at least be clearly nearer
    to the draft than to the source. Outside all masks no tile of 16 x 16 pixels may show something else, as
    far as transparency shows it: compression does what it likes with the rest.
    """
    lost = sum(_is_lost(r, draft, finished) for r in draft.replacements)
    if lost:
        return f"the finished file does not show {lost} of the new faces"
    foreign = worst_tile(draft, finished)
    if foreign > _FOREIGN:
        return "outside the faces the finished file does not show the source"
    return ""


def worst_tile(draft: Draft, finished: Pixels) -> float:
    """The largest root mean square difference of a tile outside all masks, in grey levels."""
    bands = (slice(top, top + _BAND_PX) for top in range(0, len(finished), _BAND_PX))
    return float(np.sqrt(max(_worst_of(draft, finished, rows) for rows in bands)))


def _worst_of(draft: Draft, finished: Pixels, rows: slice) -> float:
    """The largest mean square of a tile in a band of rows: large pictures are never float as a whole."""
    squared = _squared(draft.pixels[rows], finished[rows])
    squared[draft.touched[rows]] = 0
    if draft.alpha is not None:
        squared *= np.square(draft.alpha[rows] / np.float32(255))
    height, width = squared.shape
    across, down = -(-width // _TILE_PX), -(-height // _TILE_PX)
    return float(cv2.resize(squared, (across, down), interpolation=cv2.INTER_AREA).max())


def _is_lost(replacement: Replacement, draft: Draft, finished: Pixels) -> bool:
    patch = replacement.patch
    if patch is None or not (covered := patch.mask > COVERED).any():
        return False
    shown = finished[patch.window].astype(np.float32)
    from_draft, from_source = shown - draft.pixels[patch.window], shown - draft.source[patch.window]
    if _root_mean_square(from_draft, covered) <= _SAME:
        return False
    # As they are, and from further away: of a file of few grey levels every pixel is far from what is meant.
    return all(
        _root_mean_square(one, covered) > _NEARER * _root_mean_square(other, covered)
        for one, other in ((from_draft, from_source), (_blurred(from_draft), _blurred(from_source)))
    )


def _blurred(difference: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(difference, (0, 0), _DOTS_PX), np.float32)


def _root_mean_square(difference: NDArray[np.float32], covered: NDArray[np.bool_]) -> float:
    """Of a difference (h, w, 3), where a mask covers it."""
    return float(np.sqrt(np.square(difference[covered]).mean()))


def _squared(one: Pixels, other: Pixels) -> NDArray[np.float32]:
    """Squared differences (h, w), the mean of the three channels."""
    return np.asarray(np.square(one.astype(np.float32) - other).mean(axis=2), np.float32)
