"""All gauges on all pictures of a set, in batches, each answer measured once and then kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from epdcli.errors import PictureError
from epdcli.evaluation.cache import Answers, Cache, key_of
from epdcli.evaluation.deidentified import DeidentifiedSet
from epdcli.evaluation.gauges import Gauge
from epdcli.evaluation.portraits import Portrait
from epdcli.evaluation.scenes import Main, Pair, Scene, face_of
from epdcli.files import sha256_of

BATCH = 8  # runtimes prepare themselves anew for each batch size, so there are two: this and 1


@dataclass(frozen=True, eq=False)
class Measurements:
    """What was measured of one set: columns (n, length), float32, NaN where there is no picture.

    `present` (n,): there is a picture; `filled` (n,): its main face was filled; `unreadable` names
    files that can't be read and count as missing.
    """

    name: str
    columns: Mapping[str, NDArray[np.float32]]
    present: NDArray[np.bool_]
    filled: NDArray[np.bool_]
    unreadable: tuple[str, ...] = ()

    def __getitem__(self, column: str) -> NDArray[np.float32]:
        return self.columns[column]

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Pictures (n,) whose main face the method itself replaced."""
        return self.present & ~self.filled


def measure(
    portraits: Sequence[Portrait],
    mains: Sequence[Main],
    given: DeidentifiedSet,
    finder: Gauge,
    gauges: Sequence[Gauge],
    cache: Cache,
    advance: Callable[[int], None] = lambda count: None,
) -> Measurements:
    """Measure a set; `finder` comes first, since an attacker's alignment rests on it."""
    answers: list[Answers] = [{} for _ in portraits]
    unreadable = []
    for start in range(0, len(portraits), BATCH):
        numbers = [i for i in range(start, min(start + BATCH, len(portraits))) if given.files[i]]
        for i, answer in zip(
            numbers, _measure_batch(portraits, mains, given, numbers, finder, gauges, cache), strict=True
        ):
            answers[i] = answer
            if not answer:
                unreadable.append(portraits[i].name)
        advance(min(BATCH, len(portraits) - start))
    columns = {gauge.name: _column(answers, gauge) for gauge in (finder, *gauges)}
    filled = [_is_filled(given, p.name, m) for p, m in zip(portraits, mains, strict=True)]
    present = np.array([bool(answer) for answer in answers])
    return Measurements(given.name, columns, present, np.array(filled) & present, tuple(unreadable))


def _measure_batch(
    portraits: Sequence[Portrait],
    mains: Sequence[Main],
    given: DeidentifiedSet,
    numbers: Sequence[int],
    finder: Gauge,
    gauges: Sequence[Gauge],
    cache: Cache,
) -> list[Answers]:
    """The answers of a few pictures; empty for one that can't be read."""
    paths = [given.files[i] or portraits[i].path for i in numbers]
    keys = [key_of(sha256_of(path), mains[i].key) for path, i in zip(paths, numbers, strict=True)]
    known = [cache.load(key) for key in keys]
    before = [len(answers) for answers in known]
    scenes = [Scene(Pair(path, portraits[i].path), mains[i]) for path, i in zip(paths, numbers, strict=True)]
    readable = [
        i for i, answers in enumerate(known) if _complete(answers, finder, gauges) or _can_be_read(scenes[i])
    ]
    _ask(finder, scenes, known, readable)
    scenes = [
        replace(scene, found=face_of(known[i][finder.key])) if i in readable else scene
        for i, scene in enumerate(scenes)
    ]
    for gauge in gauges:
        _ask(gauge, scenes, known, readable)
    for i in readable:
        if len(known[i]) > before[i]:
            cache.store(keys[i], known[i])
    return [known[i] if i in readable else {} for i in range(len(numbers))]


def _ask(gauge: Gauge, scenes: Sequence[Scene], known: Sequence[Answers], readable: Sequence[int]) -> None:
    """Measure what isn't known yet, and write it into `known`."""
    todo = [i for i in readable if gauge.key not in known[i]]
    size = BATCH if len(todo) == BATCH else 1
    for start in range(0, len(todo), size):
        some = todo[start : start + size]
        for i, answer in zip(some, gauge.measure([scenes[i] for i in some]), strict=True):
            known[i][gauge.key] = np.asarray(answer, np.float32)


def _complete(answers: Answers, finder: Gauge, gauges: Sequence[Gauge]) -> bool:
    return all(gauge.key in answers for gauge in (finder, *gauges))


def _can_be_read(scene: Scene) -> bool:
    try:
        return scene.pixels is not None and scene.original is not None
    except PictureError:
        return False


def _column(answers: Sequence[Answers], gauge: Gauge) -> NDArray[np.float32]:
    length = next((len(a[gauge.key]) for a in answers if gauge.key in a), 1)
    blank = np.full(length, np.nan, np.float32)
    return np.stack([answer.get(gauge.key, blank) for answer in answers])


def _is_filled(given: DeidentifiedSet, name: str, main: Main) -> bool:
    """Whether the main face lies in a box that was filled: the points' middle is inside."""
    x, y = main.face.landmarks.mean(axis=0)
    return any(
        box.x <= x <= box.x + box.width and box.y <= y <= box.y + box.height
        for box in given.fills.get(name, ())
    )
