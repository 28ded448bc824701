"""Which files go where: every name is planned, and every clash refused, before the first write."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from epdcli import pictures
from epdcli.batch.renaming import Names
from epdcli.errors import UsageError
from epdcli.files import PARTIAL

_AS_THEY_ARE = Names()


@dataclass(frozen=True)
class Job:
    """One picture: its file, its target, the relative name that codes and the manifest go by, and the
    target's path in the output folder."""

    source: Path
    target: Path
    name: str
    output: str


@dataclass(frozen=True)
class Plan:
    """`jobs` in the order of their names; `ignored` files are no pictures by their suffix."""

    jobs: tuple[Job, ...]
    ignored: tuple[str, ...]
    manifest: Path


def manifest_of(output: Path) -> Path:
    """Where the record of a run lies unless it is told otherwise: beside the output, not in it."""
    return output.with_name(output.name + ".manifest.json")


def plan(
    inputs: Sequence[Path],
    output: Path,
    *,
    overwrite: bool,
    manifest: Path | None = None,
    names: Names = _AS_THEY_ARE,
) -> Plan:
    """Plan a run of files and folders (recursive, tree mirrored) into `output`, under new `names` if asked.

    A single file may go to a single file: then `output` has a picture's suffix and is no folder. Raises
    UsageError when an input is missing, nothing is to be done, the output lies in an input folder or the
    reverse, two sources would share a target, a target exists and `overwrite` is false, or a single file
    whose output is named shall be renamed.
    """
    for path in inputs:
        if not path.exists():
            raise UsageError(f"{path} does not exist.", hint="Check the name.")
    to_file = (
        len(inputs) == 1 and inputs[0].is_file() and not output.is_dir() and _is_picture(Path(output.name))
    )
    if to_file:
        jobs, ignored = [Job(inputs[0], output, inputs[0].name, output.name)], list[str]()
        if names.key is not None:
            raise UsageError(
                f"{output} names the output itself, so nothing is left to rename.",
                hint="Give a folder as output, or leave out --rename.",
            )
        if output.suffix.lower() != inputs[0].suffix.lower():
            raise UsageError(
                f"{output} has another format than {inputs[0]}.",
                hint=f"Formats are kept: name the output with {inputs[0].suffix}.",
            )
    else:
        jobs, ignored = _listed(inputs, output, names)
    if not jobs:
        raise UsageError(
            f"No picture found in {', '.join(map(str, inputs))}.",
            hint=f"Pictures end in {', '.join(sorted(pictures.SUFFIXES))}.",
        )
    jobs.sort(key=lambda job: job.name)
    where = manifest or manifest_of(output)
    _refuse_nesting(inputs, output)
    _refuse_clashes(jobs)
    if not overwrite:
        _refuse_overwriting([*(job.target for job in jobs), where])
    return Plan(tuple(jobs), tuple(sorted(ignored)), where)


def pictures_in(path: Path) -> Iterator[Path]:
    """The files in a file or folder, in the order of their names; links to folders are not followed."""
    if path.is_file():
        yield path
        return
    for folder, subfolders, names in os.walk(path, followlinks=False):
        subfolders.sort()
        for name in sorted(names):
            yield Path(folder, name)


def listed(inputs: Sequence[Path]) -> list[tuple[Path, str]]:
    """Pictures in files and folders with their relative names. Raises UsageError when one is missing."""
    for path in inputs:
        if not path.exists():
            raise UsageError(f"{path} does not exist.", hint="Check the name.")
    jobs, _ = _listed(inputs, Path(), _AS_THEY_ARE)
    return [(job.source, job.name) for job in jobs]


def _listed(inputs: Sequence[Path], output: Path, names: Names) -> tuple[list[Job], list[str]]:
    jobs, ignored = [], []
    for given in inputs:
        root = given if given.is_dir() else given.parent
        for source in pictures_in(given):
            name = source.relative_to(root).as_posix()
            # A file named by the user is tried whatever its name, and refused with a reason if need be.
            if _is_picture(source) or given.is_file():
                target = names(name)
                jobs.append(Job(source, output / target, name, target))
            else:
                ignored.append(name)
    return jobs, ignored


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in pictures.SUFFIXES and not path.name.startswith(("._", PARTIAL))


def _refuse_nesting(inputs: Sequence[Path], output: Path) -> None:
    target = output.resolve()
    for given in inputs:
        source = given.resolve()
        if source.is_dir() and target.is_relative_to(source):
            raise UsageError(
                f"The output {output} lies inside the input {given}.", hint="Choose another folder."
            )
        if target == source or (target.is_dir() and source.is_relative_to(target)):
            raise UsageError(
                f"The input {given} lies inside the output {output}.", hint="Choose another folder."
            )


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    sources: dict[str, list[Path]] = defaultdict(list)
    for job in jobs:
        # Folders may be shared with systems that take a.jpg and A.JPG for one name.
        sources[str(job.target).casefold()].append(job.source)
    for target, several in sources.items():
        if len(several) > 1:
            raise UsageError(
                f"{' and '.join(map(str, several[:3]))} would all be written to {target}.",
                hint="Rename one, or run them into separate output folders.",
            )


def _refuse_overwriting(targets: Sequence[Path]) -> None:
    existing = [target for target in targets if os.path.lexists(target)]
    if existing:
        more = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise UsageError(
            f"{existing[0]}{more} already exist{'s' if not more else ''}.",
            hint="Choose another output, or allow it with --overwrite.",
        )
