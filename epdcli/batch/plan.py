"""Which files go where: every name is planned, and every clash refused, before the first write."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epdcli import pictures
from epdcli.batch.listing import Listing, Skipped, listing_of
from epdcli.batch.manifest import outputs_of
from epdcli.batch.renaming import Names
from epdcli.batch.shards import Shard
from epdcli.errors import UsageError
from epdcli.files import FileId, identity, refuse_addresses, sha256_of

_AS_THEY_ARE = Names()
_ELSEWHERE = "Choose another folder."


@dataclass(frozen=True)
class Job:
    """One picture: its file, its target, the relative name that codes and the manifest go by, the target's
    path in the output folder, and which file lay at the target when the run was planned."""

    source: Path
    target: Path
    name: str
    output: str
    replaces: FileId | None = None


@dataclass(frozen=True)
class Plan:
    """`jobs` in the order of their outputs' names; `ignored` files show nothing, `skipped` ones may, and are
    not de-identified. `folder` is where outputs go, None for a single file; `withdrawn` are outputs of an
    earlier run under names that are to be hidden. Of a shard all this is its own part;
    `elsewhere` are the other shards' jobs."""

    jobs: tuple[Job, ...]
    ignored: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    manifest: Path
    names: Names
    folder: Path | None
    withdrawn: tuple[Path, ...] = ()
    elsewhere: tuple[Job, ...] = ()


def manifest_of(output: Path, shard: Shard | None = None) -> Path:
    """Where the record of a run lies unless it is told otherwise: beside the output, not in it."""
    whole = output if output.name not in ("", "..") else output.resolve()
    if not whole.name:
        raise UsageError(
            f"Beside {output} there is no place for the record of the run.", hint="Name one with --manifest."
        )
    part = f".{shard.number}-of-{shard.of}" if shard else ""
    return whole.with_name(f"{whole.name}.manifest{part}.json")


def plan(
    inputs: Sequence[Path],
    output: Path,
    *,
    overwrite: bool,
    manifest: Path | None = None,
    names: Names = _AS_THEY_ARE,
    ignore: Sequence[str] = (),
    earlier: Mapping[str, Any] | None = None,
    shard: Shard | None = None,
) -> Plan:
    """Plan a run of files and folders (recursive, tree mirrored) into `output`, under new `names` if asked.

    A single file may go to a single file: then `output` has a file's suffix and is no folder. `earlier` is
    the manifest of an earlier run, where there is one: if that wrote no picture it may be replaced. Of a
    `shard` only its own pictures are planned, once the names of all have been checked.

    Raises UsageError when an input is missing, nothing is to be done, the output lies in an input folder or
    the reverse (also by links, mounts and names that differ in case only), two sources would share a target,
    a target exists and `overwrite` is false, or a single file whose output is named shall be renamed or
    divided.
    """
    refuse_addresses(output, *([manifest] if manifest else []))
    found = listing_of(inputs, ignore)
    to_file = len(inputs) == 1 and inputs[0].is_file() and not output.is_dir() and output.suffix != ""
    if to_file:
        _check_single(inputs[0], output, names, shard)
        jobs = [Job(inputs[0], output, inputs[0].name, output.name, identity(output))]
    else:
        if output.exists() and not output.is_dir():
            raise UsageError(f"{output} is a file, not a folder.", hint=_ELSEWHERE)
        jobs = list(_jobs(found, output, names))
    if not jobs:
        what = f"; {found.skipped[0].name}: {found.skipped[0].reason}" if found.skipped else ""
        raise UsageError(
            f"No picture found in {', '.join(map(str, inputs))}{what}.",
            hint=f"Pictures end in {', '.join(sorted(pictures.SUFFIXES))}.",
        )
    where = manifest or manifest_of(output, shard)
    _refuse_clashes(jobs)
    _refuse_sources(jobs, found, inputs, output, to_file)
    is_ours = shard.holds if shard else lambda name: True
    elsewhere = tuple(job for job in jobs if not is_ours(job.name))
    jobs = [job for job in jobs if is_ours(job.name)]
    _refuse_as_manifest(where, jobs, None if to_file else output)
    if not overwrite:
        record = [] if earlier is not None and _wrote_nothing(earlier) else [where]
        refuse_existing([*(job.target for job in jobs), *record])
    return Plan(
        tuple(jobs),
        tuple(sorted(filter(is_ours, found.ignored))),
        tuple(one for one in found.skipped if is_ours(one.name)),
        where,
        names,
        None if to_file else output,
        () if names.key is None else tuple(_old_names(jobs, earlier or {}, output)),
        elsewhere,
    )


