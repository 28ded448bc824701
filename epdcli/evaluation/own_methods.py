"""De-identify the originals with methods of this tool, through its own batch run, for them to be judged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from epdcli.batch.run import Observer, RunSettings, run
from epdcli.deidentifier import Options
from epdcli.errors import UsageError
from epdcli.networks import shipped_bank
from epdcli.plugins import METHODS, find_plugins, load_plugin


@dataclass(frozen=True)
class Made:
    """A folder that a method wrote, and how long that took in seconds, whenever it was."""

    folder: Path
    seconds: float


def parse_methods(text: str) -> dict[str, Options]:
    """`generate,blur,pixelate:8` by name, a strength after a colon. Raises UsageError on an unknown one."""
    known = find_plugins(METHODS)
    made = {}
    for name in filter(None, (part.strip() for part in text.split(","))):
        method, _, strength = name.partition(":")
        if method not in known:
            raise UsageError(f"There is no method {method}.", hint=f"Known: {', '.join(known)}.")
        try:
            made[name] = Options(method=method, strength=float(strength) if strength else None)
        except ValueError as error:
            raise UsageError(f"{strength!r} is no strength.", hint="For example: pixelate:8") from error
    return made


def deidentified(
    originals: Path, options: Options, folder: Path, workers: int | None, observer: Observer
) -> Made:
    """The output of one method on all originals, made now or by an earlier run with the same settings.

    Pictures that can't be verified are withheld, as always: the evaluation counts them as missing. Raises
    UsageError or SetupError as the run does.
    """
    manifest = folder.with_name(folder.name + ".manifest.json")
    done = _finished(manifest, options)
    if done is None:
        settings = RunSettings((originals,), folder, overwrite=True, resume=True, workers=workers)
        outcome = run(settings, options, observer, command=("epd", "evaluate"))
        if outcome.interrupted:
            raise KeyboardInterrupt
        done = outcome.summary
    return Made(folder, float(done["seconds"]))


def _finished(manifest: Path, options: Options) -> Mapping[str, Any] | None:
    """The summary of an earlier run that was the same; None where there is none."""
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    people = shipped_bank()[1]
    wanted: dict[str, Any] = {
        "tool": f"epdcli {version('epdcli')}",
        "method": options.method,
        "strength": options.strength,
        "seed": options.codes.label,
        "interrupted": False,
    }
    if load_plugin(METHODS, options.method).random:
        wanted["candidates"] = options.candidates
    same = all(content.get(key) == value for key, value in wanted.items())
    drawn = content.get("bank", {}).get("sha256", people)
    return content["summary"] if same and drawn == people else None


def seeded(methods: Mapping[str, Options], seed: int, backend: str, device: str) -> dict[str, Options]:
    """The same methods, repeatable and on the chosen backend."""
    from dataclasses import replace

    return {
        name: replace(options, seed=seed, backend=backend, device=device) for name, options in methods.items()
    }


def clashes(names: Sequence[str]) -> None:
    """Raises UsageError when two sets have one name."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"There are two sets named {twice[0]}.", hint="Name them: NAME=DIR")
