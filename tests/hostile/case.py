"""One row of the battery."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from epdcli.pictures import Keep, PictureFile


class Expect(StrEnum):
    """How a file must end: written without a leak, or refused in one sentence.

    Damaged files may do either, as the decoder of the day likes; never crash, never leak.
    """

    WRITTEN = "written"
    REFUSED = "refused"
    EITHER = "either"


Property = Callable[[PictureFile], object]


@dataclass(frozen=True)
class Case:
    """A hostile file: what it is called in the table, how it is made, how it must end.

    `make` returns the file's bytes, or makes it itself when it is given a path (then `name` says
    where). `same` is read off the source and off the output and must be equal. `lossy` files are
    compared at `decibels` outside the face, all others bit for bit. `needs` names a program or a
    module without which the case is skipped, and says so. `verdicts` are the ends that `epd` may
    give a file that is written here. `options` are `epd`'s for this case (cases of the same options are one
    run); `stays` are the EXIF values that its output must hold, of those that the options ask for. `place`
    is where a look of some viewer shows a face that the colours don't (see `viewers`).
    """

    title: str
    name: str
    make: Callable[[], bytes] | Callable[[Path], None]
    expect: Expect = Expect.WRITTEN
    group: str = ""
    same: Property | None = None
    says: str = ""  # words that a refusal must hold
    decibels: float | None = None
    needs: str = ""
    by_hand: bool = False
    verdicts: tuple[str, ...] = ("pass",)
    options: tuple[str, ...] = ()
    stays: frozenset[Keep] = frozenset()
    place: tuple[slice, slice] | None = None

    @property
    def asked(self) -> frozenset[Keep]:
        """The values that the options name to be kept."""
        if "--keep" not in self.options:
            return frozenset()
        return frozenset(map(Keep, self.options[self.options.index("--keep") + 1].split(",")))

    def build(self, folder: Path) -> Path:
        """Make the file in `folder` and return its path."""
        path = folder / self.name
        if self.by_hand:
            self.make(path)  # type: ignore[call-arg]
        else:
            path.write_bytes(self.make())  # type: ignore[call-arg, arg-type]
        return path
