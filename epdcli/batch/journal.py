"""What a run has done so far, line by line, so that a killed one can go on; and its lock."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import lock_descriptor

from epdcli.batch.manifest import PRIVATE, differing, record_as_json, record_from_json
from epdcli.batch.plan import Job, Plan
from epdcli.errors import UsageError
from epdcli.files import flush, sha256_of, unfinished, writing
from epdcli.model import PictureRecord, Verdict


class Journal:
    """A JSON line for the run and one for each picture, in `MANIFEST.journal` beside the manifest.

    Holds the run's lock while it is open: a second run with this manifest is refused, and the lock dies with
    its process. `note` says so, in a sentence, where the file system has no locks. Raises UsageError when
    another run holds it, and whenever it can't be written.
    """

    def __init__(self, manifest: Path) -> None:
        self.path = manifest.with_name(manifest.name + ".journal")
        self.note = ""
        self._kept = 0  # bytes of an earlier run's lines that this one goes on behind
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE)
            self._file = os.fdopen(handle, "a+", encoding="utf-8", errors="surrogateescape")
        if not (self._locked() and _is_there(self._file.fileno(), self.path)):
            self._file.close()
            raise UsageError(
                f"Another run is writing what {manifest} describes.",
                hint="Wait for it to end, or choose another output.",
            )

    def _locked(self) -> bool:
        """Take an exclusive lock that the system releases when the process ends, however it ends."""
        try:
            return lock_descriptor(self._file.fileno(), blocking=False)
        except OSError as error:  # Lustre without -o flock, some NFS and FUSE
            self.note = f"{self.path.parent} has no locks ({error.strerror}): start no second run into it."
            return True

    def done(self, run: Mapping[str, Any], plan: Plan) -> list[PictureRecord]:
        """Records of an earlier, interrupted run that need no second look: settings and source are the same,
        and the output is there, byte for byte, or was withheld. Raises UsageError for other settings."""
        self._file.seek(0)
        text, _, _ = self._file.read().rpartition("\n")  # what follows is half a line of a killed run
        lines = [_parsed(line) for line in text.split("\n")]
        if lines[0] is None:
            return []
        if other := differing(lines[0], run):
            raise UsageError(
                f"The interrupted run in {self.path} had other settings: {other}.",
                hint="Repeat them, or remove that file to begin anew.",
            )
        self._kept = len(f"{text}\n".encode("utf-8", "surrogateescape"))
        return still_done((line or {} for line in lines[1:]), plan)

    def begin(self, run: Mapping[str, Any], records: Sequence[PictureRecord] = ()) -> None:
        """Go on behind the lines that `done` read, or start anew with the run's settings and these records.

        What is written down stays: a run that is killed here has forgotten nothing.
        """
        with writing(self.path):
            self._file.truncate(self._kept)
        if not self._kept:
            self._write(run)
            for record in records:
                self.add(record)

    def add(self, record: PictureRecord) -> None:
        """Write down one picture; it is on the disk when this returns."""
        self._write(record_as_json(record))

    def remove(self) -> None:
        """Forget the journal: the manifest is written."""
        self.path.unlink(missing_ok=True)

    def _write(self, content: Mapping[str, Any]) -> None:
        with writing(self.path):
            self._file.write(json.dumps(content, ensure_ascii=False) + "\n")
            self._file.flush()
            flush(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if os.fstat(self._file.fileno()).st_size == 0:  # refused before it began: nothing to go on with
            self.remove()
        self._file.close()


def earlier_run(manifest: Path) -> Mapping[str, Any] | None:
    """What an interrupted run's journal, or else a finished one's manifest, says of its settings."""
    journal = manifest.with_name(manifest.name + ".journal")
    with suppress(OSError):
        text = journal.read_text(encoding="utf-8", errors="surrogateescape")
        if (content := _parsed(text.partition("\n")[0])) is not None:
            return content
    return finished_run(manifest)


def finished_run(manifest: Path) -> Mapping[str, Any] | None:
    """The manifest of a run that came to its end; None where none can be read."""
    with suppress(OSError):
        return _parsed(manifest.read_text(encoding="utf-8", errors="surrogateescape"))
    return None


def still_done(lines: Iterable[Any], plan: Plan) -> list[PictureRecord]:
    """Those records, as JSON, of which source and output are there and what they were."""
    jobs = {job.name: job for job in plan.jobs}
    records = {}
    for line in lines:
        with suppress(KeyError, TypeError, ValueError, OSError):
            record = record_from_json(line)
            if record.source in jobs and _still_there(record, jobs[record.source]):
                records[record.source] = record
    return list(records.values())


def remove_partial_files(plan: Plan) -> None:
    """Remove what a killed run left half-written of this run's outputs and of its manifest, and nothing of
    others. Only under the journal's lock. Raises UsageError when it can't be removed."""
    for leftover in unfinished([*(job.target for job in plan.jobs), plan.manifest]):
        with writing(leftover.parent):
            leftover.unlink(missing_ok=True)


def _is_there(handle: int, path: Path) -> bool:
    """Whether an open file still has its name: a run that ends removes its journal before it lets go."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def _parsed(line: str) -> dict[str, Any] | None:
    """A line as JSON; None for the half-written last line of a killed run."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _still_there(record: PictureRecord, job: Job) -> bool:
    if record.verdict is Verdict.FAILED or record.source_sha256 != sha256_of(job.source):
        return False  # failures are worth another try
    if record.output is None:
        return True
    return record.output == job.output and sha256_of(job.target) == record.sha256
