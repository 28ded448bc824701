"""Feed pictures to `Deidentifier.file`, in this process or in several, whatever happens to one of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Event
from types import TracebackType
from typing import Self, TypeVar

import cv2

from epdcli.batch.plan import Job
from epdcli.batch.stopping import unstoppable
from epdcli.deidentifier import Deidentifier, Options
from epdcli.errors import SetupError
from epdcli.faces.method import Prepared
from epdcli.files import identity
from epdcli.model import AlignedFace, Face, PictureRecord, Verdict
from epdcli.wording import MORE_MEMORY

Result = TypeVar("Result")

_NO_ROOM = "A worker process died, or found no memory, while it opened the networks."
_LESS = "Close other programs, or lower --jobs; with --jobs 1 there is no further process."
_GRACE = 1.0  # seconds that pictures under way have to be finished when a run is stopped
_QUEUED = 2  # pictures waiting for each worker: enough to keep it busy, few enough to stay small


@dataclass(frozen=True)
class Task:
    """A job and, if somebody found its faces before, those."""

    job: Job
    given: Sequence[Sequence[Face]] | None = None


def default_workers(tasks: int) -> int:
    """One worker a core, but none for fewer than four pictures each: a worker takes seconds to start."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, tasks // 4)) if has_shared_memory() else 1


def has_shared_memory() -> bool:
    """Whether processes can share locks here: not in a container without /dev/shm."""
    try:
        with unstoppable():  # the process that looks after locks starts with the first one
            multiprocessing.get_context("spawn").Lock()
    except OSError:
        return False
    return True


def run_here(tasks: Sequence[Task], deidentifier: Deidentifier) -> Iterator[PictureRecord]:
    """Process the tasks one after the other in this process; yields each picture's record."""
    for task in tasks:
        yield _one(deidentifier, task)


def align_here(tasks: Sequence[Task], deidentifier: Deidentifier) -> list[AlignedFace]:
    """The faces of all tasks' pictures as the method will see them, in the tasks' order."""
    return [face for task in tasks for face in _faces_of(deidentifier, task)]


class Workers:
    """Processes that each open networks of their own, once. Close them, or use this as a context.

    `prepared` is what a method made of all pictures, see `Deidentifier`.
    """

    def __init__(self, options: Options, count: int, prepared: Prepared | None = None) -> None:
        self._options = replace(options, threads=1)
        self._count = count
        self._prepared = prepared
        with unstoppable():
            self._stop = multiprocessing.get_context("spawn").Event()
        self._pool = _pool(count, prepared, self._stop)

    def description(self) -> Mapping[str, object]:
        """What the manifest says of the run, asked of them, so that this process stays small.

        All begin to open their networks; the first that is ready answers. Raises SetupError when one dies
        before: the others would, too.
        """
        try:
            asked = [self._submit(_describe) for _ in range(self._count)]
            return next(as_completed(asked)).result()
        except BrokenProcessPool as error:
            raise SetupError(_NO_ROOM, hint=_LESS) from error

    def records(self, tasks: Sequence[Task]) -> Iterator[PictureRecord]:
        """De-identify the tasks' pictures; yields their records as they finish."""
        return self._each(_work, _died, tasks)

    def aligned(self, tasks: Sequence[Task]) -> list[AlignedFace]:
        """What `align_here` returns."""
        found = dict(self._each(_align, _unseen, tasks))
        return [face for task in tasks for face in found[task.job.name]]

    def _each(
        self, work: Callable[[Options, Task], Result], died: Callable[[Task], Result], tasks: Sequence[Task]
    ) -> Iterator[Result]:
        """What `work` makes of each task, in the order in which they finish.

        A worker that dies (out of memory, a crash in a library) takes no other picture with it: the pictures
        that were under way are tried again one at a time, and for the one that kills its worker again `died`
        answers. On Ctrl-C the pictures that are finished within a second are yielded before KeyboardInterrupt
        goes on; the workers of the others end, which leaves nothing of them.
        """
        waiting = deque(tasks)
        suspects: deque[Task] = deque()
        while waiting or suspects:
            alone = not waiting
            queue = suspects if alone else waiting
            if alone:
                self._begin_again(workers=1)
            under_way: dict[Future[Result], Task] = {}
            try:
                while queue or under_way:
                    while queue and len(under_way) < (1 if alone else _QUEUED * self._count):
                        begun = self._submit(work, queue[0])
                        under_way[begun] = queue.popleft()  # only now: the pool may have been broken
                    for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                        result = future.result()
                        del under_way[future]
                        yield result
            except BrokenProcessPool:
                self._begin_again(self._count)
                if alone:
                    yield from map(died, under_way.values())
                else:
                    suspects.extend(map(_again, under_way.values()))
            except KeyboardInterrupt:
                self.stop()
                running = [future for future in under_way if not future.cancel()]
                wait(running, timeout=_GRACE)
                yield from (one.result() for one in running if one.done() and one.exception() is None)
                raise

    def _submit(self, work: Callable[..., Result], *arguments: object) -> Future[Result]:
        with unstoppable():  # the pool starts its processes here
            return self._pool.submit(work, self._options, *arguments)

    def stop(self) -> None:
        """Let the processes end, at the latest in a second, whatever they are at."""
        self._stop.set()

    def _begin_again(self, workers: int) -> None:
        self._pool.shutdown()
        self._pool = _pool(workers, self._prepared, self._stop)

    def close(self) -> None:
        """End the processes when they have done what they are at."""
        self._pool.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
            return
        # A signal may have come amid the start of a worker, of which the pool then doesn't know: that one
        # would wait for ever, and this process for it.
        self.stop()
        self.close()
        for child in multiprocessing.active_children():
            child.kill()


