"""What may stand in for a face: the protocol of the entry-point group `epd.methods`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from epdcli.model import AlignedFace, Code, Face, Matrix, NewFace
from epdcli.runtimes import Engine


class Method(Protocol):
    """Constructed as `Method(engine, strength)`; `strength` is None for the method's own default.

    name      what the manifest calls it
    size      side in pixels of the aligned faces that it takes
    random    whether another identity code gives another face; without it there is one attempt
    """

    name: str
    size: int
    random: bool

    def __init__(self, engine: Engine, strength: float | None) -> None: ...

    def matrix(self, face: Face) -> Matrix:
        """The frame that it works in: picture points to points of its size x size crop (2 x 3)."""
        ...

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        """New faces, one for each aligned face and its code, in the same frame."""
        ...
