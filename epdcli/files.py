"""Files written whole or not at all: beside their name, flushed, renamed."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

PARTIAL = ".epd-partial-"  # what an unfinished file's name begins with


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) beside its name and rename it; makes the folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(
        f"{PARTIAL}{os.getpid()}-{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}"
    )
    try:
        with beside.open("w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        release(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def release(partial: Path, target: Path) -> None:
    """Give a finished file its name, and make that last through a power cut where the system can."""
    partial.replace(target)
    with suppress(OSError):
        handle = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
