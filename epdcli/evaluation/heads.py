"""Are de-identified pictures good for training? A classifier that learnt from them is tried on clear ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from epdcli.evaluation.bench import Panel, Subject
from epdcli.evaluation.figures import ALL, Figure
from epdcli.evaluation.gauges import ORACLE
from epdcli.evaluation.measurements import Measurements

MEASURE = "F1 drop"
_FOLDS, _FEWEST = 5, 10  # a class with fewer pictures is left out

Features = NDArray[np.float32]


def f1_drops(subject: Subject, new: Measurements, panel: Panel) -> Iterator[Figure]:
    """How much macro F1 a classifier loses when it learns from de-identified faces instead of clear ones.

    Both are tried on clear faces of other people. Expressions (as the first emotion network sees the clear
    pictures) are told from 68 landmarks, labels from the first headline recogniser's embeddings.
    """
    for target, column, judge, role, classes in _targets(subject, panel):
        clear, made = subject.clear[column], new[column]
        known = new.judged & np.isfinite(clear).all(axis=1) & np.isfinite(made).all(axis=1)
        kept = known & _common(classes, known)
        if len(np.unique(classes[kept])) < 2 or len(np.unique(subject.people[kept])) < _FOLDS:
            continue
        before, after = (
            macro_f1(lesson[kept], clear[kept], classes[kept], subject.people[kept])
            for lesson in (clear, made)
        )
        note = f"macro F1 {after:.3f}; {before:.3f} if it learns from the clear pictures"
        count, measure = int(kept.sum()), f"{MEASURE}, {target}"
        yield Figure(new.name, ALL, "", measure, judge, role, before - after, count=count, note=note)


def macro_f1(
    lesson: Features, trial: Features, classes: NDArray[np.str_], people: NDArray[np.integer]
) -> float:
    """Macro F1 of logistic regression that learns from `lesson` (n, d), tried on `trial` (n, d): the same
    n pictures, nobody in both, in five folds of people."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.model_selection import GroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    told = np.empty(len(classes), classes.dtype)
    for learnt, tried in GroupKFold(_FOLDS).split(lesson, classes, people):
        if len(np.unique(classes[learnt])) < 2:
            told[tried] = classes[learnt][0]
            continue
        head = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
        told[tried] = head.fit(lesson[learnt], classes[learnt]).predict(trial[tried])
    return float(f1_score(classes, told, average="macro"))


def _targets(subject: Subject, panel: Panel) -> Iterator[tuple[str, str, str, str, NDArray[np.str_]]]:
    """What is learnt: its name, the column of features, its judge and role, and a class for each portrait."""
    emotion, landmarks = panel.emotions[0], panel.landmarks[0]
    seen = np.nan_to_num(subject.clear[f"emotion {emotion.name}"])
    named = np.array(emotion.convention.classes or [str(i) for i in range(seen.shape[1])])
    role = landmarks.convention.role
    yield "emotion", f"landmarks {landmarks.name}", landmarks.name, role, named[seen.argmax(axis=1)]
    source = next(source for source in panel.recognisers if source.name == panel.headline[0])
    for label in sorted({label for portrait in subject.portraits for label in portrait.labels}):
        classes = np.array([portrait.labels.get(label, "") for portrait in subject.portraits])
        yield label, f"{ORACLE} {source.name}", source.name, source.convention.role, classes


def _common(classes: NDArray[np.str_], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which portraits (n,) have a class that enough of the known ones have."""
    names, counts = np.unique(classes[known], return_counts=True)
    return np.isin(classes, names[(counts >= _FEWEST) & (names != "")])
