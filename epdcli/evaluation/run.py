"""An evaluation from its settings to its results: what the command calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from epdcli.batch.listing import Listing, listing_of
from epdcli.batch.run import Observer as RunObserver
from epdcli.deidentifier import Options
from epdcli.errors import UsageError
from epdcli.evaluation.bench import (
    ATTACKS,
    QUICK,
    Observer,
    Panel,
    Subject,
    folder_of,
    judge_all,
    measure_all,
)
from epdcli.evaluation.cache import Cache
from epdcli.evaluation.curves import curves
from epdcli.evaluation.deidentified import DeidentifiedSet, read_set
from epdcli.evaluation.gate import Requirement, check
from epdcli.evaluation.heads import f1_drops
from epdcli.evaluation.own_methods import clashes, deidentified, seeded
from epdcli.evaluation.parrot import PARROT
from epdcli.evaluation.portraits import Portrait, read_portraits
from epdcli.evaluation.results import Results, SetSummary
from epdcli.evaluation.training_attacks import train_and_attack
from epdcli.files import refuse_addresses
from epdcli.plugins import METHODS, load_plugin
from epdcli.runtimes import choose_backend


@dataclass(frozen=True, eq=False)
class Settings:
    """What a user may choose; the fields are the options of `epd evaluate`."""

    originals: Path
    out: Path
    panel: Panel
    sets: Mapping[str, Path] = field(default_factory=dict)
    methods: Mapping[str, Options] = field(default_factory=dict)
    parrots: Mapping[str, Path] = field(default_factory=dict)
    people: Path | None = None
    labels: Path | None = None
    attacks: tuple[str, ...] = QUICK
    requirements: tuple[Requirement, ...] = ()
    cache: Path | None = None
    backend: str = "auto"
    device: str = "auto"
    workers: int | None = None
    seed: int = 0


def evaluate(settings: Settings, observer: Observer, runs: RunObserver) -> tuple[Results, Subject]:
    """De-identify where asked, measure, attack, summarise, and check the requirements.

    Raises UsageError when something can't be done as asked, SetupError when this machine lacks something.
    """
    clashes([*settings.sets, *settings.methods])
    refuse_addresses(settings.out)
    choice = choose_backend(settings.backend, settings.device)
    listing = listing_of([settings.originals])
    portraits = read_portraits(listing, settings.people, settings.labels)
    sets = [
        *(read_set(name, folder, portraits) for name, folder in settings.sets.items()),
        *_own_sets(settings, portraits, runs),
    ]
    cache = Cache(settings.cache or folder_of(settings.out) / "cache")
    parrots = _parrots(settings, portraits, runs)
    subject = measure_all(portraits, [*sets, *parrots], settings.panel, cache, choice, observer)
    parroted = {item.name: item for item in subject.measured[1 + len(sets) :]}
    subject = subject.first(1 + len(sets))
    figures = judge_all(subject, settings.panel, settings.attacks, settings.seed, observer)
    figures += [f for new in subject.measured for f in f1_drops(subject, new, settings.panel)]
    figures += train_and_attack(
        subject, parroted, settings.panel, settings.attacks, choice, settings.seed, observer
    )
    headline = settings.panel.headline
    results = Results(
        about=_about(settings, subject, choice.reason, listing),
        sets=tuple(_summary(subject, number) for number in range(len(subject.sets))),
        judges=_judges(settings.panel),
        headline=headline,
        figures=tuple(figures),
        failures=tuple(check(settings.requirements, figures, headline)),
        curves=curves(subject, settings.panel, settings.seed),
    )
    return results, subject


def chosen_attacks(text: str) -> tuple[str, ...]:
    """`all`, or names joined by commas, in the order of `ATTACKS`. Raises UsageError on an unknown one."""
    names = {name.strip() for name in text.split(",") if name.strip()}
    unknown = sorted(names - {*ATTACKS, "all"})
    if unknown or not names:
        raise UsageError(
            f"There is no attack {unknown[0]}." if unknown else "No attack is named.",
            hint=f"Known: {', '.join(ATTACKS)}, or all.",
        )
    return tuple(name for name in ATTACKS if "all" in names or name in names)


def _own_sets(settings: Settings, portraits: Sequence[Portrait], runs: RunObserver) -> list[DeidentifiedSet]:
    work = folder_of(settings.out)
    methods = seeded(settings.methods, settings.seed, settings.backend, settings.device)
    sets = []
    for name, options in methods.items():
        folder = work / name.replace(":", "-")
        made = deidentified(settings.originals, options, folder, settings.workers, runs)
        sets.append(read_set(name, made.folder, portraits, made.seconds))
    return sets


def _parrots(settings: Settings, portraits: Sequence[Portrait], runs: RunObserver) -> list[DeidentifiedSet]:
    """For the parrot attack the same pictures by the same tool with other codes, named as their sets.

    A method of ours that draws nothing answers the same again: its own output serves.
    """
    if PARROT not in settings.attacks:
        return []
    unknown = sorted(settings.parrots.keys() - settings.sets.keys())
    if unknown:
        raise UsageError(f"There is no set {unknown[0]}.", hint="Name a set of --deidentified: NAME=DIR.")
    work = folder_of(settings.out)
    methods = seeded(settings.methods, settings.seed + 1, settings.backend, settings.device)
    sets = [read_set(name, folder, portraits) for name, folder in settings.parrots.items()]
    for name, options in methods.items():
        folder = work / name.replace(":", "-")
        if load_plugin(METHODS, options.method).random:
            folder = folder.with_name(folder.name + ".parrot")
            deidentified(settings.originals, options, folder, settings.workers, runs)
        sets.append(read_set(name, folder, portraits))
    return sets


def _summary(subject: Subject, number: int) -> SetSummary:
    given, measured = subject.sets[number], subject.measured[number]
    found = measured["found centerface"][:, -1] > 0
    return SetSummary(
        name=given.name,
        pictures=int(measured.present.sum()),
        missing=int((~measured.present).sum()),
        filled=int(measured.filled.sum()),
        not_found=int((measured.judged & ~found).sum()),
        described=given.described,
        seconds=given.seconds,
    )


def _about(settings: Settings, subject: Subject, chosen: str, listing: Listing) -> dict[str, Any]:
    people = subject.people
    return {
        "tool": f"epdcli {version('epdcli')}",
        "backend": chosen,
        "pictures": len(subject.portraits),
        "people": len(np.unique(people)),
        "people_with_several_pictures": int((np.bincount(people) > 1).sum()),
        "originals_without_a_face": list(subject.faceless),
        "originals_unreadable": dict(subject.unreadable),
        "originals_skipped": {one.name: one.reason for one in listing.skipped},
        "labels": sorted({label for portrait in subject.portraits for label in portrait.labels}),
        "attacks": list(settings.attacks),
        "requirements": [requirement.text for requirement in settings.requirements],
        "seed": settings.seed,
    }


def _judges(panel: Panel) -> tuple[Mapping[str, str], ...]:
    kinds = {
        "recogniser": panel.recognisers,
        "emotion": panel.emotions,
        "landmarks": panel.landmarks,
        "pose": panel.poses,
        "gaze": panel.gazes,
        "features": panel.features,
    }
    return tuple(
        {
            "name": source.name,
            "kind": kind,
            "sha256": source.sha256,
            "role": source.convention.role,
            "file": "shipped" if source.path is None else source.path.name,
            "convention": str(asdict(source.convention)),
        }
        for kind, sources in kinds.items()
        for source in sources
    )
