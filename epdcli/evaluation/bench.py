"""The whole evaluation: originals and sets in, measurements, attacks, utility and groups out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from epdcli.errors import EpdError, UsageError
from epdcli.evaluation import attacks, quality
from epdcli.evaluation.attacks import EXISTENCE, LINKABILITY, Bench
from epdcli.evaluation.cache import Cache
from epdcli.evaluation.conventions import VERIFICATION, Source
from epdcli.evaluation.deidentified import CONTROL, DeidentifiedSet, control
from epdcli.evaluation.figures import ALL, FILLED, Figure
from epdcli.evaluation.gauges import (
    NAIVE,
    ORACLE,
    Gauge,
    colour_gauge,
    finder,
    gaze_gauge,
    judged,
    pixel_gauge,
)
from epdcli.evaluation.intervals import mean_interval
from epdcli.evaluation.inversion import INVERSION
from epdcli.evaluation.judges import open_judge
from epdcli.evaluation.measurements import Measurements, measure
from epdcli.evaluation.parrot import GALLERY, HEAD, LINEAR, PARROT
from epdcli.evaluation.portraits import Portrait, groups_of, people_of
from epdcli.evaluation.scenes import Main, main_face
from epdcli.evaluation.utility import SHARE, over_classes, picture_values
from epdcli.faces.detection import CenterFaceDetector, Detector
from epdcli.faces.detection_passes import DetectionSettings
from epdcli.runtimes import Choice, Engine, load_plugin

QUICK = (NAIVE, ORACLE, LINKABILITY, EXISTENCE)
ATTACKS = (*QUICK, PARROT, INVERSION)
NAMED = (*ATTACKS, GALLERY, LINEAR, HEAD)  # what figures call them
_DETECTOR = "centerface"


class Observer(Protocol):
    """Who is told how an evaluation goes on."""

    def begin(self, what: str, total: int) -> None: ...

    def advance(self, count: int) -> None: ...

    def end(self) -> None: ...


@dataclass(frozen=True, eq=False)
class Panel:
    """Who judges: recognisers, emotion, landmark, pose and gaze networks, other detectors by name.
    `features` are those whose answers the crowds' distances are of; without any, the recognisers' are."""

    recognisers: tuple[Source, ...]
    emotions: tuple[Source, ...]
    landmarks: tuple[Source, ...]
    poses: tuple[Source, ...] = ()
    detectors: tuple[str, ...] = ()
    gazes: tuple[Source, ...] = ()
    features: tuple[Source, ...] = ()

    @property
    def headline(self) -> tuple[str, ...]:
        """The recognisers that the product itself uses for nothing; all of them where there is none such."""
        free = tuple(source.name for source in self.recognisers if not source.convention.role)
        return free or tuple(source.name for source in self.recognisers)

    @property
    def roles(self) -> dict[str, str]:
        """What the product uses each judge for, by the column of its answers: a recogniser and a detector may
        share a name."""
        kinds = {
            "emotion": self.emotions, "landmarks": self.landmarks, "pose": self.poses, "gaze": self.gazes,
        }  # fmt: skip
        judges = {f"{kind} {s.name}": s.convention.role for kind, sources in kinds.items() for s in sources}
        return judges | {f"found {_DETECTOR}": VERIFICATION}


@dataclass(frozen=True, eq=False)
class Subject:
    """What is evaluated: portraits with their main faces, and everything measured, the control first.

    Left out are originals in which no face was found (`faceless`, their names) and those that can't be read
    (`unreadable`, a sentence by name).
    """

    portraits: tuple[Portrait, ...]
    mains: tuple[Main, ...]
    sets: tuple[DeidentifiedSet, ...]
    measured: tuple[Measurements, ...]
    faceless: tuple[str, ...]
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def first(self, count: int) -> Subject:
        """The same with the first sets alone."""
        return replace(self, sets=self.sets[:count], measured=self.measured[:count])

    @property
    def people(self) -> NDArray[np.integer]:
        return people_of(self.portraits)

    @property
    def clear(self) -> Measurements:
        return self.measured[0]


def measure_all(
    portraits: Sequence[Portrait],
    sets: Sequence[DeidentifiedSet],
    panel: Panel,
    cache: Cache,
    choice: Choice,
    observer: Observer,
) -> Subject:
    """Measure the originals and every set with every judge; what the cache knows is not measured again."""
    with Engine(choice) as engine:
        detector = CenterFaceDetector(engine, DetectionSettings(passes="upright"))
        mains, unreadable = _mains(portraits, detector, cache, observer)
        kept = [main is not None for main in mains]
        shown = tuple(p for p, keep in zip(portraits, kept, strict=True) if keep)
        if len(shown) < 2:
            hint = " ".join(["Check the folder.", *list(unreadable.values())[:1]])
            raise UsageError("Fewer than two originals show a face.", hint=hint)
        left_out = [p.name for p, keep in zip(portraits, kept, strict=True) if not keep]
        faceless = [name for name in left_out if name not in unreadable]
        first, *gauges = _gauges(panel, choice, engine, detector)
        given = [control(shown), *(_only(item, kept) for item in sets)]
        known = tuple(main for main in mains if main is not None)
        measured = []
        for item in given:
            observer.begin(f"measuring {item.name}", len(shown))
            measured.append(measure(shown, known, item, first, gauges, cache, observer.advance))
            observer.end()
    return Subject(shown, known, tuple(given), tuple(measured), tuple(faceless), unreadable)


def judge_all(
    subject: Subject, panel: Panel, wanted: Sequence[str], seed: int, observer: Observer
) -> list[Figure]:
    """Every figure of every set: quick attacks, utility, quality, the filled faces apart, groups."""
    figures: list[Figure] = []
    benches = {source.name: bench_of(subject, panel, source.name, seed) for source in panel.recognisers}
    observer.begin("attacks and figures", len(subject.measured))
    for new in subject.measured:
        parts = {ALL: new.judged, FILLED: new.filled}
        for part, chosen in parts.items():
            if chosen.any():
                found = [*_attacks(benches.values(), new, chosen, wanted)]
                found += _utility(subject, new, chosen, panel, seed)
                figures += [replace(figure, set=new.name, part=part) for figure in found]
        figures += _quality(subject, new, panel)
        figures += _groups(subject, new, panel, benches[panel.headline[0]])
        observer.advance(1)
    observer.end()
    return [*figures, *_floors(subject, benches.values())]


def bench_of(subject: Subject, panel: Panel, name: str, seed: int) -> Bench:
    """What attacks with a recogniser start from."""
    source = next(source for source in panel.recognisers if source.name == name)
    return Bench(
        name,
        source.convention.role,
        source.convention.metric,
        subject.clear[f"{ORACLE} {name}"],
        subject.clear.present,
        subject.people,
        seed,
    )


def _mains(
    portraits: Sequence[Portrait], detector: Detector, cache: Cache, observer: Observer
) -> tuple[list[Main | None], dict[str, str]]:
    """The main face of each portrait, None where there is none; and why some can't be read, by name."""
    mains: list[Main | None] = []
    unreadable = {}
    observer.begin("faces of the originals", len(portraits))
    for portrait in portraits:
        try:
            main = main_face(portrait, detector, cache)
        except EpdError as error:
            main = None
            unreadable[portrait.name] = str(error)
        mains.append(main)
        observer.advance(1)
    observer.end()
    return mains, unreadable


