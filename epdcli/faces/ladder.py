"""What may stand in for a face, in the order in which it is tried: a face that fails climbs one rung."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from epdcli.faces.method import Filling, Method, Softening
from epdcli.model import Face

_BEFORE_SOFTER = 2  # attempts that a face has with all of its conditioning signals


@dataclass(frozen=True, eq=False)
class Rung:
    """One way to replace a face: `candidates` new faces are made by `method`, and the best is taken."""

    method: Method
    candidates: int = 1

    @property
    def synthetic(self) -> bool:
        """Whether the new face is that of a person who does not exist."""
        return self.method.synthetic

    def is_judged(self, face: Face) -> bool:
        """Whether a recogniser is asked about the new face: not where nothing is left that it could judge."""
        return not (isinstance(self.method, Filling) and self.method.leaves_nothing(face))


Ladder: TypeAlias = Callable[[Face], tuple[Rung, ...]]  # the rungs of a face; the last is a fill


def ladder_of(method: Method, fill: Method, attempts: int, candidates: int) -> Ladder:
    """The same rungs for every face: `method` as often as `attempts` says (once without chance), from the
    third time on with less of the old face in it, and then `fill`."""
    if not method.random:
        rungs: tuple[Rung, ...] = (Rung(method), Rung(fill))
    else:
        softer = method.softer() if isinstance(method, Softening) else method
        tried = [method if number < _BEFORE_SOFTER else softer for number in range(attempts)]
        rungs = (*(Rung(one, candidates) for one in tried), Rung(fill))
    return lambda face: rungs
