"""Measuring: every answer once, in batches or alone; a file that can't be read stops nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli.evaluation.bench import Panel
from epdcli.evaluation.cache import Cache
from epdcli.evaluation.conventions import DLIB, FACEAPI, Source
from epdcli.evaluation.deidentified import DeidentifiedSet
from epdcli.evaluation.gauges import Gauge, finder, judged
from epdcli.evaluation.measurements import BATCH, measure
from epdcli.evaluation.portraits import Portrait
from epdcli.evaluation.scenes import Main, Scene, main_face
from epdcli.model import Box, Face, Pixels

COUNT = BATCH + 2
POINTS = np.array([(20, 24), (44, 24), (32, 36), (22, 48), (42, 48)], np.float32)


class Seen:
    """A detector that finds a face in every picture whose corner is bright, and counts its looks."""

    name = "seen"

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, pixels: Pixels) -> list[Face]:
        self.looks += 1
        return [Face(Box(10, 8, 44, 52), POINTS + 1, 0.9)] if pixels[0, 0, 0] > 128 else []


class Counting:
    """A gauge that answers a picture's mean and keeps the sizes of its batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, scenes: Sequence[Scene]) -> np.ndarray:
        self.batches.append(len(scenes))
        return np.array([[scene.pixels.mean()] for scene in scenes], np.float32)


@pytest.fixture
def portraits(tmp_path: Path) -> tuple[Portrait, ...]:
    found = []
    for number in range(COUNT):
        path = tmp_path / f"{number:02}.png"
        Image.fromarray(np.full((64, 64, 3), 140 + number, np.uint8)).save(path)
        found.append(Portrait(path, path.name, str(number), POINTS))
    return tuple(found)


def mains(portraits: Sequence[Portrait]) -> list[Main]:
    found = [main_face(portrait, Seen(), Cache()) for portrait in portraits]
    return [main for main in found if main is not None]


def copies(portraits: Sequence[Portrait], **given: object) -> DeidentifiedSet:
    return DeidentifiedSet("copy", tuple(portrait.path for portrait in portraits), **given)


def test_what_is_known_is_not_measured_again(portraits: tuple[Portrait, ...], tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")
    for looks, batches in ((COUNT, [BATCH, 1, 1]), (0, [])):
        detector, counting = Seen(), Counting()
        gauges = finder("found", detector), [Gauge("mean", "mean", counting)]
        answer = measure(portraits, mains(portraits), copies(portraits), *gauges, cache)
        assert (detector.looks, counting.batches) == (looks, batches)
        assert answer["mean"][:, 0].tolist() == [140 + number for number in range(COUNT)]
        assert answer.judged.all() and (answer["found"][:, -1] > 0).all()


def test_missing_and_damaged_files_are_blank_and_stop_nothing(
    portraits: tuple[Portrait, ...], tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"no picture")
    files = (None, damaged, *(portrait.path for portrait in portraits[2:]))
    gauges = finder("found", Seen()), [Gauge("mean", "mean", Counting())]
    answer = measure(portraits, mains(portraits), DeidentifiedSet("tool", files), *gauges, Cache())
    assert answer.present.tolist() == [False, False, *[True] * (COUNT - 2)]
    assert np.isnan(answer["mean"][:2]).all() and answer.unreadable == ("01.png",)


def test_a_main_face_in_a_filled_box_is_not_the_methods_own(portraits: tuple[Portrait, ...]) -> None:
    fills = {"00.png": (Box(10, 8, 44, 52),), "01.png": (Box(0, 0, 9, 9),)}
    gauges = finder("found", Seen()), [Gauge("mean", "mean", Counting())]
    answer = measure(portraits, mains(portraits), copies(portraits, fills=fills), *gauges, Cache())
    assert answer.filled.tolist() == [True, *[False] * (COUNT - 1)]
    assert not answer.judged[0] and answer.judged[1:].all()


def test_an_attacker_aligns_by_what_he_finds_and_else_by_the_original(
    portraits: tuple[Portrait, ...], tmp_path: Path
) -> None:
    dark = tmp_path / "dark.png"
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(dark)
    asked: list[float] = []

    class Listening:
        name, key = "judge", "judge"

        def ask(self, faces: Sequence[tuple[Pixels, np.ndarray]]) -> np.ndarray:
            asked.extend(float(points[0, 0]) for _, points in faces)
            return np.zeros((len(faces), 1), np.float32)

    given = DeidentifiedSet("tool", (portraits[0].path, dark, *[None] * (COUNT - 2)))
    gauges = finder("found", Seen()), [judged("naive", Listening(), "naive"), judged("oracle", Listening())]
    measure(portraits, mains(portraits), given, *gauges, Cache())
    assert asked == [21, 20, 20, 20]  # naive: found a pixel away, not found; oracle: the original's twice


def test_the_main_face_is_the_largest_and_most_central_one(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((100, 200, 3), np.uint8)).save(tmp_path / "a.png")

    class Three:
        name = "three"

        def detect(self, pixels: Pixels) -> list[Face]:
            return [Face(Box(x, 30, side, side), POINTS * side / 64 + (x, 30), 0.9)
                    for x, side in ((0, 44), (80, 40), (120, 10))]  # fmt: skip

    portrait = Portrait(tmp_path / "a.png", "a.png", "a")
    main = main_face(portrait, Three(), Cache())
    assert main is not None and main.face.box.x == 80 and len(main.others) == 3


def test_a_detector_is_not_marked_for_a_recogniser_of_its_name() -> None:
    panel = Panel(
        (Source("dlib", None, "", DLIB),), (Source("faceapi", None, "", FACEAPI),), (), detectors=("dlib",)
    )
    assert panel.roles == {"emotion faceapi": "training", "found centerface": "verification"}
