"""Files written whole or not at all: beside their name, flushed, renamed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from epdcli.errors import UsageError

PARTIAL = ".epd-partial-"  # what an unfinished file's name begins with


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Where the record of a run is written: what the system refuses becomes a UsageError."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"{path} can't be written: {error.strerror or error}.",
            hint="Check the space and the permissions of its folder, or choose another.",
        ) from error


def copy_times(source: Path, target: Path) -> None:
    """Give a file the time at which another was read and changed last, to the nanosecond where they can."""
    times = source.stat()
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) beside its name and rename it; makes the folder if need be."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file beside its name and rename it; makes the folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{PARTIAL}{os.getpid()}{_tail(path)}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        release(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def unfinished_texts(path: Path) -> Iterator[Path]:
    """What killed processes left of their attempts to write this text file."""
    return path.parent.glob(f"{PARTIAL}*{_tail(path)}")


def _tail(path: Path) -> str:
    return f"-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}"


def release(partial: Path, target: Path) -> None:
    """Give a finished file its name, and make that last through a power cut where the system can."""
    partial.replace(target)
    with suppress(OSError):
        handle = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
