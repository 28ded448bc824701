"""The package hifd takes what is written for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.needs import needs

needs("hifd", "sklearn")

from epdcli.evaluation.bench import Panel, Subject  # noqa: E402
from epdcli.evaluation.conventions import DLIB, FACEAPI, LANDMARKS, Source  # noqa: E402
from epdcli.evaluation.deidentified import DeidentifiedSet  # noqa: E402
from epdcli.evaluation.hifd_export import hifd_scores, write_hifd  # noqa: E402
from epdcli.evaluation.measurements import Measurements  # noqa: E402
from epdcli.evaluation.portraits import Portrait  # noqa: E402

COUNT = 6


def measured(name: str, seed: int) -> Measurements:
    random = np.random.default_rng(seed)
    columns = {
        "oracle dlib": random.normal(size=(COUNT, 128)).astype(np.float32),
        "emotion faceapi": random.dirichlet(np.ones(7), COUNT).astype(np.float32),
        "landmarks landmarks68": random.uniform(size=(COUNT, 136)).astype(np.float32),
        "gaze eyes": random.normal(size=(COUNT, 3)).astype(np.float32),
    }
    filled = np.arange(COUNT) == COUNT - 1
    return Measurements(name, columns, np.ones(COUNT, bool), filled & (name != "none"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    portraits = tuple(Portrait(Path(f"{i}.jpg"), f"{i}.jpg", str(i)) for i in range(COUNT))
    names = {"none": 1, "copy": 1, "other: 5": 2}
    sets = tuple(DeidentifiedSet(name, ()) for name in names)
    everything = tuple(measured(name, seed) for name, seed in names.items())
    subject = Subject(portraits, (), sets, everything, ())
    panel = Panel(
        (Source("dlib", None, "", DLIB),),
        (Source("faceapi", None, "", FACEAPI),),
        (Source("landmarks68", None, "", LANDMARKS),),
        gazes=(Source("eyes", None, "", LANDMARKS),),
    )
    write_hifd(tmp_path / "hifd", subject, panel)
    return tmp_path / "hifd"


def test_each_pair_of_files_is_valid_and_leaves_filled_faces_out(folder: Path) -> None:
    import hifd.io

    for task in ("face_embedding_dlib", "macro_exp_faceapi", "landmark_landmarks68", "gaze_eyes"):
        kind, common = hifd.io.validate_pair(
            str(folder / "original" / f"{task}.json"), str(folder / "deid-copy" / f"{task}.json")
        )
        assert task.startswith(kind) and len(common) == COUNT - 1


def test_a_copy_has_no_privacy_and_all_utility(folder: Path) -> None:
    table = hifd_scores(folder)
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    copy = rows["copy"]
    assert (copy["P"], copy["U1"], copy["U2"], copy["Q"]) == ("0.000", "1.000", "1.000", "–")
    assert 0.3 < float(rows["other: 5"]["P"]) < 0.7
    assert float(rows["other: 5"]["U1"]) < 0.6
    assert 0 < float(rows["other: 5"]["balanced"]) < 1
