"""What lies in the inputs: pictures, files that show nothing, and what is skipped, which is always said."""

from __future__ import annotations

import mmap
import os
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from epdcli import pictures
from epdcli.errors import UsageError
from epdcli.files import PARTIAL, FileId, identity, refuse_addresses

_VIDEOS = {
    ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".webm",
    ".wmv",
}  # fmt: skip
# Files that may show a picture and are plain text, or are known well enough to be named without a look.
_MAY_SHOW = _VIDEOS | {
    ".ai", ".eml", ".eps", ".fodg", ".fodp", ".fodt", ".heics", ".ipynb", ".jxl", ".mht", ".mhtml", ".pdf",
    ".ps", ".psd", ".rtf", ".svg", ".vcf", ".xbm", ".xpm",
}  # fmt: skip
# Pictures in plain text: in HTML and CSS, in mails, drawings, PostScript, X pixmaps, plain portable maps.
_SHOWN_IN_TEXT = re.compile(rb"data:image/|<svg[\s>]|content-type:\s*image/|\A%!PS|/\* XPM|\AP[123]\s", re.I)
_JUNK = {".ds_store", "desktop.ini", "thumbs.db"}
_APPLE_DOUBLE = b"\0\5\26\7"  # what macOS writes beside a file on other systems' disks, as ._NAME
_HEAD = 4096  # bytes
_UNREAD = b"\0"  # stands for what can't be read: it is no text
_LINK = ("a link to a folder, which is not followed", "Name its folder, or leave it out with --ignore.")
_OTHER = (
    "not a kind of file that can be read",
    "Convert it to a picture, or leave it out with --ignore.",
)
_VIDEO = ("a video, which can't be read", f"{pictures.FROM_VIDEO}, or leave it out with --ignore.")


@dataclass(frozen=True)
class Skipped:
    """Something in the inputs that may show people and is not looked at: its path there, why, and what to
    do."""

    name: str
    reason: str
    hint: str


@dataclass
class Listing:
    """`pictures` as (file, path in its input), `ignored` files that show nothing, what was `skipped`, and the
    `folders` that were looked into."""

    pictures: list[tuple[Path, str]] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    folders: set[FileId] = field(default_factory=set)


def listing_of(inputs: Sequence[Path], ignore: Sequence[str] = ()) -> Listing:
    """Everything in files and folders (with all their subfolders; links to folders are not followed).

    A path that matches one of the patterns `ignore`, or lies in a folder that does, is left out. A file that
    is named itself is tried whatever it is called. Raises UsageError when an input is missing, or nothing can
    be said of it.
    """
    refuse_addresses(*inputs)
    found = Listing()
    for given in inputs:
        if _is_folder(given):
            _walk(given, ignore, found)
        else:
            found.pictures.append((given, given.name))
    found.pictures.sort(key=lambda picture: picture[1])
    return found


def listed(inputs: Sequence[Path]) -> list[tuple[Path, str]]:
    """Pictures in files and folders with their relative names. Raises UsageError when one is missing."""
    return listing_of(inputs).pictures


def refuse_equal_names(found: Listing) -> None:
    """Raise UsageError where two pictures of several inputs have one name: answers would be mixed up."""
    by_name: dict[str, Path] = {}
    for path, name in found.pictures:
        if name in by_name:
            raise UsageError(
                f"{by_name[name]} and {path} have the same name, {name}.",
                hint="Rename one, or give the folder above both.",
            )
        by_name[name] = path


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its name."""
    return path.suffix.lower() in pictures.SUFFIXES and not path.name.startswith(PARTIAL)


def _is_folder(given: Path) -> bool:
    try:
        return stat.S_ISDIR(given.stat().st_mode)
    except FileNotFoundError as error:
        raise UsageError(f"{given} does not exist.", hint="Check the name.") from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"{given} can't be looked at: {why}.", hint="Check the name and its folder."
        ) from error


def _walk(root: Path, ignore: Sequence[str], found: Listing) -> None:
    def unreadable(error: OSError) -> None:
        name = Path(error.filename).relative_to(root).as_posix()
        if not is_ignored(name, ignore):
            why = f"the folder can't be listed ({error.strerror})"
            found.skipped.append(Skipped(f"{name}/", why, "Check its permissions."))

    for folder, subfolders, names in os.walk(root, onerror=unreadable, followlinks=False):
        if (here := identity(Path(folder))) is not None:
            found.folders.add(here)
        kept = []
        for name in sorted(subfolders):
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            if is_ignored(relative, ignore):
                continue
            if _is_link(path):
                found.skipped.append(Skipped(f"{relative}/", *_LINK))
            else:
                kept.append(name)
        subfolders[:] = kept
        for name in sorted(names):
            _sort_in(Path(folder, name), root, ignore, found)


def _is_link(path: Path) -> bool:
    """Whether a folder is a link. One of which nothing can be said is tried, and then named."""
    with suppress(OSError):
        return path.is_symlink()
    return False


def _sort_in(path: Path, root: Path, ignore: Sequence[str], found: Listing) -> None:
    name = path.relative_to(root).as_posix()
    if is_ignored(name, ignore):
        return
    if _is_junk(path):
        found.ignored.append(name)
    elif is_picture(path):
        found.pictures.append((path, name))
    elif _shows_nothing(path):
        found.ignored.append(name)
    else:
        found.skipped.append(Skipped(name, *(_VIDEO if path.suffix.lower() in _VIDEOS else _OTHER)))


def is_ignored(name: str, patterns: Sequence[str]) -> bool:
    """Whether a relative path, its last part, or a folder on the way to it matches a pattern."""
    parts = name.split("/")
    ways = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    return any(fnmatch(one, pattern.rstrip("/")) for pattern in patterns for one in (*ways, *parts))


def _is_junk(path: Path) -> bool:
    """Whether a file is what systems leave lying about."""
    if path.name.lower() in _JUNK or path.name.startswith(PARTIAL):
        return True
    return path.name.startswith("._") and _head(path).startswith(_APPLE_DOUBLE)


def _shows_nothing(path: Path) -> bool:
    """Whether a file is empty, or plain text without a picture. Any other may show people."""
    head = _head(path)
    if path.suffix.lower() in _MAY_SHOW or b"\0" in head or not _is_text(head):
        return False
    with suppress(OSError), path.open("rb") as file:
        return not head or not _SHOWN_IN_TEXT.search(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return False


def _head(path: Path) -> bytes:
    """The first bytes of an ordinary file; of anything else, or where it can't be read, _UNREAD."""
    try:
        if not path.is_file():
            return _UNREAD
        with path.open("rb") as file:
            return file.read(_HEAD)
    except OSError:
        return _UNREAD


def _is_text(head: bytes) -> bool:
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return len(head) == _HEAD and error.start > _HEAD - 4  # a character cut in two
    return True
