"""A whole run: plan, lock, process, journal, manifest. What a command or a script calls for many pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from epdcli.batch.detections_file import given_faces
from epdcli.batch.journal import (
    Journal,
    earlier_run,
    finished_run,
    remove_partial_files,
    still_done,
)
from epdcli.batch.listing import Skipped
from epdcli.batch.manifest import differing, outputs_of, summary, write_manifest
from epdcli.batch.plan import Plan, manifest_of, plan, refuse_existing
from epdcli.batch.renaming import Names, Rename, names
from epdcli.batch.shards import Shard
from epdcli.batch.stopping import exit_code, go_on, stoppable
from epdcli.batch.workers import Task, Workers, align_here, default_workers, has_shared_memory, run_here
from epdcli.deidentifier import Deidentifier, Options
from epdcli.errors import UsageError
from epdcli.faces.method import Preparing
from epdcli.files import PARTIAL, files_in, sha256_of
from epdcli.model import PictureRecord, Verdict
from epdcli.plugins import METHODS, load_plugin

_NAMED = 20  # of the other files in the output folder, in the manifest


@dataclass(frozen=True)
class RunSettings:
    """Which files, where to, and how a run treats what is there already. `workers` None: one a core;
    `ignore`: patterns of inputs that are left out; `shard`: the part of the pictures that this run does."""

    inputs: tuple[Path, ...]
    output: Path
    manifest: Path | None = None
    detections: Path | None = None
    overwrite: bool = False
    resume: bool = False
    dry_run: bool = False
    workers: int | None = None
    rename: Rename = Rename.KEEP
    ignore: tuple[str, ...] = ()
    shard: Shard | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run did. `skipped` may show people and was not de-identified, `others` lie in the output folder
    and are not of this run. `stopped` is the exit code after Ctrl-C or a signal, 0 without; `manifest` is
    None after a dry run."""

    records: tuple[PictureRecord, ...]
    ignored: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    others: tuple[str, ...]
    summary: Mapping[str, Any]
    run: Mapping[str, Any]
    manifest: Path | None
    stopped: int = 0

    @property
    def interrupted(self) -> bool:
        return self.stopped != 0

    @property
    def exit_code(self) -> int:
        """0 when everything in the inputs was written (in a dry run: could be read), 1 when something was
        not, 130 after Ctrl-C, 143 and 129 after SIGTERM and SIGHUP."""
        if self.stopped:
            return self.stopped
        if self.manifest is None:
            done = all(record.verdict is not Verdict.FAILED for record in self.records)
        else:
            done = all(record.output for record in self.records)
        return 0 if done and not self.skipped else 1


class Observer(Protocol):
    """Who is told how a run goes on. `prepare` is called when a method looks at all pictures first, `note`
    with a sentence that a person should know."""

    def note(self, sentence: str) -> None: ...

    def prepare(self, pictures: int, method: str) -> None: ...

    def begin(self, pictures: int, run: Mapping[str, Any]) -> None: ...

    def picture(self, record: PictureRecord) -> None: ...

    def end(self) -> None: ...


def run(settings: RunSettings, options: Options, observer: Observer, command: Sequence[str]) -> Outcome:
    """De-identify every picture of a run and write its manifest.

    Raises UsageError before anything is written when names clash or outputs exist, SetupError when a
    backend or network can't be had. What goes wrong with one picture stands in its record.
    """
    manifest = settings.manifest or manifest_of(settings.output, settings.shard)
    planned = plan(
        settings.inputs,
        settings.output,
        overwrite=settings.overwrite or settings.resume or settings.dry_run,
        manifest=manifest,
        names=_names(settings, options, manifest),
        ignore=settings.ignore,
        earlier=finished_run(manifest),
        shard=settings.shard,
    )
    sources = {job.name: job.source for job in (*planned.jobs, *planned.elsewhere)}
    given = given_faces(settings.detections, sources, settings.ignore) if settings.detections else {}
    tasks = [Task(job, given.get(job.name)) for job in planned.jobs]
    if settings.dry_run:
        return _dry(tasks, planned, options, observer)
    with stoppable(), Journal(planned.manifest) as journal:
        if journal.note:
            observer.note(journal.note)
        remove_partial_files(planned)
        try:
            return _Run(settings, options, planned, journal, observer, tuple(command)).outcome(tasks)
        finally:
            remove_partial_files(planned)  # of workers that were killed


def _names(settings: RunSettings, options: Options, manifest: Path) -> Names:
    """An interrupted run goes on under its names, and a run that replaces another's outputs takes theirs."""
    if settings.shard and settings.rename is Rename.HASH and options.key is None:
        raise UsageError(
            "The shards of a run hash names with one key, and none is given.", hint="Name it with --key FILE."
        )
    before = settings.resume or settings.overwrite
    return names(settings.rename, options.key, earlier_run(manifest) if before else None)


