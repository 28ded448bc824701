"""Predictions in the JSON schema of the package `hifd`, and its own scores of them.

HiFD (H. Wei, PyPI `hifd`, MIT) scores predictions of originals and de-identified pictures; it runs no network
itself. Of its tasks these are written: `face_embedding` (privacy P), `macro_exp` and `landmark` (utility U1),
and with a gaze network `gaze` (utility U2). Not written, since no judge here measures them: `age`, `gender`,
`ethnicity`, `micro_exp`, `rppg` and `niqe` (quality Q). Its composite leaves missing parts out and shares
their weight among the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epdcli.errors import BackendNotInstalled
from epdcli.evaluation.bench import Panel, Subject
from epdcli.evaluation.deidentified import CONTROL
from epdcli.evaluation.gauges import ORACLE
from epdcli.evaluation.measurements import Measurements
from epdcli.evaluation.results import ExtraTable
from epdcli.files import write_text

SCHEMA_VERSION = "1.0"
_EYES = (slice(36, 42), slice(42, 48))
_SIDE = 112.0  # pixels of the landmark network's crop
_COLUMNS = ("P", "Q", "U1", "U2", "privacy_first", "balanced", "clinical")
_TITLE = "HiFD"
_TEXT = (
    "Scores of the package hifd for the same measurements: P from embeddings, U1 from expressions and "
    "landmarks, U2 from the gaze if a network for it was given. Q (NIQE) and U3 are not measured here; its "
    "composites leave out what is missing."
)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Task:
    """A column of the measurements as a task of hifd: its name there, the judge, the column, class names."""

    task: str
    judge: str
    column: str
    classes: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.task}_{self.judge}.json"


def write_hifd(folder: Path, subject: Subject, panel: Panel) -> None:
    """Write `methods.yaml`, `estimators.yaml` and a folder of predictions for the originals and each set.

    Filled faces are left out, as in the report. The files hold embeddings of real faces: they are not
    for release.
    """
    tasks = list(_tasks(panel))
    for measured in subject.measured:
        source = "original" if measured.name == CONTROL else "deid"
        for task in tasks:
            content = _envelope(task, source, subject, measured)
            write_text(folder / _folder(measured.name) / task.file, json.dumps(content) + "\n")
    # JSON is YAML, and needs no package to be written.
    methods = [{"name": m.name, "base_path": _folder(m.name)} for m in subject.measured[1:]]
    told = {"original": {"base_path": _folder(CONTROL)}, "methods": methods}
    write_text(folder / "methods.yaml", json.dumps(told, indent=1) + "\n")
    write_text(folder / "estimators.yaml", json.dumps({"tasks": _estimators(tasks)}, indent=1) + "\n")


def hifd_scores(folder: Path) -> ExtraTable:
    """What the package makes of such a folder; its own files go to `scores` inside. Raises
    BackendNotInstalled without the package."""
    try:
        import hifd
    except ImportError as error:
        raise BackendNotInstalled(
            "The package hifd is not installed.", hint="Run: pip install hifd"
        ) from error
    scored = hifd.run_pipeline(
        str(folder / "methods.yaml"),
        str(folder),
        str(folder / "scores"),
        estimators_config=str(folder / "estimators.yaml"),
    ).composite_df
    rows = (
        (str(row["method"]), *(_shown(row.get(column)) for column in _COLUMNS))
        for row in scored.to_dict("records")
    )
    return ExtraTable(_TITLE, _TEXT, ("", *_COLUMNS), tuple(rows))


def _tasks(panel: Panel) -> Iterator[Task]:
    for source in panel.recognisers:
        yield Task("face_embedding", source.name, f"{ORACLE} {source.name}")
    for source in panel.emotions:
        yield Task("macro_exp", source.name, f"emotion {source.name}", source.convention.classes)
    for source in panel.landmarks:
        yield Task("landmark", source.name, f"landmarks {source.name}")
    for source in panel.gazes:
        yield Task("gaze", source.name, f"gaze {source.name}")


def _envelope(task: Task, source: str, subject: Subject, measured: Measurements) -> dict[str, Any]:
    predictions = {
        subject.portraits[i].name: _prediction(task, measured[task.column][i])
        for i in np.flatnonzero(measured.judged)
        if np.isfinite(measured[task.column][i]).all()
    }
    named = {"class_names": list(task.classes)} if task.classes else {}
    return {
        "task": task.task,
        "source": source,
        "estimator": task.judge,
        "schema_version": SCHEMA_VERSION,
        **named,
        "predictions": predictions,
    }


def _prediction(task: Task, answer: Floats) -> dict[str, Any]:
    match task.task:
        case "face_embedding":
            return {"embedding": [float(value) for value in answer]}
        case "gaze":
            return {"direction": [float(value) for value in answer]}
        case "macro_exp":
            probabilities = np.asarray(answer, np.float64)
            return {"probs": (probabilities / probabilities.sum()).tolist()}
        case _:
            points = answer.reshape(68, 2) * _SIDE
            left, right = (points[eye].mean(axis=0).tolist() for eye in _EYES)
            return {"points": points.tolist(), "left_eye_center": left, "right_eye_center": right}


def _estimators(tasks: list[Task]) -> Mapping[str, Any]:
    return {
        name: {
            "estimators": [
                {"name": task.judge, "orig_json": task.file, "deid_json": task.file}
                for task in tasks
                if task.task == name
            ]
        }
        for name in dict.fromkeys(task.task for task in tasks)
    }


def _folder(name: str) -> str:
    return "original" if name == CONTROL else "deid-" + "".join(c if c.isalnum() else "-" for c in name)


def _shown(value: Any) -> str:
    return "–" if value is None or value != value else f"{float(value):.3f}"  # noqa: PLR0124  NaN
