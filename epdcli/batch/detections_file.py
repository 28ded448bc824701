"""Faces in a JSON file: what `epd detect --json` writes and `--detections` takes back, edited or not.

The form is `detections.schema.json` beside this file, and `docs/detections.md` in words. A person decides by
editing: a face that is added is replaced, one that is taken out stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Never

import numpy as np

from epdcli.batch.listing import is_ignored
from epdcli.errors import UsageError
from epdcli.files import sha256_of
from epdcli.model import Box, Face

_HINT = "Write it with: epd detect --json PICTURES > FILE"
# Where the five landmarks lie in a detector's box, as parts of its width and height (means over lfw-dev).
_IN_BOX = np.array([(0.29, 0.40), (0.71, 0.40), (0.50, 0.62), (0.33, 0.80), (0.67, 0.80)], np.float32)

Frames = Sequence[Sequence[Face]]


@dataclass(frozen=True)
class Detections:
    """`faces` by picture name, a list for each frame; `looked_at` are the SHA-256 of pictures of which a
    person has decided that faces stay."""

    faces: Mapping[str, Frames]
    looked_at: Mapping[str, str]


def detections_as_json(faces: Mapping[str, Frames], digests: Mapping[str, str]) -> dict[str, Any]:
    """Faces by picture name, a list for each frame, and the SHA-256 of the pictures, as the schema has it."""
    return {
        "version": 1,
        "pictures": {
            name: [[_face_as_json(face) for face in frame] for frame in frames]
            for name, frames in faces.items()
        },
        "found": {
            name: {
                "sha256": digests[name],
                "boxes": [[_face_as_json(face)["box"] for face in frame] for frame in frames],
            }
            for name, frames in faces.items()
        },
    }


def _face_as_json(face: Face) -> dict[str, Any]:
    return {
        "box": [round(float(side), 2) for side in face.box],
        "landmarks": np.round(face.landmarks.astype(float), 2).tolist(),
        "score": round(float(face.score), 4),
    }


def read_detections(path: Path) -> Detections:
    """Read such a file. Names only select pictures of the run and are never opened.

    Raises UsageError that names the file and the place when it is not of the schema's form: a field that is
    not known, a name that stands there twice, a number that is not finite or no pixel position.
    """
    try:
        content = json.loads(
            path.read_text(encoding="utf-8"), object_pairs_hook=_without_repetition, parse_constant=_refused
        )
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}.", hint="Check its name.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}.", hint=_HINT) from error
    try:
        _validator()(content)
    except ValueError as error:
        raise UsageError(f"{path}: {str(error).removeprefix('data.')}.", hint=_HINT) from error
    given = {
        name: [
            [_face(face, f"{path}: {name}, frame {n}, face {i}") for i, face in enumerate(frame)]
            for n, frame in enumerate(frames)
        ]
        for name, frames in content["pictures"].items()
    }
    found = {name: one for name, one in content.get("found", {}).items() if name in given}
    for name, one in found.items():
        given[name] = _with_staying(given[name], one["boxes"], f"{path}: {name}")
    decided = {name for name in found if any(face.stays for frame in given[name] for face in frame)}
    return Detections(given, {name: found[name]["sha256"] for name in decided})


def given_faces(path: Path, sources: Mapping[str, Path], ignore: Sequence[str]) -> Mapping[str, Frames]:
    """The faces that a file gives for the pictures of a run: `sources` are their files by name, `ignore` the
    patterns of what was left out.

    Raises UsageError when the file can't be read, names a picture that is not of the run, or lets a face stay
    in a picture that has changed since.
    """
    read = read_detections(path)
    strange = [name for name in read.faces if name not in sources and not is_ignored(name, ignore)]
    if strange:
        more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise UsageError(
            f"{path} names {strange[0]}{more}, which is no picture of this run.",
            hint=f"Pictures are called as in {next(iter(sources))}: "
            "give 'epd detect' the same inputs as 'epd deidentify'.",
        )
    for name, digest in read.looked_at.items():
        if name in sources and _digest(sources[name]) != digest:
            raise UsageError(
                f"{path} lets a face stay in {name}, which is not the picture that was looked at.",
                hint=_HINT,
            )
    return read.faces


def _digest(source: Path) -> str:
    """A picture's SHA-256; none where it can't be read, which is said when its turn comes."""
    try:
        return sha256_of(source)
    except OSError:
        return ""


@cache
def _validator() -> Callable[[Any], Any]:
    import fastjsonschema

    schema = files("epdcli.batch").joinpath("detections.schema.json").read_text(encoding="utf-8")
    validate: Callable[[Any], Any] = fastjsonschema.compile(json.loads(schema))
    return validate


def _without_repetition(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return content


def _refused(constant: str) -> Never:
    raise ValueError(f"{constant} is no number")


def _with_staying(given: Frames, found: Sequence[Sequence[Any]], where: str) -> list[list[Face]]:
    """The faces that are given, and those that were found and are given no more, which stay. One that lies at
    a given one was moved, and does not."""
    if len(given) != len(found):
        raise UsageError(
            f"{where} has {len(given)} frames, but {len(found)} were looked at.",
            hint="Take faces out of a frame, and leave the frame's list.",
        )
    return [
        [*faces, *(_made({"box": box, "stays": True}) for box in boxes if not _is_given(Box(*box), faces))]
        for faces, boxes in zip(given, found, strict=True)
    ]


def _is_given(box: Box, faces: Sequence[Face]) -> bool:
    return any(face.box.holds(box.centre) or box.holds(face.box.centre) for face in faces)


def _face(given: Mapping[str, Any], where: str) -> Face:
    face = _made(given)
    if np.ptp(face.landmarks, axis=0).max() < 1:
        raise UsageError(f"{where}: the landmarks coincide.", hint=_HINT)
    return face


def _made(given: Mapping[str, Any]) -> Face:
    box = Box(*map(float, given["box"]))
    points = given.get("landmarks", _IN_BOX * (box.width, box.height) + (box.x, box.y))
    face = Face(box, np.array(points, np.float32), float(given.get("score", 1.0)))
    return replace(face, stays=given.get("stays", False))
