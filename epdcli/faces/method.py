"""What may stand in for a face: the protocol of the entry-point group `epd.methods`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from epdcli.model import AlignedFace, Attributes, Code, Face, Matrix, NewFace
from epdcli.runtimes import Engine


class Method(Protocol):
    """Constructed as `Method(engine, strength)`; `strength` is None for the method's own default.

    name       what the manifest calls it
    size       side in pixels of the aligned faces that it takes
    random     whether another identity code gives another face; without it there is one attempt
    synthetic  whether its faces are those of people who don't exist: the file is marked as showing such faces
    """

    name: str
    size: int
    random: bool
    synthetic: bool

    def __init__(self, engine: Engine, strength: float | None) -> None: ...

    def matrix(self, face: Face) -> Matrix:
        """The frame that it works in: picture points to points of its size x size crop (2 x 3)."""
        ...

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> Sequence[NewFace | None]:
        """New faces, one for each aligned face and its code, in the same frame; None for a face that the
        method can't replace, which is filled.

        Of a method with chance the same face may be asked for several times, with several codes.
        """
        ...


@runtime_checkable
class Softening(Protocol):
    """A method with chance that can do with less of the old face has this function as well."""

    def softer(self) -> Method:
        """The same method, to be used from a face's third attempt on."""
        ...


@runtime_checkable
class Filling(Protocol):
    """A method that may leave nothing of a face that a recogniser could judge has this function as well."""

    def leaves_nothing(self, face: Face) -> bool:
        """Whether what stands in for this face is not to be judged."""
        ...


@runtime_checkable
class Drawing(Protocol):
    """A method that draws its faces from a bank of people has these as well."""

    @property
    def about(self) -> Mapping[str, str | int]:
        """What the manifest says of the people: name, version, licence, number, SHA-256."""
        ...

    def drawing_from(self, bank: Path | None, attributes: Attributes) -> DrawingMethod:
        """The same method with another bank's file (None: the shipped one) and attributes kept or free.

        Raises WeightsError when the bank can't be used.
        """
        ...


class DrawingMethod(Method, Drawing, Protocol):
    """A method that draws its faces from a bank."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a method learnt from all faces of a run. Goes to every process, and never to a file.

    arrays    for the method's own use
    about     what the manifest says of it: few words and numbers, nothing that identifies
    """

    arrays: Mapping[str, NDArray[Any]]
    about: Mapping[str, int | float | str]


@runtime_checkable
class Preparing(Protocol):
    """A method that must see all faces of a run before the first picture has this function as well.

    It is called once, without networks, in the process that leads the run. What it returns is the third
    argument of the method's constructor: `Method(engine, strength, prepared)`. Without it the method is made
    too, to say how faces are aligned (`matrix`, `size`), and is asked for no replacement.
    """

    @staticmethod
    def prepare(faces: Sequence[AlignedFace], strength: float | None) -> Prepared:
        """Look at every face of the run, in the order of the pictures' names.

        Faces found later (in a finished picture) are not among them, and `replace` has to answer for those
        too. Raises UsageError when the faces don't suffice.
        """
        ...
