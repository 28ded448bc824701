"""A second look at doubtful and at turned faces: cut out upright at the net's favourite size, seen again.

It decides what a low threshold alone can't: what is no face loses its score, faces keep theirs. And it
measures a rolled face as precisely as an upright one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from epdcli.faces import candidates as candidate_tables
from epdcli.faces.alignment import inverse, scale_of, warp
from epdcli.faces.candidates import SCORE, Candidates
from epdcli.faces.face_outline import oval_extent, roll, sides
from epdcli.model import Matrix, Pixels

Tensors = dict[str, NDArray[np.float32]]

SIDE = 96  # of the look's input, in pixels
FACE = 48.0  # what the square root of the face's area becomes in it
SURE = 0.7  # an upright face of this score needs no second look
ROLLED = np.radians(20)  # nor does one that is turned by less than this
BATCH = 4
NEAR = 0.4  # a face is the same in both looks when its centre moved by less than this part of its size
SEEN, SEEN_ROLLED = 0.5, 0.3  # from this score on the second look's box and landmarks are the better ones
ROOM = 1.1  # what the box of a rolled face grows by when the second look couldn't measure it
FLOOR = 0.02  # the score of what the second look didn't see at all


class Session(Protocol):
    """An open network: named float32 arrays in, named float32 arrays out."""

    def run(self, inputs: Tensors) -> Tensors: ...


def look_again(
    session: Session, pixels: Pixels, candidates: Candidates, worth: NDArray[np.bool_]
) -> Candidates:
    """The candidates, the doubtful and the rolled ones as a second look at `pixels` sees them.

    Only those that are `worth` it (n,): very small ones show no more when they are enlarged.
    A doubtful score becomes the geometric mean of both looks. Boxes and landmarks are the second look's
    where it saw the face too; the box of a rolled face is then that of its oval, and else a square with room.
    """
    angle = roll(candidates[:, 4:SCORE].reshape(-1, 5, 2))
    again = np.flatnonzero(worth & ((candidates[:, SCORE] < SURE) | (np.abs(angle) > ROLLED)))
    table = candidates.copy()
    frames = [frame(candidates[i], float(angle[i])) for i in again]
    seen = _looks(session, pixels, frames)
    for i, matrix, found in zip(again, frames, seen, strict=True):
        table[i] = _agreed(candidates[i], matrix, found, rolled=abs(angle[i]) > ROLLED)
    return table


def frame(candidate: NDArray[np.float32], angle: float) -> Matrix:
    """The matrix (2 x 3) from the picture to a look: the face upright, in the middle, FACE px large.

    Made of rounded numbers, so that runtimes which differ in the sixth digit see the same look.
    """
    x, y, width, height = np.round(candidate[:4].astype(np.float64) * 4) / 4
    angle = round(angle * 32) / 32
    zoom = FACE / max(float(np.sqrt(width * height)), 1.0)
    cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
    turn = np.array([(cos, sin), (-sin, cos)])
    centre = np.array([x + width / 2, y + height / 2])
    return np.hstack([turn, (SIDE / 2 - turn @ centre)[:, None]])


def _looks(session: Session, pixels: Pixels, frames: list[Matrix]) -> Iterator[Candidates]:
    """What the net sees in each frame. Batches have one of two sizes: a new shape costs the runtime time."""
    start = 0
    while start < len(frames):
        size = BATCH if len(frames) - start >= BATCH else 1
        crops = [warp(pixels, _pixel_centres(m), SIDE) for m in frames[start : start + size]]
        inputs = np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32)
        yield from candidate_tables.decode(session.run({"input.1": inputs}), FLOOR)
        start += size


def _pixel_centres(matrix: Matrix) -> Matrix:
    """From coordinates in which a pixel reaches from 0 to 1 to those in which its centre is 0."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5
    return moved


def _agreed(
    candidate: NDArray[np.float32], matrix: Matrix, found: Candidates, rolled: bool
) -> NDArray[np.float32]:
    """One candidate after both looks; `found` is what the second saw, in the look's pixels."""
    away = np.hypot(*(found[:, :2] + found[:, 2:4] / 2 - SIDE / 2).T)
    central = found[away < NEAR * FACE]
    answer = candidate.copy()
    best = central[np.argmax(central[:, SCORE])] if len(central) else None
    score = float(best[SCORE]) if best is not None else FLOOR
    if candidate[SCORE] < SURE:
        answer[SCORE] = np.sqrt(candidate[SCORE] * score)
    if best is not None and score > (SEEN_ROLLED if rolled else SEEN):
        answer[:SCORE] = _back(best, matrix)
    elif rolled or score < SEEN_ROLLED:
        sides = ROOM * (candidate[2:4].max() if rolled else candidate[2:4])
        answer[:2] += (candidate[2:4] - sides) / 2
        answer[2:4] = sides
    return answer


def _back(seen: NDArray[np.float32], matrix: Matrix) -> NDArray[np.float32]:
    """Box (of the oval) and landmarks of a face seen in a look, in the picture: (14,)."""
    back = inverse(matrix)
    landmarks = seen[4:SCORE].reshape(1, 5, 2) @ back[:, :2].T + back[:, 2]
    axes = sides(seen[None, 2:4], roll(seen[None, 4:SCORE].reshape(1, 5, 2))) * scale_of(back)
    extent = oval_extent(axes, roll(landmarks))[0]
    centre = back[:, :2] @ (seen[:2] + seen[2:4] / 2) + back[:, 2]
    return np.concatenate([centre - extent / 2, extent, landmarks.ravel()], dtype=np.float32)