_worker: Deidentifier | None = None
_prepared: Prepared | None = None


def _pool(workers: int, prepared: Prepared | None, stop: Event) -> ProcessPoolExecutor:
    # "spawn": the runtimes' threads don't survive a fork. What a method prepared goes there once a process,
    # through a pipe: it may identify people, and a file would outlive a killed run.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, _start, (prepared, stop))


def _start(prepared: Prepared | None, stop: Event) -> None:
    global _prepared  # noqa: PLW0603  a worker process has one method for its life
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # the parent's to handle, also when a whole group is told
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    threading.Thread(target=_end_when_told, args=(stop,), daemon=True).start()
    cv2.setNumThreads(1)  # as the networks: a worker has one core
    _prepared = prepared


def _end_with_the_parent() -> None:
    """A worker whose run was killed must not go on writing: the lock died with the run, another may begin."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _end_when_told(stop: Event) -> None:
    """Nothing unverified is on the disk at any moment, so a worker may end at any moment."""
    stop.wait()
    time.sleep(_GRACE)
    os._exit(1)


def _opened(options: Options) -> Deidentifier:
    global _worker  # noqa: PLW0603  a worker process has one set of networks for its life
    if _worker is None:
        try:
            _worker = Deidentifier(options, _prepared)
        except MemoryError as error:
            raise SetupError(_NO_ROOM, hint=_LESS) from error
    return _worker


def _describe(options: Options) -> Mapping[str, object]:
    return _opened(options).description()


def _work(options: Options, task: Task) -> PictureRecord:
    return _one(_opened(options), task)


def _align(options: Options, task: Task) -> tuple[str, list[AlignedFace]]:
    return task.job.name, _faces_of(_opened(options), task)


def _faces_of(deidentifier: Deidentifier, task: Task) -> list[AlignedFace]:
    try:
        return deidentifier.aligned(task.job.source, task.given)
    except Exception:  # what is wrong with a picture is said when its turn comes
        return []


def _unseen(task: Task) -> tuple[str, list[AlignedFace]]:
    return task.job.name, []


def _one(deidentifier: Deidentifier, task: Task) -> PictureRecord:
    job = task.job
    record = deidentifier.file(job.source, job.target, job.name, task.given, replaces=job.replaces)
    if record.output:
        return replace(record, output=job.output)
    return _without_old_output(record, job)


def _without_old_output(record: PictureRecord, job: Job) -> PictureRecord:
    """What this run does not release may not lie there from an earlier one, nor as a copy of the original."""
    if job.replaces is None or identity(job.target) != job.replaces:
        return record
    try:
        job.target.unlink()
    except OSError as error:
        why = f"what lay at its place before can't be removed ({error.strerror}): remove it yourself"
        return replace(record, reason=f"{record.reason.rstrip('.')}; {why}.")
    return record


def _again(task: Task) -> Task:
    """A task whose worker died: what lies at its place now is its own."""
    return replace(task, job=replace(task.job, replaces=identity(task.job.target)))


def _died(task: Task) -> PictureRecord:
    reason = "its worker died twice, probably out of memory"
    record = PictureRecord(task.job.name, None, None, Verdict.FAILED, reason, seconds=0.0, hint=MORE_MEMORY)
    return _without_old_output(record, _again(task).job)
