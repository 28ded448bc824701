"""The attacks that train, on every set: parrot and inversion. They take minutes, so they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from epdcli.errors import BackendNotInstalled
from epdcli.evaluation import attacks, inversion
from epdcli.evaluation.bench import Observer, Panel, Subject, bench_of
from epdcli.evaluation.figures import Figure
from epdcli.evaluation.gauges import NAIVE, ORACLE
from epdcli.evaluation.inversion import INVERSION, Effort
from epdcli.evaluation.judges import open_judge
from epdcli.evaluation.measurements import Measurements
from epdcli.evaluation.parrot import PARROT, against_parroted, halves, learned
from epdcli.runtimes import Choice


def train_and_attack(
    subject: Subject,
    parroted: Mapping[str, Measurements],
    panel: Panel,
    wanted: Sequence[str],
    choice: Choice,
    seed: int,
    observer: Observer,
    effort: Effort | None = None,
) -> list[Figure]:
    """The figures of the wanted training attacks on every set but the control.

    `parroted` holds, by a set's name, the same pictures de-identified with other codes, where there are such.
    Raises BackendNotInstalled without torch.
    """
    if not {PARROT, INVERSION} & set(wanted):
        return []
    try:
        import torch  # noqa: F401  said here in a sentence, before minutes of work
    except ImportError as error:
        raise BackendNotInstalled(
            "The attacks parrot and inversion train networks and need torch.",
            hint='Run: pip install "epdcli[torch]", or leave them out of --attacks.',
        ) from error
    figures: list[Figure] = []
    for number, new in enumerate(subject.measured[1:], start=1):
        found: list[Figure] = []
        if PARROT in wanted:
            found += _parrot(subject, new, parroted.get(new.name), panel, seed)
        if INVERSION in wanted:
            found += _invert(subject, number, panel, choice, seed, observer, effort or Effort())
        figures += [replace(figure, set=new.name) for figure in found]
    return figures


def _parrot(
    subject: Subject, new: Measurements, other: Measurements | None, panel: Panel, seed: int
) -> Iterator[Figure]:
    for source in panel.recognisers:
        bench = bench_of(subject, panel, source.name, seed)
        probes = new[f"{NAIVE} {source.name}"]
        yield from learned(bench, probes, new.judged)
        if other is not None:
            gallery = other[f"{NAIVE} {source.name}"]
            yield from against_parroted(bench, probes, new.judged, gallery, other.judged)


def _invert(
    subject: Subject,
    number: int,
    panel: Panel,
    choice: Choice,
    seed: int,
    observer: Observer,
    effort: Effort,
) -> Iterator[Figure]:
    chosen = subject.measured[number].judged
    study = halves(subject.people, seed)
    lesson, trial = chosen & study, chosen & ~study
    if not lesson.any() or not trial.any():
        return
    observer.begin(f"inverting {subject.sets[number].name}", effort.steps)
    hidden, clear = (inversion.aligned_faces(subject, which, lesson) for which in (number, 0))
    network = inversion.learn_to_invert(hidden, clear, seed, effort, observer.advance)
    found = inversion.restored(network, inversion.aligned_faces(subject, number, trial))
    observer.end()
    for source in panel.recognisers:
        bench = bench_of(subject, panel, source.name, seed)
        probes = np.full_like(subject.clear[f"{ORACLE} {source.name}"], np.nan)
        probes[trial] = inversion.embeddings_of(open_judge(source, choice), found)
        # People that the network has seen are neither probes nor strangers.
        fresh = replace(bench, present=bench.present & ~study)
        yield from attacks.recognise(fresh, INVERSION, probes, trial)
