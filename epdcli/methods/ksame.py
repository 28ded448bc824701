"""`ksame`: k-Same. Faces are grouped, k or more alike in each, and all of a group get the group's average.

E. M. Newton, L. Sweeney, B. Malin, "Preserving privacy by de-identifying face images", TKDE 2005: whoever
compares an average with the originals finds at least k that it stands for equally, so that no recogniser is
right more often than once in k, whatever it has learnt. What that doesn't say:

- k counts faces, not people. Copies of a picture count once, but several pictures of one person count
  several times; the verification fills those whose average is still somebody. Give one picture of each.
- The group's choice, and all outside the inner face (hair, ears, outline), is the person's own.
- Averages are blurred, ghostly where poses differ, and have the expression and light of nobody. Of 118 main
  faces of LFW (166 in the set) 53 pass the verification with k = 2, 106 with 5 and 112 with 10.

A face that was not in the set (found only after the first look) gets the average of its nearest group.
That keeps the guarantee: nothing of the face is in that average, which now stands for one face more.
A member that is filled takes nothing from the others: their average was made of k faces all the same.

Memory: 49 kB a face while the groups are made; time grows with the square of the number of faces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.errors import UsageError
from epdcli.faces.alignment import FRAME, alignment_matrix
from epdcli.faces.method import Prepared
from epdcli.faces.pasting import solid_core
from epdcli.methods.strength import chosen
from epdcli.model import AlignedFace, Code, Face, Mask, Matrix, NewFace, Pixels
from epdcli.runtimes import Engine

_K = 5
_SIZE = 128
_CENTRE, _RADII = (128.0, 140.0), (76.0, 96.0)  # of the ellipse pasted, in the aligned 256 px frame
_THUMBNAIL = 24  # pixels across the picture of a face by which it is compared


class KSame:
    name = "ksame"
    size = _SIZE
    random = False
    synthetic = False

    def __init__(
        self, engine: Engine | None = None, strength: float | None = None, prepared: Prepared | None = None
    ) -> None:
        """`strength`: k, 5 by default, at least 2. `prepared` is what `prepare` made of the same k or more.

        Raises UsageError when a group of `prepared` stands for fewer than k faces.
        """
        self._prepared = prepared
        smallest = np.inf if prepared is None else prepared.arrays["sources"].min()
        if smallest < (k := _whole(strength)):
            raise UsageError(
                f"A group has {smallest} faces, k-Same with k = {k} needs {k}.",
                hint="Prepare it with the same strength.",
            )

    @staticmethod
    def prepare(faces: Sequence[AlignedFace], strength: float | None) -> Prepared:
        """Group the faces of a run and average each group. Raises UsageError when there are fewer than k."""
        k = _whole(strength)
        thumbnails, numbers = _distinct(faces)
        if len(numbers) < k:
            raise UsageError(
                f"k-Same with k = {k} needs {k} different faces; found: {len(numbers)}.",
                hint="Give more pictures in one run, or a smaller k with --strength.",
            )
        groups = partition(thumbnails, k)
        sources = np.bincount(groups)
        members = [[faces[i].pixels for i in numbers[groups == group]] for group in range(len(sources))]
        averages = np.stack([np.rint(np.mean(some, axis=0)).astype(np.uint8) for some in members])
        return Prepared(
            arrays={
                "thumbnails": thumbnails,
                "groups": groups,
                "sources": sources,
                "averages": averages,
            },
            about={
                "k": k,
                "faces": len(numbers),
                "groups": len(sources),
                "smallest_group": int(sources.min()),
                "averages_sha256": hashlib.sha256(
                    averages.tobytes()
                ).hexdigest(),  # a resumed run has the same
            },
        )

    def matrix(self, face: Face) -> Matrix:
        return alignment_matrix(face, _SIZE)

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        """The average of each face's group, under one and the same ellipse."""
        if self._prepared is None:
            raise UsageError(
                "k-Same has not seen the faces of the run.", hint="Give it what KSame.prepare returns."
            )
        known = self._prepared.arrays
        return [
            NewFace(
                known["averages"][known["groups"][_nearest(known["thumbnails"], face.pixels)]], _ellipse()
            )
            for face in faces
        ]


def partition(thumbnails: NDArray[np.uint8], k: int) -> NDArray[np.int64]:
    """The number of the group (n,) of each of n >= k different faces; every group has k to 2k - 1.

    The first face that is left and its k - 1 nearest are a group, until fewer than 2k are left: those are
    the last one (k-Same, algorithm 1, where the remainder joins it). `thumbnails` are (n, d).
    """
    groups = np.zeros(len(thumbnails), np.int64)
    left = np.arange(len(thumbnails))
    number = 0
    while len(left) >= 2 * k:
        nearest = np.argsort(_gaps(thumbnails[left], thumbnails[left[0]]), kind="stable")[:k]
        groups[left[nearest]] = number
        left = np.delete(left, nearest)
        number += 1
    groups[left] = number
    return groups


def _whole(strength: float | None) -> int:
    k = chosen("ksame", strength, _K, least=2)
    if k != int(k):
        raise UsageError(f"k-Same needs a whole number of faces, not {k:g}.", hint=f"Give {int(k)}.")
    return int(k)


def _distinct(faces: Sequence[AlignedFace]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Thumbnails (n, d) and numbers (n,) of the faces, of those that look the same only the first."""
    if not faces:
        return np.zeros((0, 0), np.uint8), np.zeros(0, np.int64)
    thumbnails = np.stack([_thumbnail(face.pixels) for face in faces])
    numbers = np.sort(np.unique(thumbnails, axis=0, return_index=True)[1])
    return thumbnails[numbers], numbers


def _thumbnail(pixels: Pixels) -> NDArray[np.uint8]:
    """What a face is compared by: its pixels under the ellipse, small and in a row (d,)."""
    extent = (_THUMBNAIL, _THUMBNAIL)
    small = cv2.resize(pixels, extent, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(_ellipse(), extent, interpolation=cv2.INTER_AREA)
    return small[mask > 0.5].reshape(-1).astype(np.uint8)


def _nearest(thumbnails: NDArray[np.uint8], pixels: Pixels) -> int:
    """The number of the face of the set that is nearest: itself, if it is in the set."""
    return int(np.argmin(_gaps(thumbnails, _thumbnail(pixels))))


def _gaps(thumbnails: NDArray[np.uint8], one: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Squared distances (n,) in whole numbers, so that every machine makes the same groups."""
    return ((thumbnails.astype(np.int32) - one) ** 2).sum(axis=1)


def _ellipse() -> Mask:
    """The mask, the same for every face: its outline says nothing of whose it is."""
    hull = np.zeros((_SIZE, _SIZE), np.uint8)
    zoom = _SIZE / FRAME
    centre, radii = (tuple(round(value * zoom) for value in pair) for pair in (_CENTRE, _RADII))
    return solid_core(cv2.ellipse(hull, centre, radii, 0, 0, 360, 1, cv2.FILLED).astype(np.float32))
