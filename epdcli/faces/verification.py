"""Is it still the same person? dlib's recogniser, which the generator was never trained on, answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from epdcli.faces.alignment import alignment_matrix, crop_of_frame, warp
from epdcli.model import Face, Pixels
from epdcli.runtimes import BATCH, Session

# One in a thousand pairs of strangers (995,381 pairs of the LFW development half) is closer than this.
STRANGER_DISTANCE = 0.539
# Under this height a recogniser's answer means little: its threshold was measured on faces of 100 px.
SMALL_PX = 40

_CORNER, _SIDE, _INPUT = (
    (43.6, 56.6),
    171.0,
    150,
)  # the crop that puts the points where dlib's chips have them
_FRAME = 256


class Verifier:
    """Embeds faces of a picture, `batch` at once. `session` runs dlib's ResNet (150 x 150, RGB, 0..255 to
    128 numbers)."""

    def __init__(self, session: Session, batch: int = BATCH) -> None:
        self._session = session
        self._batch = batch

    def embed(self, pixels: Pixels, faces: Sequence[Face]) -> NDArray[np.float32]:
        """Embeddings (n, 128), float32, of faces of one picture, each aligned by its five landmarks."""
        return self.embed_each((pixels, face) for face in faces)

    def embed_each(self, shown: Iterable[tuple[Pixels, Face]]) -> NDArray[np.float32]:
        """Embeddings (n, 128), float32, of faces, each of a picture of its own."""
        crops = [
            warp(
                pixels, crop_of_frame(alignment_matrix(face, _FRAME), _FRAME, _CORNER, _SIDE, _INPUT), _INPUT
            ).transpose(2, 0, 1)
            for pixels, face in shown
        ]
        answers = [
            self._session.run({"image": np.stack(crops[i : i + self._batch]).astype(np.float32)})["embedding"]
            for i in range(0, len(crops), self._batch)
        ]
        return np.concatenate(answers) if answers else np.zeros((0, 128), np.float32)


def distances(new: NDArray[np.float32], originals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Euclidean distances (n, m) between embeddings (n, 128) and (m, 128)."""
    gaps = new[:, None, :].astype(np.float64) - originals[None, :, :]
    return np.sqrt((gaps**2).sum(axis=2)).astype(np.float32)


def is_small(face: Face) -> bool:
    """Whether the face is under `SMALL_PX` high, so that a recogniser's answer means little."""
    return face.box.height < SMALL_PX