def _gauges(panel: Panel, choice: Choice, engine: Engine, detector: Detector) -> Iterator[Gauge]:
    yield finder(f"found {_DETECTOR}", detector)
    for name in panel.detectors:
        other = load_plugin("epd.detectors", name)(engine, DetectionSettings(passes="upright"))
        yield finder(f"found {name}", other)
    for source in panel.recognisers:
        judge = open_judge(source, choice)
        yield judged(NAIVE, judge, NAIVE)
        yield judged(ORACLE, judge, ORACLE)
    kinds = {"emotion": panel.emotions, "landmarks": panel.landmarks, "pose": panel.poses}
    kinds["features"] = panel.features
    for kind, sources in kinds.items():
        yield from (judged(kind, open_judge(source, choice)) for source in sources)
    yield from (gaze_gauge(open_judge(source, choice)) for source in panel.gazes)
    yield pixel_gauge()
    yield colour_gauge()


def _only(given: DeidentifiedSet, kept: Sequence[bool]) -> DeidentifiedSet:
    return replace(given, files=tuple(f for f, keep in zip(given.files, kept, strict=True) if keep))


def _attacks(
    benches: Iterable[Bench], new: Measurements, chosen: NDArray[np.bool_], wanted: Sequence[str]
) -> Iterator[Figure]:
    for bench in benches:
        for view in (NAIVE, ORACLE):
            if view in wanted:
                yield from attacks.recognise(bench, view, new[f"{view} {bench.judge}"], chosen)
        probes = new[f"{NAIVE} {bench.judge}"]
        if LINKABILITY in wanted:
            yield from attacks.link(bench, probes, chosen)
        if EXISTENCE in wanted:
            yield from attacks.resemble(bench, probes, chosen)


