"""The written files are opened again, compared, and only kept when they answer as the torch backend does."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli.networks import load_network, network_names
from epdcli.runtimes import Engine, choose_backend
from tests.end_to_end.test_json import fits
from tests.needs import needs

needs("torch")

Epd = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def faces(tmp_path: Path, astronaut: np.ndarray) -> Path:
    folder = tmp_path / "faces"
    folder.mkdir()
    Image.fromarray(astronaut).save(folder / "portrait.png")
    return folder


def test_onnx_files_are_described_compared_and_make_a_weights_folder(
    epd: Epd, faces: Path, tmp_path: Path
) -> None:
    needs("onnxruntime")
    onnx = pytest.importorskip("onnx")
    shown = epd("export", "onnx", "--out", "out", "--faces", "faces", "--json")
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    fits(epd, "export", told)
    assert {item["network"] for item in told} == set(network_names())
    assert all(gap["largest"] <= gap["allowed"] for item in told for gap in item["differences"])
    for name in network_names():
        said = {item.key: item.value for item in onnx.load(tmp_path / "out" / f"{name}.onnx").metadata_props}
        assert said["epd.licence"] == load_network(name).licence
        assert (tmp_path / "out" / "licences" / f"{name}.txt").is_file()
    with Engine(choose_backend("onnxruntime", "cpu"), tmp_path / "out") as engine:
        inputs, outputs = engine.network("appearance").golden_pair()
        answer = engine.session("appearance").run(inputs)
        np.testing.assert_allclose(answer["identity"], outputs["identity"], atol=1e-3)
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".epd")]


def test_openvino_files_say_what_they_are(epd: Epd, faces: Path, tmp_path: Path) -> None:
    needs("openvino")
    assert epd("export", "openvino", "--fp16", "--out", "out", "--faces", "faces").returncode == 0
    written = (tmp_path / "out" / "appearance.fp16.xml").read_text()
    assert load_network("appearance").sha256 in written and "MIT" in written
    assert (tmp_path / "out" / "appearance.fp16.bin").is_file()


@pytest.mark.slow
def test_what_differs_too_much_is_not_kept(epd: Epd, faces: Path, tmp_path: Path) -> None:
    needs("onnxruntime")
    shown = epd(
        "export", "onnx", "--int8", "--calibrate", "faces", "--faces", "faces", "--json", "--out", "o"
    )
    told = {item["network"]: item for item in json.loads(shown.stdout)}
    failed = [name for name, item in told.items() if not item["passed"]]
    assert shown.returncode == (1 if failed else 0)
    for name, item in told.items():
        assert (tmp_path / "o" / f"{name}.int8.onnx").exists() is item["passed"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["onnx", "--fp16", "--int8"], "exclude each other"),
        (["onnx", "--int8"], "calibrate"),
        (["openvino", "--calibrate", "faces"], "Only int8"),
        (["onnx", "--faces", "nowhere"], "nowhere does not exist"),
        (["tensorflow"], "tensorflow"),
        (["openvino", "--opset", "13"], "opset"),
    ],
)
def test_what_can_not_be_done_as_asked_is_said(
    epd: Epd, faces: Path, arguments: list[str], said: str
) -> None:
    shown = epd("export", *arguments)
    assert shown.returncode == 2 and said in shown.stderr and "Traceback" not in shown.stderr


def test_pictures_without_a_face_can_not_be_compared_on(epd: Epd, tmp_path: Path) -> None:
    Image.new("RGB", (200, 150), (90, 120, 60)).save(tmp_path / "meadow.png")
    shown = epd("export", "onnx", "--faces", "meadow.png")
    assert shown.returncode == 2 and "No face" in shown.stderr
