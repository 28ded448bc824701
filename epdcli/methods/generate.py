"""`generate`: the face of a person who does not exist. EPD-Net's own method and the default."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.faces.alignment import alignment_matrix
from epdcli.faces.pasting import solid_core
from epdcli.faces.structure import (
    LOW,
    SURROUNDINGS,
    Structure,
    expression_crop,
    landmarks_from_network,
    structure_of,
)
from epdcli.methods.strength import chosen
from epdcli.model import AlignedFace, Code, Face, Matrix, NewFace
from epdcli.runtimes import Engine

Item = TypeVar("Item")
_SOFTER = 2.0  # blocks: of faces under 40 px nearly twice as many pass then
_GREY = 2 / 127.5  # two grey levels: black-and-white pictures stay so


class Generate:
    """Measures each face's structure with two small networks and lets the generator see that and no more."""

    name = "generate"
    random = True

    def __init__(self, engine: Engine, strength: float | None = None) -> None:
        """`strength`: by how many of its eight blocks the old face's light is blurred, 0 by default."""
        self._blur = chosen(self.name, strength, default=0, least=0)
        self._engine = engine
        self._landmarks = engine.session("landmarks68_faceapi")
        self._expression = engine.session("expression_faceapi")
        self._generator = engine.session("generator")
        self._batch = engine.batch
        self.size = engine.generator_size

    def softer(self) -> Generate:
        """The same in softer light, for faces of which too much is left: small, dim and blurred ones."""
        return Generate(self._engine, self._blur + _SOFTER)

    def matrix(self, face: Face) -> Matrix:
        return alignment_matrix(face, self.size)

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        """New faces with the identities `codes` and the old faces' expression, pose, gaze and light.

        A face may come several times, with several codes: it is measured once.
        """
        distinct = list({id(face): face for face in faces}.values())
        measured: dict[int, _Measured] = {}
        for some in _in_batches(distinct, self._batch):
            measured |= {id(face): seen for face, seen in zip(some, self._measured(some), strict=True)}
        pairs = [(face, measured[id(face)], code) for face, code in zip(faces, codes, strict=True)]
        return [new for some in _in_batches(pairs, self._batch) for new in self._painted(some)]

    def _measured(self, faces: Sequence[AlignedFace]) -> list[_Measured]:
        crops = np.stack([expression_crop(face.pixels) for face in faces])
        landmarks = self._landmarks.run({"image": crops})["landmarks"]
        expressions = self._expressions(crops)
        readings = (expressions + self._expressions(crops[..., ::-1])) / 2
        return [
            _Measured(
                structure_of(face.pixels, landmarks_from_network(points, self.size), expression, self._blur),
                reading,
            )
            for face, points, expression, reading in zip(faces, landmarks, expressions, readings, strict=True)
        ]

    def _painted(self, pairs: Sequence[tuple[AlignedFace, _Measured, Code]]) -> list[NewFace]:
        structures = [old.structure for _, old, _ in pairs]
        answer = self._generator.run(
            {
                "context": np.stack([structure.context for structure in structures]),
                "code": np.stack([code for _, _, code in pairs]),
                "expression": np.stack([structure.expression for structure in structures]),
            }
        )["face"]
        painted = [
            (_pixels(face, _is_grey(structure)), solid_core(structure.hull))
            for face, structure in zip(answer, structures, strict=True)
        ]
        crops = np.stack(
            [
                expression_crop(cv2.blendLinear(pixels, face.pixels, mask, 1 - mask).astype(np.uint8))
                for (pixels, mask), (face, _, _) in zip(painted, pairs, strict=True)
            ]
        )
        readings = (self._expressions(crops) + self._expressions(crops[..., ::-1])) / 2
        return [
            NewFace(pixels, mask, expression_change(old.expression, reading))
            for (pixels, mask), reading, (_, old, _) in zip(painted, readings, pairs, strict=True)
        ]

    def _expressions(self, crops: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._expression.run({"image": crops})["probabilities"]


@dataclass(frozen=True, eq=False)
class _Measured:
    """What is known of an old face: its structure, and its expression (7 probabilities) as read from the face
    and its mirror image together, which says more than one crop does."""

    structure: Structure
    expression: NDArray[np.float32]


def expression_change(old: NDArray[np.float32], new: NDArray[np.float32]) -> float:
    """The total variation distance of two readings (7 probabilities each), 0..1, and 1 more where another
    expression is the likeliest."""
    return float(np.abs(old - new).sum()) / 2 + float(old.argmax() != new.argmax())


def _in_batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _is_grey(structure: Structure) -> bool:
    """Whether a face has no colour, judged by what the generator is given of it."""
    return all(np.ptp(structure.context[part], axis=0).max() <= _GREY for part in (SURROUNDINGS, LOW))


def _pixels(face: NDArray[np.float32], grey: bool) -> NDArray[np.uint8]:
    """The generator's answer (3, S, S) in -1..1 as pixels (S, S, 3), of a grey face without its colours."""
    pixels = np.rint(np.clip(face.transpose(1, 2, 0) + 1, 0, 2) * 127.5).astype(np.uint8)
    if grey:
        pixels = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return pixels