def _check_single(source: Path, output: Path, names: Names, shard: Shard | None) -> None:
    if shard:
        raise UsageError("A single file has no parts.", hint="Leave out --shard.")
    if names.key is not None:
        raise UsageError(
            f"{output} names the output itself, so nothing is left to rename.",
            hint="Give a folder as output, or leave out --rename.",
        )
    if output.suffix.lower() != source.suffix.lower():
        raise UsageError(
            f"{output} has another format than {source}.",
            hint=f"Formats are kept: name the output with {source.suffix}, or name a folder.",
        )


def _jobs(found: Listing, output: Path, names: Names) -> Iterator[Job]:
    """In the order of the outputs' names: the times of the files then say nothing about hidden ones."""
    for source, name in sorted(found.pictures, key=lambda picture: names(picture[1])):
        target = output / names(name)
        yield Job(source, target, name, names(name), identity(target))


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


def _refuse_sources(
    jobs: Sequence[Job], found: Listing, inputs: Sequence[Path], output: Path, to_file: bool
) -> None:
    """No target may be a source's file, and no output folder one that was looked into, by whatever name."""
    for folder in dict.fromkeys(job.target.parent for job in jobs):
        whole = folder.resolve()
        if any(identity(one) in found.folders for one in (whole, *whole.parents)):
            within = ", ".join(map(str, inputs[:3]))
            raise UsageError(f"The output {folder} lies inside the input {within}.", hint=_ELSEWHERE)
    here = identity(output)
    for given in () if to_file or here is None else inputs:
        whole = given.resolve()
        if here in map(identity, (whole, *whole.parents)):
            raise UsageError(f"The input {given} lies inside the output {output}.", hint=_ELSEWHERE)
    sources = {one: job.source for job in jobs if (one := identity(job.source)) is not None}
    for job in jobs:
        if job.replaces in sources:
            raise UsageError(
                f"{job.target} is the same file as the source {sources[job.replaces]}.",
                hint="Sources are never changed: choose another output.",
            )


def _refuse_as_manifest(where: Path, jobs: Sequence[Job], folder: Path | None) -> None:
    """The record of a run is confidential: it may be nothing that is released, and replace no picture."""
    there, whole = identity(where), where.resolve()
    for job in jobs:
        if there is not None and there in (identity(job.source), job.replaces):
            raise UsageError(f"The manifest {where} would replace a picture.", hint="Choose another file.")
        if whole == job.target.resolve():
            raise UsageError(f"The manifest {where} is where a picture goes.", hint="Choose another file.")
    if folder is not None and whole.is_relative_to(folder.resolve()):
        raise UsageError(
            f"The manifest {where} lies inside the output {folder}, and is not for release.",
            hint="Choose a place outside of it.",
        )
    if where.is_dir():
        raise UsageError(f"The manifest {where} is a folder.", hint="Name a file.")


def refuse_existing(targets: Sequence[Path]) -> None:
    """Raise UsageError where something lies under one of these names already."""
    existing = [target for target in targets if os.path.lexists(target)]
    if existing:
        more = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise UsageError(
            f"{existing[0]}{more} already exist{'s' if not more else ''}.",
            hint="Choose another output, or allow it with --overwrite.",
        )


def _wrote_nothing(manifest: Mapping[str, Any]) -> bool:
    return "manifest_version" in manifest and not outputs_of(manifest)


def _old_names(jobs: Sequence[Job], earlier: Mapping[str, Any], output: Path) -> Iterator[Path]:
    """Files in the output under the names that new ones are to hide: an earlier run's, as it left them.
    Raises UsageError for any other file there."""
    ours = outputs_of(earlier)
    for job in jobs:
        old = output / job.name
        if job.name == job.output or not os.path.lexists(old):
            continue
        if not old.is_file() or old.is_symlink() or ours.get(job.name) != sha256_of(old):
            raise UsageError(
                f"{old} lies in the output under a name that --rename hash is to hide.",
                hint="Take it away, or choose another output.",
            )
        yield old
