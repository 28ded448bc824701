"""The benchmark really runs what it names. Nothing here looks at how long it took."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.end_to_end.test_json import fits
from tests.needs import needs

Epd = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def pictures(tmp_path: Path, astronaut: np.ndarray) -> Path:
    (tmp_path / "pictures").mkdir()
    Image.fromarray(astronaut).save(tmp_path / "pictures" / "portrait.jpg")
    return tmp_path / "pictures"


def test_outside_a_checkout_people_of_the_bank_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    from epdcli.benchmarking import benchmark
    from epdcli.runtimes import Engine, choose_backend, load_plugin

    monkeypatch.setattr(benchmark, "_EXAMPLES", Path("nowhere"))
    with ExitStack() as running, Engine(choose_backend("auto", "cpu")) as engine:
        (source,) = benchmark._sources(None, running)
        finder = load_plugin("epd.detectors", "centerface")(engine)
        assert len(finder.detect(np.asarray(Image.open(source)))) == 3
    assert not source.exists()


def test_every_stage_and_network_has_a_row_that_names_what_ran(
    epd: Epd, pictures: Path, tmp_path: Path
) -> None:
    needs("openvino")
    shown = epd(
        *("benchmark", "--backend", "openvino", "--batch", "1", "--rounds", 1, "--pictures", "pictures"),
        *("--json", "rows.json", "--plot", "bars.html"),
    )
    assert shown.returncode == 0, shown.stderr
    report = json.loads((tmp_path / "rows.json").read_text())
    fits(epd, "benchmark", report)
    names = {(row["kind"], row["name"]) for row in report["rows"]}
    stages = ("read", "detect", "align", "generate", "paste", "verify", "write")
    assert {("stage", stage) for stage in stages} <= names
    assert {("start", "to the first picture"), ("network", "appearance"), ("network", "dlib_resnet")} <= names
    for row in report["rows"]:
        assert row["runtime"].startswith("openvino 2") and row["provider"] == "OpenVINO CPU"
        assert row["device"] == "cpu" and row["precision"] == "fp32" and row["median_ms"] > 0
    (whole,) = (row for row in report["rows"] if row["kind"] == "whole")
    assert whole["peak_memory_mb"] > 50 and whole["faces_per_second"] > 0
    assert report["limits"]["cpu"]["operations_per_second"] > 0
    assert (tmp_path / "bars.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--batch", "many"], 2, "no list of numbers"),
        (["--plot", "bars.jpg"], 2, "neither a .png nor a .html"),
        (["--backend", "abacus"], 3, "There is no backend abacus"),
        (["--pictures", "nowhere"], 2, "nowhere does not exist"),
    ],
)
def test_what_can_not_be_measured_is_said(epd: Epd, arguments: list[str], code: int, said: str) -> None:
    shown = epd("benchmark", *arguments)
    assert (shown.returncode, "Traceback" in shown.stderr) == (code, False)
    assert said in shown.stderr


def test_a_device_that_is_not_there_is_said(epd: Epd, pictures: Path) -> None:
    shown = epd("benchmark", "--backend", "openvino", "--device", "cuda:9", "--pictures", "pictures")
    assert shown.returncode == 3 and "has no device cuda:9" in shown.stderr
