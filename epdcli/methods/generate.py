"""`generate`: the face of a person who does not exist. EPD-Net's own method and the default."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from epdcli.faces.alignment import alignment_matrix
from epdcli.faces.pasting import solid_core
from epdcli.faces.structure import Structure, expression_crop, landmarks_from_network, structure_of
from epdcli.model import AlignedFace, Code, Face, Matrix, NewFace
from epdcli.runtimes import Engine


class Generate:
    """Measures each face's structure with two small networks and lets the generator see that and no more."""

    name = "generate"
    random = True

    def __init__(self, engine: Engine, strength: float | None = None, batch: int = 8) -> None:
        """`strength` is not used. `batch` is the number of faces that go through the networks at once."""
        self._landmarks = engine.session("landmarks68_faceapi")
        self._expression = engine.session("expression_faceapi")
        self._generator = engine.session("generator")
        self._batch = batch
        self.size = engine.generator_size

    def matrix(self, face: Face) -> Matrix:
        return alignment_matrix(face, self.size)

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        """New faces with the identities `codes` and the old faces' expression, pose, gaze and light."""
        return [
            new
            for start in range(0, len(faces), self._batch)
            for new in self._replace(faces[start : start + self._batch], codes[start : start + self._batch])
        ]

    def _replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        structures = self._structures(faces)
        answer = self._generator.run(
            {
                "context": np.stack([structure.context for structure in structures]),
                "code": np.stack(codes),
                "expression": np.stack([structure.expression for structure in structures]),
            }
        )["face"]
        return [
            NewFace(_pixels(face), solid_core(structure.hull))
            for face, structure in zip(answer, structures, strict=True)
        ]

    def _structures(self, faces: Sequence[AlignedFace]) -> list[Structure]:
        crops = np.stack([expression_crop(face.pixels) for face in faces])
        landmarks = self._landmarks.run({"image": crops})["landmarks"]
        expressions = self._expression.run({"image": crops})["probabilities"]
        return [
            structure_of(face.pixels, landmarks_from_network(points, self.size), expression)
            for face, points, expression in zip(faces, landmarks, expressions, strict=True)
        ]


def _pixels(face: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The generator's answer (3, S, S) in -1..1 as pixels (S, S, 3)."""
    return np.rint(np.clip(face.transpose(1, 2, 0) + 1, 0, 2) * 127.5).astype(np.uint8)
