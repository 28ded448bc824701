"""Run cases through the pictures room: read, put a new face over the old one, write, judge."""

from __future__ import annotations

import importlib.util
import shutil
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epdcli.errors import PictureError
from epdcli.pictures import PictureFile, read, scan, write

from .case import Case, Expect
from .judges import planted_bytes, visible_faces
from .planting import FACE, KEPT
from .viewers import SHOWN, likeness

_MARGIN = 24  # a new face changes the blocks that it touches, and their neighbours by their chroma


@dataclass(frozen=True)
class Outcome:
    """How a case ended: `written`, `refused`, `traceback`, and what is wrong with that."""

    got: str
    sentence: str = ""
    problems: list[str] = field(default_factory=list)
    output: Path | None = None

    def right(self, case: Case) -> bool:
        expected = ("written", "refused") if case.expect is Expect.EITHER else (case.expect,)
        return self.got in expected and not self.problems


def missing(case: Case) -> bool:
    """Whether what the case needs isn't on this machine."""
    return bool(case.needs) and not (shutil.which(case.needs) or importlib.util.find_spec(case.needs))


def run(case: Case, folder: Path, out: Path) -> Outcome:
    """Make the case's file in `folder`, write it anew into `out`, and judge what came of it."""
    source, target = case.build(folder), out / case.name
    try:
        file = read(source)
        frames, touched = new_faces(file)
        write(file, frames, touched, target, mark=True, keep=case.asked)
        findings = [finding for finding in scan(target, keep=case.asked) if not finding.released]
        again = read(target)
    except PictureError as refusal:
        sentence = str(refusal)
        problems = [] if case.says in sentence else [f"doesn't say {case.says!r}"]
        return Outcome("refused", sentence, problems + (["no hint"] if not refusal.hint else []))
    except Exception:
        return Outcome("traceback", traceback.format_exc())
    problems = [f"scanner: {finding.kind} {finding.where} ({finding.detail})" for finding in findings]
    problems += leaks(target)
    problems += [] if case.expect is Expect.EITHER else unfaithful(case, file, again, touched)
    return Outcome("written", "", problems, target)


def new_faces(file: PictureFile) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.bool_]]]:
    """Each frame with a slanted blend of two skin tones over the face, and where that is."""
    frames, masks = [], []
    for frame in file.frames:
        touched = np.zeros(frame.shape[:2], dtype=bool)
        touched[FACE] = True
        slope = np.add.outer(np.arange(frame.shape[0]), np.arange(frame.shape[1]))[..., None] % 64 / 64
        face = (np.array([200, 150, 120]) * slope + np.array([150, 110, 90]) * (1 - slope)).astype(np.uint8)
        frames.append(np.where(touched[..., None], face, frame))
        masks.append(touched)
    return frames, masks


def leaks(target: Path, source: Path | None = None) -> list[str]:
    """What is left of the planted things and of the face in an output; `source` as for visible_faces."""
    data = target.read_bytes()
    if not data:
        return ["zero bytes"]
    return [
        f"leak: {what}" for what in planted_bytes(data) + visible_faces(data, source and source.read_bytes())
    ]


def shown_still(case: Case, target: Path) -> list[str]:
    """Whether a face that only viewers show in the source is still shown by an output."""
    if case.place is None or not target.exists():
        return []
    alike = likeness(target.read_bytes(), case.place)
    return [f"leak: a viewer shows the face ({alike:.2f})"] if alike > SHOWN else []


def unfaithful(case: Case, old: PictureFile, new: PictureFile, touched: list[NDArray[np.bool_]]) -> list[str]:
    """Where the output is another picture than the source: frames, size, depth, mode, other pixels."""
    problems = []
    before, after = old.encoding, new.encoding
    for name in ("format", "dpi", "profile"):
        if _differ(getattr(before, name), getattr(after, name)):
            problems.append(f"{name} was {getattr(before, name)}, is {getattr(after, name)}")
    if len(before.pages) != len(after.pages):
        return [*problems, f"{len(before.pages)} frames became {len(after.pages)}"]
    if case.same is not None and case.same(old) != case.same(new):
        problems.append(f"was {case.same(old)}, is {case.same(new)}")
    for page, again in zip(before.pages, after.pages, strict=True):
        if (page.mode, page.planes.dtype, page.planes.shape) != (
            again.mode,
            again.planes.dtype,
            again.planes.shape,
        ):
            problems.append(f"{page.mode} {page.planes.dtype} became {again.mode} {again.planes.dtype}")
        if page.milliseconds != again.milliseconds:
            problems.append(f"a frame's {page.milliseconds} ms became {again.milliseconds}")
    frames = zip(before.pages, after.pages, old.frames, new.frames, touched, strict=True)
    for page, again, one, two, flags in frames:
        exact = case.decibels is None
        problems += _pixels(one, two, flags, case.decibels)
        if exact and page.palette is None and page.planes.shape == again.planes.shape:
            problems += (
                [] if (page.planes == again.planes)[~flags].all() else ["a sample outside the face changed"]
            )
    return problems


def _pixels(
    one: NDArray[np.uint8], two: NDArray[np.uint8], flags: NDArray[np.bool_], decibels: float | None
) -> list[str]:
    if one.shape != two.shape:
        return [f"{one.shape} became {two.shape}"]
    outside = ~flags
    if decibels is None:
        return [] if (one == two)[outside].all() else ["pixels outside the face changed"]
    outside = np.ones_like(flags)
    rows, columns = FACE
    outside[rows.start - _MARGIN : rows.stop + _MARGIN, columns.start - _MARGIN : columns.stop + _MARGIN] = (
        False
    )
    error = float(((one.astype(np.float64) - two)[outside] ** 2).mean())
    quality = 10 * np.log10(255**2 / max(error, 1e-9))
    return [] if quality >= decibels else [f"{quality:.1f} dB outside the face, {decibels} wanted"]


def _differ(one: object, two: object) -> bool:
    if isinstance(one, tuple) and isinstance(two, tuple):
        return any(abs(a - b) > 0.51 for a, b in zip(one, two, strict=True))
    return one != two


def told(case: Case, said: Mapping[str, object]) -> list[str]:
    """What exiftool says of an output besides the values that were to stay, and which of these it misses."""
    kept = {key: value for name in case.stays for key, value in KEPT[name].items()}
    lost = [f"exiftool: {key} is gone" for key, value in kept.items() if said.get(key) != value]
    return lost + [f"exiftool: {key}" for key in said if key not in kept]


__all__ = ["Expect", "Outcome", "leaks", "missing", "new_faces", "run", "shown_still", "told", "unfaithful"]
