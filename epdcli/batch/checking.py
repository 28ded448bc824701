"""Is an output still what its run released, and nothing else? What `epd manifest check` asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epdcli.batch.manifest import outputs_of
from epdcli.files import files_in, sha256_of


@dataclass(frozen=True)
class Flaw:
    """A file of an output folder, by its relative path, and what is wrong with it."""

    name: str
    problem: str


def flaws_of(output: Path, manifest: Mapping[str, Any]) -> Iterator[Flaw]:
    """What differs between an output, a folder or the one file of a run, and what its manifest says.

    Each file that was released must be there, an ordinary file with the bytes that were verified, and in a
    folder there may be no other.
    """
    released = outputs_of(manifest)
    folder = output if output.is_dir() else output.parent
    for name, sha256 in sorted(released.items()):
        problem = _problem(folder / name, sha256)
        if problem:
            yield Flaw(name, problem)
    if output.is_dir():
        for name in sorted(files_in(output)):
            if name not in released:
                yield Flaw(name, "no file that the run released")


def _problem(path: Path, sha256: Any) -> str:
    try:
        if path.is_symlink() or not path.is_file():
            return "a link, not a file" if path.is_symlink() else "missing"
        return "" if sha256_of(path) == sha256 else "not the bytes that were verified"
    except OSError as error:
        return f"can't be read ({error.strerror or error})"
