"""A run in parts, on as many machines: which part a picture belongs to, and one record out of the parts'."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epdcli.batch.manifest import VERSION, differing, record_from_json
from epdcli.errors import UsageError
from epdcli.model import PictureRecord

# What the manifests of a run's shards say differently, or may: machines differ.
_OWN = {"shard", "command", "workers", "interrupted", "skipped", "ignored", "other_files_in_output"}
_OWN |= {"summary", "files", "device", "provider", "chosen"}


@dataclass(frozen=True)
class Shard:
    """Part `number` (from 1 on) of `of` parts of a run."""

    number: int
    of: int

    @classmethod
    def parse(cls, words: str) -> Shard:
        """A shard as `--shard` has it, 3/16. Raises UsageError."""
        number, _, of = words.partition("/")
        if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise UsageError(
                f"{words} names no part of a run.", hint="The third of sixteen parts is --shard 3/16."
            )
        return cls(int(number), int(of))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def holds(self, name: str) -> bool:
        """Whether a picture or another input of this relative path belongs to this part.

        By a hash of the path: a picture stays in its part when others are added or taken away.
        """
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
        return int.from_bytes(digest[:8], "big") % self.of == self.number - 1


@dataclass(frozen=True)
class Merged:
    """One record of a whole run: its settings and counts, its pictures, and the seconds of all parts."""

    run: Mapping[str, Any]
    records: tuple[PictureRecord, ...]
    seconds: float


def merged(manifests: Mapping[str, Mapping[str, Any]]) -> Merged:
    """One record out of the manifests of all shards of a run, given by the names of their files.

    Raises UsageError when one is no manifest of a shard or not finished, when shards are missing or there
    twice, when their settings differ (version, weights, method, seed and so on), and when one is damaged.
    """
    parts = {name: _checked(name, manifest) for name, manifest in manifests.items()}
    _refuse_gaps(parts)
    ordered = [manifests[name] for name in sorted(parts, key=lambda name: parts[name].number)]
    settings = {name: value for name, value in ordered[0].items() if name not in _OWN}
    for name, manifest in manifests.items():
        its = {key: value for key, value in manifest.items() if key not in _OWN}
        if other := differing(settings, its) or differing(its, settings):
            raise UsageError(
                f"{name} is of a run with other settings: {other}.",
                hint="Only the shards of one run make one record: repeat that shard with the same settings.",
            )
    try:
        return _merged(settings, ordered)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"One of the manifests is damaged: {error!r}.", hint="Repeat that shard with --resume."
        ) from error


def _merged(settings: Mapping[str, Any], ordered: Sequence[Mapping[str, Any]]) -> Merged:
    others = [manifest["other_files_in_output"] for manifest in ordered]
    run = {
        **{key: value for key, value in settings.items() if key != "manifest_version"},
        **{name: ", ".join(dict.fromkeys(m[name] for m in ordered)) for name in ("device", "provider")},
        "chosen": ordered[0]["chosen"],
        "shards": [list(manifest["command"]) for manifest in ordered],
        "workers": sum(manifest["workers"] for manifest in ordered),
        "interrupted": False,
        "skipped": [one for manifest in ordered for one in manifest["skipped"]],
        "ignored": sum(manifest["ignored"] for manifest in ordered),
        "other_files_in_output": max(others, key=lambda other: other["count"]),
    }
    records = tuple(record_from_json(file) for manifest in ordered for file in manifest["files"])
    return Merged(run, records, sum(manifest["summary"]["seconds"] for manifest in ordered))


def _checked(name: str, manifest: Mapping[str, Any]) -> Shard:
    if manifest.get("manifest_version") != VERSION or not isinstance(manifest.get("shard"), str):
        raise UsageError(
            f"{name} is not the manifest of a shard.", hint="'epd deidentify --shard 1/16' writes one."
        )
    if manifest.get("interrupted"):
        raise UsageError(
            f"{name} is of a shard that was interrupted.", hint="Let it end first, with --resume."
        )
    return Shard.parse(manifest["shard"])


def _refuse_gaps(parts: Mapping[str, Shard]) -> None:
    numbers: dict[int, str] = {}
    of = max(part.of for part in parts.values())
    for name, part in parts.items():
        if part.of != of:
            raise UsageError(f"{name} is shard {part}, another one of {of}.", hint="Merge one run's shards.")
        if part.number in numbers:
            raise UsageError(
                f"{numbers[part.number]} and {name} are both shard {part}.", hint="Leave one out."
            )
        numbers[part.number] = name
    if missing := _listed([n for n in range(1, of + 1) if n not in numbers]):
        raise UsageError(f"Of {of} shards these are missing: {missing}.", hint="Run them, then merge all.")


def _listed(numbers: Sequence[int], most: int = 10) -> str:
    more = f" and {len(numbers) - most} more" if len(numbers) > most else ""
    return ", ".join(map(str, numbers[:most])) + more
