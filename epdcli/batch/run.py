"""A whole run: plan, lock, process, journal, manifest. What a command or a script calls for many pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from epdcli.batch.detections_file import read_detections
from epdcli.batch.journal import Journal, earlier_run, remove_partial_files
from epdcli.batch.listing import Plan, manifest_of, plan
from epdcli.batch.manifest import summary, write_manifest
from epdcli.batch.renaming import Names, Rename, names
from epdcli.batch.workers import Task, Workers, align_here, default_workers, run_here
from epdcli.deidentifier import Deidentifier, Options
from epdcli.faces.method import Preparing
from epdcli.model import PictureRecord
from epdcli.plugins import METHODS, load_plugin


@dataclass(frozen=True)
class RunSettings:
    """Which files, where to, and how a run treats what is there already. `workers` None: one a core."""

    inputs: tuple[Path, ...]
    output: Path
    manifest: Path | None = None
    detections: Path | None = None
    overwrite: bool = False
    resume: bool = False
    dry_run: bool = False
    workers: int | None = None
    rename: Rename = Rename.KEEP


@dataclass(frozen=True)
class Outcome:
    """What a run did. `interrupted`: Ctrl-C ended it; `manifest` is None after a dry run."""

    records: tuple[PictureRecord, ...]
    ignored: tuple[str, ...]
    summary: Mapping[str, Any]
    run: Mapping[str, Any]
    manifest: Path | None
    interrupted: bool

    @property
    def exit_code(self) -> int:
        """0 when every picture was written, 1 when one was not, 130 after Ctrl-C."""
        if self.interrupted:
            return 130
        return 0 if self.manifest is None or all(record.output for record in self.records) else 1


class Observer(Protocol):
    """Who is told how a run goes on. `prepare` is called when a method looks at all pictures first."""

    def prepare(self, pictures: int, method: str) -> None: ...

    def begin(self, pictures: int, run: Mapping[str, Any]) -> None: ...

    def picture(self, record: PictureRecord) -> None: ...

    def end(self) -> None: ...


def run(settings: RunSettings, options: Options, observer: Observer, command: Sequence[str]) -> Outcome:
    """De-identify every picture of a run and write its manifest.

    Raises UsageError before anything is written when names clash or outputs exist, SetupError when a
    backend or network can't be had. What goes wrong with one picture stands in its record.
    """
    named = _names(settings, options)
    planned = plan(
        settings.inputs,
        settings.output,
        overwrite=settings.overwrite or settings.resume or settings.dry_run,
        manifest=settings.manifest,
        names=named,
    )
    given = read_detections(settings.detections) if settings.detections else {}
    tasks = [Task(job, given.get(job.name)) for job in planned.jobs]
    if settings.dry_run:
        return _dry(tasks, planned, options, observer)
    workers = settings.workers or default_workers(len(tasks))
    with Journal(planned.manifest) as journal:
        remove_partial_files(planned)
        try:
            return _run(tasks, planned, named, settings, options, workers, journal, observer, command)
        finally:
            remove_partial_files(planned)  # of workers that were killed: nobody verified those


def _names(settings: RunSettings, options: Options) -> Names:
    """An interrupted run goes on under its names, and a run that replaces another's outputs takes theirs."""
    before = settings.resume or settings.overwrite
    manifest = settings.manifest or manifest_of(settings.output)
    return names(settings.rename, options.key, earlier_run(manifest) if before else None)


def _run(  # noqa: PLR0913, PLR0917  all that a run is made of
    tasks: Sequence[Task],
    planned: Plan,
    named: Names,
    settings: RunSettings,
    options: Options,
    workers: int,
    journal: Journal,
    observer: Observer,
    command: Sequence[str],
) -> Outcome:
    begun = time.perf_counter()
    method = load_plugin(METHODS, options.method)
    looks_first = isinstance(method, Preparing)
    if looks_first:
        observer.prepare(len(tasks), options.method)
    if workers == 1:
        with Deidentifier(options) as deidentifier:
            if looks_first:
                deidentifier.prepare(align_here(tasks, deidentifier))
            about = _about(deidentifier.description(), named)
            records = journal.done(about, planned) if settings.resume else []
            todo = _todo(tasks, records)
            interrupted = _consume(run_here(todo, deidentifier), records, about, journal, observer, len(todo))
    else:
        prepared = None
        if looks_first:
            with Workers(options, workers) as looking:
                prepared = method.prepare(looking.aligned(tasks), options.strength)
        with Workers(options, workers, prepared) as working:
            about = _about(working.description(), named)
            records = journal.done(about, planned) if settings.resume else []
            todo = _todo(tasks, records)
            interrupted = _consume(working.records(todo), records, about, journal, observer, len(todo))
    seconds = time.perf_counter() - begun
    written = write_manifest(
        planned.manifest,
        {**about, "command": list(command), "workers": workers, "interrupted": interrupted},
        records,
        seconds,
    )
    if not interrupted:
        journal.remove()
    return Outcome(tuple(records), planned.ignored, written["summary"], about, planned.manifest, interrupted)


def _consume(
    pictures: Iterator[PictureRecord],
    records: list[PictureRecord],
    about: Mapping[str, Any],
    journal: Journal,
    observer: Observer,
    count: int,
) -> bool:
    """Journal and show the records as they come; returns whether Ctrl-C ended it."""
    journal.begin(about)
    observer.begin(count, about)
    try:
        for record in pictures:
            journal.add(record)
            records.append(record)
            observer.picture(record)
    except KeyboardInterrupt:
        return True
    finally:
        observer.end()
    return False


def _about(description: Mapping[str, Any], named: Names) -> dict[str, Any]:
    return {"tool": f"epdcli {version('epdcli')}", **description, **named.about}


def _todo(tasks: Sequence[Task], records: Sequence[PictureRecord]) -> list[Task]:
    done = {record.source for record in records}
    return [task for task in tasks if task.job.name not in done]


def _dry(tasks: Sequence[Task], planned: Plan, options: Options, observer: Observer) -> Outcome:
    """Read every picture and find its faces; write nothing."""
    begun = time.perf_counter()
    records = []
    with Deidentifier(options) as deidentifier:
        about = _about(deidentifier.description(), Names())
        observer.begin(len(tasks), about)
        for task in tasks:
            records.append(deidentifier.look(task.job.source, task.job.name, task.given))
            observer.picture(records[-1])
        observer.end()
    seconds = time.perf_counter() - begun
    return Outcome(tuple(records), planned.ignored, summary(records, seconds), about, None, False)