def _utility(
    subject: Subject, new: Measurements, chosen: NDArray[np.bool_], panel: Panel, seed: int
) -> Iterator[Figure]:
    for quantity, values in picture_values(subject.clear, new, panel.roles):
        yes_or_no = quantity.unit == SHARE
        shown = np.where(chosen, values, np.nan)
        found = mean_interval(shown, subject.people, seed, yes_or_no=yes_or_no)
        yield Figure("", ALL, "", quantity.measure, quantity.judge, quantity.role, *found, quantity.unit)
        if quantity.measure.startswith("emotion"):
            mean = over_classes(shown, subject.clear[f"emotion {quantity.judge}"])
            name = f"{quantity.measure}, class mean"
            yield Figure(
                "", ALL, "", name, quantity.judge, quantity.role, mean, None, None, found.size, quantity.unit
            )


def _quality(subject: Subject, new: Measurements, panel: Panel) -> Iterator[Figure]:
    """Distances of the crowds, over pictures that both have."""
    chosen = new.judged & subject.clear.present
    if chosen.sum() < 2:
        return
    kind = "features" if panel.features else ORACLE
    for source in panel.features or panel.recognisers:
        clear, made = (
            _comparable(m[f"{kind} {source.name}"][chosen], source.convention.metric)
            for m in (subject.clear, new)
        )
        note = f"{chosen.sum()} pictures, {clear.shape[1]} features"
        for name, distance in (
            ("Frechet distance", quality.frechet_distance),
            ("kernel distance", quality.kernel_distance),
        ):
            yield Figure(
                new.name, ALL, "", name, source.name, source.convention.role,
                distance(clear, made), None, None, int(chosen.sum()), note,
            )  # fmt: skip


def _comparable(embeddings: NDArray[np.float32], metric: str) -> NDArray[np.float32]:
    """Embeddings in the space in which their network compares them: of length 1 for the cosine."""
    if metric == "euclidean":
        return embeddings
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return np.asarray(embeddings / np.maximum(lengths, 1e-12), np.float32)


def _groups(subject: Subject, new: Measurements, panel: Panel, bench: Bench) -> Iterator[Figure]:
    """The naive attack by the first headline recogniser, and utility, for every group of a label."""
    for (label, value), members in groups_of(subject.portraits).items():
        chosen = new.judged & members
        if chosen.any():
            found = [*attacks.recognise(bench, NAIVE, new[f"{NAIVE} {bench.judge}"], chosen)]
            found += _utility(subject, new, chosen, panel, bench.seed)
            yield from (replace(figure, set=new.name, part=f"{label}: {value}") for figure in found)


def _floors(subject: Subject, benches: Iterable[Bench]) -> Iterator[Figure]:
    """The AUC of strangers with the same labels, where there are labels."""
    names = sorted({label for portrait in subject.portraits for label in portrait.labels})
    if not names:
        return
    rows = [tuple(portrait.labels.get(name, "") for name in names) for portrait in subject.portraits]
    for bench in benches:
        floor = attacks.label_floor(bench, rows)
        if floor is not None:
            note = f"strangers of the same {', '.join(names)}; {floor.note}"
            yield replace(floor, set=CONTROL, attack="", note=note)


def folder_of(out: Path) -> Path:
    """Where an evaluation keeps what is not for release: beside the report, never in it."""
    return out.with_name(out.name + ".work")