@dataclass(frozen=True)
class _Run:
    """One run on its way: what it was asked for, and whom it tells."""

    settings: RunSettings
    options: Options
    planned: Plan
    journal: Journal
    observer: Observer
    command: tuple[str, ...]

    def outcome(self, tasks: Sequence[Task]) -> Outcome:
        begun = time.perf_counter()
        method = load_plugin(METHODS, self.options.method)
        looks_first = isinstance(method, Preparing)
        if looks_first and self.settings.shard:
            raise UsageError(
                f"{self.options.method} looks at all pictures of a run first, and a shard has only some.",
                hint="Leave out --shard, or choose another method.",
            )
        workers = self.settings.workers or default_workers(len(tasks))
        if workers > 1 and not has_shared_memory():
            self.observer.note("Processes can't share memory here (no /dev/shm?): one picture at a time.")
            workers = 1
        if looks_first:
            self.observer.prepare(len(tasks), self.options.method)
        if workers == 1:
            with Deidentifier(self.options) as deidentifier:
                if looks_first:
                    deidentifier.prepare(align_here(tasks, deidentifier))
                about = self._about(deidentifier.description())
                records = self._done(about)
                todo = _todo(tasks, records)
                stopped = self._consume(run_here(todo, deidentifier), records, about, len(todo))
        else:
            prepared = None
            if looks_first:
                with Workers(self.options, workers) as looking:
                    prepared = method.prepare(looking.aligned(tasks), self.options.strength)
            with Workers(self.options, workers, prepared) as working:
                about = self._about(working.description())
                records = self._done(about)
                todo = _todo(tasks, records)
                stopped = self._consume(working.records(todo), records, about, len(todo))
                if stopped:
                    working.stop()
        return self._ended(records, about, workers, time.perf_counter() - begun, stopped)

    def _done(self, about: Mapping[str, Any]) -> list[PictureRecord]:
        """Records of an earlier run that stand: of an interrupted one, or of one that came to its end."""
        if not self.settings.resume:
            return []
        if records := self.journal.done(about, self.planned):
            return records
        earlier = finished_run(self.planned.manifest) or {}
        if "manifest_version" not in earlier or self.journal.path.stat().st_size:
            return []
        if other := differing(earlier, about):
            if self.settings.overwrite:
                return []
            raise UsageError(
                f"The run that {self.planned.manifest} describes had other settings: {other}.",
                hint="Repeat them, or replace its outputs with --overwrite.",
            )
        if not self.settings.overwrite:
            known = outputs_of(earlier)
            refuse_existing([job.target for job in self.planned.jobs if job.output not in known])
        files = earlier.get("files")
        return still_done(files if isinstance(files, list) else (), self.planned)

    def _about(self, description: Mapping[str, Any]) -> dict[str, Any]:
        detections = self.settings.detections
        given = {"detections": sha256_of(detections)} if detections else {}
        return {
            "tool": f"epdcli {version('epdcli')}",
            **description,
            **given,
            **self.planned.names.about,
            **({"shard": str(self.settings.shard)} if self.settings.shard else {}),
        }

    def _consume(
        self,
        pictures: Iterator[PictureRecord],
        records: list[PictureRecord],
        about: Mapping[str, Any],
        count: int,
    ) -> int:
        """Journal and show the records as they come; returns the exit code if something ended it, else 0."""
        self.journal.begin(about, records)
        self.observer.begin(count, about)
        try:
            go_on()  # networks were opened, by libraries that may have swallowed it
            for record in pictures:
                self.journal.add(record)
                records.append(record)
                self.observer.picture(record)
                go_on()
        except KeyboardInterrupt as interrupt:
            return exit_code(interrupt)
        finally:
            self.observer.end()
        return 0

    def _ended(
        self,
        records: Sequence[PictureRecord],
        about: Mapping[str, Any],
        workers: int,
        seconds: float,
        stopped: int,
    ) -> Outcome:
        """Take away what an earlier run wrote under names that are to be hidden, and write the manifest."""
        planned = self.planned
        for old in planned.withdrawn:
            with suppress(OSError):
                old.unlink()
        others = _others(planned, records)
        written = write_manifest(
            planned.manifest,
            {
                **about,
                "command": list(self.command),
                "workers": workers,
                "interrupted": stopped != 0,
                "skipped": [{"source": one.name, "reason": one.reason} for one in planned.skipped],
                "ignored": len(planned.ignored),
                "other_files_in_output": {"count": len(others), "first": others[:_NAMED]},
            },
            records,
            seconds,
        )
        if not stopped:
            self.journal.remove()
        return Outcome(
            tuple(records),
            planned.ignored,
            planned.skipped,
            others,
            written["summary"],
            about,
            planned.manifest,
            stopped,
        )


def _others(planned: Plan, records: Sequence[PictureRecord]) -> tuple[str, ...]:
    """Files in the output folder that this run did not release, in the order of their names."""
    if planned.folder is None:
        return ()
    released = {record.output for record in records} | {job.output for job in planned.elsewhere}
    names = [name for name in files_in(planned.folder) if name not in released]
    if planned.elsewhere:  # other shards are at work
        names = [name for name in names if not name.rpartition("/")[2].startswith(PARTIAL)]
    return tuple(sorted(names))


def _todo(tasks: Sequence[Task], records: Sequence[PictureRecord]) -> list[Task]:
    done = {record.source for record in records}
    return [task for task in tasks if task.job.name not in done]


def _dry(tasks: Sequence[Task], planned: Plan, options: Options, observer: Observer) -> Outcome:
    """Read every picture and find its faces; write nothing."""
    begun = time.perf_counter()
    records = []
    with Deidentifier(options) as deidentifier:
        about = {"tool": f"epdcli {version('epdcli')}", **deidentifier.description()}
        observer.begin(len(tasks), about)
        for task in tasks:
            records.append(deidentifier.look(task.job.source, task.job.name, task.given))
            observer.picture(records[-1])
        observer.end()
    counts = summary(records, time.perf_counter() - begun)
    return Outcome(tuple(records), planned.ignored, planned.skipped, (), counts, about, None)
