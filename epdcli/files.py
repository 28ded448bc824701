"""Files written whole or not at all: checked first, then beside their name, flushed, read back, renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias
from uuid import uuid4

from epdcli.errors import UsageError

PARTIAL = ".epd-partial-"  # what an unfinished file's name begins with
_NO_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}  # some FUSE file systems
_OTHERS = 0o066  # the permissions of everybody but the owner

# An address as a path has it, in which two slashes are one. One letter before the colon is a drive's.
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.I)

FileId: TypeAlias = tuple[int, int]  # device and inode: the same file under whatever name, link or mount


def identity(path: Path) -> FileId | None:
    """Which file or folder a path leads to; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found.st_ino else None


def refuse_addresses(*paths: Path) -> None:
    """Raise UsageError for s3://bucket/folder and its like: they are no folders here."""
    for path in paths:
        address = _ADDRESS.fullmatch(str(path))
        if address and not Path(path.parts[0]).exists():
            raise UsageError(
                f"{address[1]}://{address[2]} is an address, not a file or a folder of this machine.",
                hint="Copy what it holds here, or mount it, and name that; so with the output.",
            )


def files_in(folder: Path) -> Iterator[str]:
    """The relative paths of all that lies in a folder and its subfolders and is no folder itself; of links to
    folders as well."""
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(folder).as_posix()


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


@contextmanager
def unverified(name: str) -> Iterator[Path]:
    """A path that ends in `name`, for a picture that nobody has verified yet.

    Its bytes lie in memory where the system can do that (Linux), and elsewhere in a private temporary folder:
    never where outputs are, under no name, whatever ends the process.
    """
    with TemporaryDirectory(prefix="epd-", ignore_cleanup_errors=True) as folder:
        path = Path(folder, name)
        open_files = Path(f"/proc/{os.getpid()}/fd")
        if not (hasattr(os, "memfd_create") and open_files.is_dir()):
            yield path
            return
        handle = os.memfd_create("epd-unverified")
        try:
            path.symlink_to(open_files / str(handle))
            yield path
        finally:
            os.close(handle)


def release(
    content: bytes, target: Path, source: Path, *, replaces: FileId | None, keep_times: bool = False
) -> None:
    """Give verified bytes the name `target`: written beside it, flushed, read back and renamed.

    The file is no more readable for others than `source` is, and has its times if asked. At `target` there
    may be nothing, or the one file that it `replaces`: whatever else turned up there stays, and so does a
    source, under whatever link or mount. Raises OSError (FileExistsError in that case); then nothing is left.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{PARTIAL}{_tail(target)}-{uuid4().hex}")
    try:
        _write(beside, content, 0o600 | (source.stat().st_mode & _OTHERS))
        if beside.read_bytes() != content:
            raise OSError(errno.EIO, "what was written reads back differently", str(target))
        if keep_times:
            copy_times(source, beside)
        there = identity(target)
        if there == identity(source) or _is_in_one_folder(beside, target, source):
            raise FileExistsError(errno.EEXIST, "it is the source itself", str(target))
        if there is not None and there != replaces:
            raise FileExistsError(errno.EEXIST, "another file has turned up there", str(target))
        rename(beside, target)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _is_in_one_folder(beside: Path, target: Path, source: Path) -> bool:
    """Whether a target is its source, in a folder that is mounted twice (a share and the disk behind it):
    then devices and inodes differ, but what was just written beside the one lies beside the other."""
    same_name = target.name.casefold() == source.name.casefold()
    return same_name and os.path.lexists(source.with_name(beside.name))


def copy_times(source: Path, target: Path) -> None:
    """Give a file the time at which another was read and changed last, to the nanosecond where they can."""
    times = source.stat()
    os.utime(target, ns=(times.st_atime_ns, times.st_mtime_ns))


def write_text(path: Path, text: str, mode: int = 0o666) -> None:
    """Write a text file (UTF-8) beside its name and rename it; makes the folder if need be."""
    write_bytes(path, text.encode("utf-8", "surrogateescape"), mode)


def write_bytes(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file beside its name and rename it; makes the folder if need be. `mode`: its permissions, less
    what the process's mask takes away."""
    refuse_addresses(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{PARTIAL}{_tail(path)}-{uuid4().hex}")
    try:
        _write(beside, content, mode)
        rename(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def unfinished(paths: Iterable[Path]) -> Iterator[Path]:
    """What killed processes left of their attempts to write these files, and no others."""
    tails: dict[Path, set[str]] = {}
    for path in paths:
        tails.setdefault(path.parent, set()).add(_tail(path))
    for folder, own in tails.items():
        for found in folder.glob(f"{PARTIAL}*"):
            if found.name.removeprefix(PARTIAL).partition("-")[0] in own:
                yield found


def flush(handle: int) -> None:
    """Bring a file's bytes to the disk, where its file system can."""
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def _tail(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]


def _write(path: Path, content: bytes, mode: int) -> None:
    """A new file; nothing that was there is opened, not even through a link."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        flush(file.fileno())


def rename(finished: Path, target: Path) -> None:
    """Give a finished file its name, and make that last through a power cut where the system can."""
    finished.replace(target)
    with suppress(OSError):
        handle = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
