"""What a run has done so far, line by line, so that a killed one can go on; and its lock."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from epdcli.batch.listing import Job, Plan
from epdcli.batch.manifest import record_as_json, record_from_json
from epdcli.errors import UsageError
from epdcli.files import PARTIAL, sha256_of, unfinished_texts, writing
from epdcli.model import PictureRecord


class Journal:
    """A JSON line for the run and one for each picture, in `MANIFEST.journal` beside the manifest.

    Holds the run's lock while it is open: a second run into the same output is refused, and the lock dies
    with its process. Raises UsageError when another run holds it, and whenever it can't be written.
    """

    def __init__(self, manifest: Path) -> None:
        self.path = manifest.with_name(manifest.name + ".journal")
        self._kept = 0  # bytes of an earlier run's lines that this one goes on behind
        with writing(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+", encoding="utf-8", errors="surrogateescape")
        if not (_locked(self._file.fileno()) and _is_there(self._file.fileno(), self.path)):
            self._file.close()
            raise UsageError(
                f"Another run is writing what {manifest} describes.",
                hint="Wait for it to end, or choose another output.",
            )

    def done(self, run: Mapping[str, Any], plan: Plan) -> list[PictureRecord]:
        """Records of an earlier, interrupted run that need no second look: the settings are the same and the
        output is there, byte for byte, or was withheld. Raises UsageError when the settings differ."""
        self._file.seek(0)
        text, _, _ = self._file.read().rpartition("\n")  # what follows is half a line of a killed run
        lines = [_parsed(line) for line in text.split("\n")]
        if lines[0] is None:
            return []
        if lines[0] != _as_read(run):
            raise UsageError(
                f"The interrupted run in {self.path} had other settings.",
                hint="Repeat them, or remove that file to begin anew.",
            )
        self._kept = len(f"{text}\n".encode("utf-8", "surrogateescape"))
        jobs = {job.name: job for job in plan.jobs}
        records = {}
        for line in lines[1:]:
            with suppress(KeyError, TypeError, ValueError):
                record = record_from_json(line or {})
                if record.source in jobs and _still_there(record, jobs[record.source]):
                    records[record.source] = record
        return list(records.values())

    def begin(self, run: Mapping[str, Any]) -> None:
        """Go on behind the lines that `done` read, or start anew with the run's settings.

        What is written down stays: a run that is killed here has forgotten nothing.
        """
        with writing(self.path):
            self._file.truncate(self._kept)
        if not self._kept:
            self._write(run)

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
            os.fsync(self._file.fileno())

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
    for path, whole in ((journal, False), (manifest, True)):
        with suppress(OSError):
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
            if (content := _parsed(text if whole else text.partition("\n")[0])) is not None:
                return content
    return None


def remove_partial_files(plan: Plan) -> None:
    """Remove what a killed run left half-written: in the output folders, and of the manifest. Only under the
    journal's lock. Raises UsageError when it can't be removed."""
    folders = {job.target.parent for job in plan.jobs}
    leftovers = [path for folder in folders for path in folder.glob(f"{PARTIAL}*")]
    for leftover in [*leftovers, *unfinished_texts(plan.manifest)]:
        with writing(leftover.parent):
            leftover.unlink(missing_ok=True)


def _locked(handle: int) -> bool:
    """Take an exclusive lock that the system releases when the process ends, however it ends."""
    try:
        import fcntl
    except ImportError:  # not a POSIX system: it has no such lock, so runs are the user's to keep apart
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


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


def _as_read(run: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(run))


def _still_there(record: PictureRecord, job: Job) -> bool:
    if record.output is None:
        return record.verdict != "failed"  # failures are worth another try
    return job.target.is_file() and sha256_of(job.target) == record.sha256
