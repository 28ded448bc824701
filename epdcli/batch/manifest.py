"""The record of a run, beside the output and not for release; and the journal that it grows from."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from epdcli.files import write_text, writing
from epdcli.model import FaceRecord, PictureRecord, Verdict

VERSION = 1
PRIVATE = 0o600  # a manifest says which face was where, and may hold the key of the names


def summary(records: Sequence[PictureRecord], seconds: float) -> dict[str, Any]:
    """Counts of verdicts, faces and methods, and the speed."""
    verdicts = Counter(record.verdict for record in records)
    faces = [face for record in records for face in record.faces]
    return {
        "pictures": len(records),
        "verdicts": {verdict.value: verdicts[verdict] for verdict in Verdict},
        "faces": len(faces),
        "stayed_faces": sum(len(record.stayed) for record in records),
        "small_faces": sum(face.small for face in faces),
        "methods": dict(sorted(Counter(face.method for face in faces).items())),
        "retried_faces": sum(face.attempts > 1 for face in faces),
        "seconds": round(seconds, 2),
        "pictures_per_second": round(len(records) / seconds, 3) if seconds > 0 else None,
    }


def write_manifest(
    path: Path, run: Mapping[str, Any], records: Iterable[PictureRecord], seconds: float
) -> dict[str, Any]:
    """Write the manifest beside its name and rename it; returns what was written. Raises UsageError."""
    ordered = sorted(records, key=lambda record: record.source)
    content = {
        "manifest_version": VERSION,
        **run,
        "summary": summary(ordered, seconds),
        "files": [record_as_json(record) for record in ordered],
    }
    with writing(path):
        write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n", PRIVATE)
    return content


def outputs_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs that a manifest, as it was read, names: paths in the output folder, and their hashes."""
    files = manifest.get("files")
    records = [record for record in files if isinstance(record, dict)] if isinstance(files, list) else []
    return {
        record["output"]: record.get("sha256") for record in records if isinstance(record.get("output"), str)
    }


def differing(earlier: Any, run: Mapping[str, Any]) -> str:
    """The names of the settings of a run that are others than those of an earlier one, as a file has them."""
    now = json.loads(json.dumps(run))
    before = earlier if isinstance(earlier, dict) else {}
    return ", ".join(name for name in now if name not in before or before[name] != now[name])


def record_as_json(record: PictureRecord) -> dict[str, Any]:
    """A picture's record as the manifest and the journal hold it."""
    return {**dataclasses.asdict(record), "verdict": record.verdict.value}


def record_from_json(content: Mapping[str, Any]) -> PictureRecord:
    """The way back. Raises KeyError, TypeError or ValueError on a line that is no record."""
    faces = tuple(FaceRecord(**{**face, "box": tuple(face["box"])}) for face in content["faces"])
    lists = {name: tuple(content.get(name, ())) for name in ("kept", "dropped")}
    lists["stayed"] = tuple(map(tuple, content.get("stayed", ())))
    return PictureRecord(**{**content, **lists, "verdict": Verdict(content["verdict"]), "faces": faces})
