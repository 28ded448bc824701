"""`generate`: the face of a person who does not exist. EPD-Net's own method and the default.

The way of a face, all in the aligned 256 px frame (`epdcli.synthetic` has the steps):

    measure -> choose a person -> bend to the landmarks -> relight -> mask
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.faces.alignment import alignment_matrix, map_points
from epdcli.methods.strength import chosen
from epdcli.model import AlignedFace, Attributes, Code, Face, Mask, Matrix, NewFace
from epdcli.networks import shipped_bank
from epdcli.runtimes import Engine
from epdcli.synthetic.bank import Bank, read_bank
from epdcli.synthetic.blending import (
    clean_rim,
    hull_of,
    inner_part,
    open_forehead,
    paste_mask,
    skin_likeness,
    with_bare_forehead,
)
from epdcli.synthetic.light import detail_of, light_of, relit
from epdcli.synthetic.person import Numbers, fitting_people, person_for
from epdcli.synthetic.registration import bent, destinations, with_gaze
from epdcli.synthetic.structure import SIZE, Instruments, Structure, is_plausible

_OWN = 1.0  # how much of the person's own shape stays
_LIKE = 3.0  # weight of likeness to the old face, where one of several new ones is chosen


class Generate:
    """Puts one of a bank's people in each face's place, with the old pose, expression, gaze and light."""

    name = "generate"
    size = SIZE
    random = True
    synthetic = True

    def __init__(
        self,
        engine: Engine,
        strength: float | None = None,
        bank: Path | None = None,
        attributes: Attributes = Attributes.KEEP,
    ) -> None:
        """`strength`: how much of the person's own shape of brows and nose stays, 0 to 1; 1 by default.

        `bank` is a bank's file, the shipped one by default. Raises WeightsError, UsageError.
        """
        self._own = chosen(self.name, strength, default=_OWN, least=0, most=1)
        self._expressive, self._lists = True, 1
        self._engine = engine
        self._instruments = Instruments(engine)
        self._file, self._attributes = bank, attributes

    def drawing_from(self, bank: Path | None, attributes: Attributes) -> Generate:
        """The same with the people of another bank (None: the shipped one), or with free attributes."""
        return Generate(self._engine, self._own, bank, attributes)

    def softer(self) -> Generate:
        """The same with nothing of the old shape but pose and jaw, for faces of which too much is left: lids
        and lips don't follow either, and more people are drawn from."""
        softer = copy(self)  # which shares the networks and the bank
        softer._own, softer._expressive, softer._lists = 1.0, False, 3
        return softer

    def matrix(self, face: Face) -> Matrix:
        return alignment_matrix(face, SIZE)

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace | None]:
        """New faces of the people that `codes` name among those who fit, no person twice for two faces; None
        for a face whose landmarks can't be trusted.

        A face may come several times, with several codes: it is measured once.
        """
        distinct = list({id(face): face for face in faces}.values())
        structures = self._instruments.measure([face.pixels for face in distinct])
        known = {id(face): _seen(face, found) for face, found in zip(distinct, structures, strict=True)}
        people = self._chosen([known[id(face)] for face in distinct])
        fitting = {id(face): some for face, some in zip(distinct, people, strict=True)}
        new = [
            None if (old := known[id(face)]) is None else self._fitted(old, fitting[id(face)], code)
            for face, code in zip(faces, codes, strict=True)
        ]
        if len(distinct) == len(faces):  # nothing to choose among
            return new
        return self._weighed(faces, [known[id(face)] for face in faces], new)

    def _chosen(self, seen: Sequence[_Seen | None]) -> list[Numbers]:
        """For each face those who could stand in for it; for no two faces the same people."""
        taken: set[int] = set()
        chosen = []
        for old in seen:
            some = np.zeros(0, np.int64)
            if old is not None:
                some = fitting_people(
                    self._bank, old.structure, old.light, self._attributes, taken, self._lists
                )
                taken |= {int(number) % len(self._bank) for number in some}
            chosen.append(some)
        return chosen

    def _fitted(self, old: _Seen, people: Numbers, code: Code) -> NewFace:
        bank, structure = self._bank, old.structure
        number = person_for(bank, people, code)
        landmarks, irises = bank.landmarks[number], bank.irises[number]
        target = destinations(structure.landmarks, landmarks, self._own, self._expressive)
        points = with_gaze(structure.landmarks, structure.irises, landmarks, irises, target)
        person = bent(bank.picture(number), *points)
        placed = target.astype(np.float32)
        skin = skin_likeness(person, placed)
        person = with_bare_forehead(person, skin, placed, old.hull)
        clean = clean_rim(skin, old.hull)
        lit = relit(person, inner_part(old.hull) * clean, old.light, old.detail)
        return NewFace(lit, paste_mask(old.hull, old.forehead, clean))

    def _weighed(
        self, faces: Sequence[AlignedFace], old: Sequence[_Seen | None], new: Sequence[NewFace | None]
    ) -> list[NewFace | None]:
        """The new faces, each with what speaks against it: how far another expression is read in it than in
        the old one, and how like the old one it is."""
        made = [(i, face) for i, face in enumerate(new) if face is not None]
        if not made:
            return list(new)
        pasted = [
            cv2.blendLinear(face.pixels, faces[i].pixels, face.mask, 1 - face.mask).astype(np.uint8)
            for i, face in made
        ]
        weighed = list(new)
        for (i, face), expression, identity in zip(made, *self._instruments.impressions(pasted), strict=True):
            structure = old[i].structure  # type: ignore[union-attr]  # a face was made of it
            change = expression_change(structure.expression, expression)
            weighed[i] = replace(face, drawback=change + _LIKE * float(identity @ structure.identity))
        return weighed

    @property
    def about(self) -> dict[str, str | int]:
        """What the manifest says of the people."""
        return {**self._bank.about, "people": len(self._bank), "sha256": self._bank.sha256}

    @cached_property
    def _bank(self) -> Bank:
        return read_bank(self._file) if self._file else read_bank(*shipped_bank())


@dataclass(frozen=True, eq=False)
class _Seen:
    """What is known of an old face: all that reaches the new one."""

    structure: Structure
    hull: Mask
    forehead: Mask
    light: NDArray[np.float32]
    detail: NDArray[np.float32]


def expression_change(old: NDArray[np.float32], new: NDArray[np.float32]) -> float:
    """The total variation distance of two readings (7 probabilities each), 0..1, and 1 more where another
    expression is the likeliest."""
    return float(np.abs(old - new).sum()) / 2 + float(old.argmax() != new.argmax())


def _seen(face: AlignedFace, structure: Structure) -> _Seen | None:
    """What is known of a face; None where the landmarks are not a face's."""
    detected = map_points(face.matrix, face.face.landmarks).astype(np.float32)
    if not is_plausible(structure, face.face, detected):
        return None
    skin = skin_likeness(face.pixels, structure.landmarks)
    hull, forehead = hull_of(structure.landmarks, detected), open_forehead(skin, structure.landmarks)
    shown = inner_part(hull) * forehead
    return _Seen(structure, hull, forehead, light_of(face.pixels, shown), detail_of(face.pixels, shown))
