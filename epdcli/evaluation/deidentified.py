"""De-identified folders: which file belongs to which original, and what their manifest says was filled."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from epdcli.errors import UsageError
from epdcli.evaluation.portraits import Portrait
from epdcli.model import Box
from epdcli.pictures import SUFFIXES

CONTROL = "none"
FILLS = ("soft", "solid")  # methods of a manifest that leave no face


@dataclass(frozen=True, eq=False)
class DeidentifiedSet:
    """One method's pictures.

    `files` has a path for each portrait, None where there is none; `fills` the boxes of faces that the
    manifest says were filled although another method was asked for, by the picture's name; `seconds`
    how long the de-identification took, where this run did it.
    """

    name: str
    files: tuple[Path | None, ...]
    fills: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    described: bool = False
    seconds: float | None = None

    @property
    def missing(self) -> int:
        return sum(file is None for file in self.files)


def control(portraits: Sequence[Portrait]) -> DeidentifiedSet:
    """The untouched pictures, against which every figure is read."""
    return DeidentifiedSet(CONTROL, tuple(portrait.path for portrait in portraits))


def read_set(
    name: str, folder: Path, portraits: Sequence[Portrait], seconds: float | None = None
) -> DeidentifiedSet:
    """A folder of any tool's output, matched by relative path; where the suffix changed, by its stem.

    `FOLDER.manifest.json` beside it, where there is one, says which faces were filled. Raises
    UsageError when the folder is missing or holds none of the portraits.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder.", hint="Give the output of a de-identification.")
    files = tuple(_match(folder, portrait.name) for portrait in portraits)
    if not any(files):
        raise UsageError(
            f"{folder} holds none of the originals' names.",
            hint="Names are matched relative to both folders: Person/1.jpg with Person/1.jpg.",
        )
    manifest = folder.with_name(folder.name + ".manifest.json")
    return DeidentifiedSet(
        name, files, _fills(manifest) if manifest.is_file() else {}, manifest.is_file(), seconds
    )


def parse_sets(given: Sequence[str]) -> dict[str, Path]:
    """`DIR` or `NAME=DIR`, as --deidentified takes them, by name. Raises UsageError on a name given twice."""
    sets: dict[str, Path] = {}
    for text in given:
        name, equals, folder = text.partition("=")
        path = Path(folder if equals else text)
        name = name if equals else path.resolve().name
        if name in sets or name == CONTROL:
            raise UsageError(
                f"There are two sets named {name}." if name in sets else f"{CONTROL} is the control's name.",
                hint="Name them: --deidentified NAME=DIR",
            )
        sets[name] = path
    return sets


def _match(folder: Path, name: str) -> Path | None:
    same = folder / name
    if same.is_file():
        return same
    stem = folder / PurePosixPath(name).with_suffix("")
    others = (stem.with_name(stem.name + suffix) for suffix in sorted(SUFFIXES))
    return next((path for path in others if path.is_file()), None)


def _fills(manifest: Path) -> dict[str, tuple[Box, ...]]:
    try:
        content: Any = json.loads(manifest.read_text(encoding="utf-8"))
        if content["method"] in FILLS:
            return {}
        return {
            file["source"]: tuple(Box(*face["box"]) for face in file["faces"] if face["method"] in FILLS)
            for file in content["files"]
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{manifest} is not a manifest of epd deidentify: {error}.", hint="Move it away to go without."
        ) from error
