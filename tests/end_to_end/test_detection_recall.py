"""Faces are found at every size and angle: the promises of docs/detection.md, on real pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.detection import ANGLES, covered, open_detector, read_truth, score, turned_portraits
from epdcli.faces.detection import Detector

WIDER = Path(__file__).parents[2].parent / "shared" / "data" / "wider-dev"


@pytest.fixture(scope="module")
def finder() -> Iterator[Detector]:
    yield open_detector("centerface", "auto", "all")


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.25, 0.5, 1, 2, 4])
def test_the_portrait_is_found_whole_at_every_angle(finder: Detector, scale: float) -> None:
    for _, angle, faces, true in turned_portraits(finder, [scale], ANGLES):
        assert covered(faces, true) >= 0.99, f"{scale} x, {angle} degrees"


@pytest.mark.slow
def test_the_portrait_is_found_whole_when_it_is_huge(finder: Detector) -> None:
    for _, angle, faces, true in turned_portraits(finder, [12], [0, 105, 180]):
        assert covered(faces, true) >= 0.99, f"{angle} degrees"


@pytest.mark.slow
@pytest.mark.skipif(not WIDER.exists(), reason="the shared evaluation set is not here")
def test_recall_in_crowds(finder: Detector) -> None:
    answers = [
        (finder.detect(np.asarray(Image.open(WIDER / "images" / name).convert("RGB"))), truth)
        for name, truth in read_truth(WIDER).items()
    ]
    total = score(answers)
    assert total.recall[0] >= 0.96
    assert total.recall[1] >= 0.88
    assert total.false_a_picture <= 1
