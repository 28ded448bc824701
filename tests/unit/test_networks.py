"""A network is described completely and is the file described, or it is not opened."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epdcli.errors import WeightsError
from epdcli.networks import load_network, network_names, shipped_bank, shipped_weights

NAME = "landmarks68_faceapi"
FIELDS = (
    *("version", "file", "format", "sha256", "inputs", "outputs", "tolerance", "golden"),
    *("licence", "licence_file", "source", "made_by"),
)
Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A weights folder with one network in it."""
    for name in (f"{NAME}.onnx", f"{NAME}.golden.npz"):
        shutil.copy(shipped_weights() / name, tmp_path)
    entry = json.loads((shipped_weights() / "manifest.json").read_text())["networks"][NAME]
    (tmp_path / "manifest.json").write_text(json.dumps({"networks": {NAME: entry}}))
    return tmp_path


def edited(folder: Path, edit: Edit) -> Path:
    manifest = json.loads((folder / "manifest.json").read_text())
    edit(manifest["networks"][NAME])
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.mark.parametrize("name", network_names())
def test_every_shipped_network_is_described_and_has_its_licence(name: str) -> None:
    network = load_network(name)
    inputs, outputs = network.golden_pair()
    network.check_inputs(inputs)
    assert {spec.name for spec in network.outputs} == set(outputs)
    assert Path(network.licence_file).read_text().strip()


def test_the_shipped_bank_is_the_one_that_the_manifest_describes() -> None:
    path, sha256 = shipped_bank()
    assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def test_weights_without_a_bank_are_an_error(folder: Path) -> None:
    with pytest.raises(WeightsError, match="banks"):
        shipped_bank(folder)


@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_field_is_an_error_that_names_it(folder: Path, field: str) -> None:
    with pytest.raises(WeightsError, match=repr(field)):
        load_network(NAME, edited(folder, lambda entry: entry.pop(field)))


@pytest.mark.parametrize("field", ["name", "shape", "layout", "range"])
def test_a_missing_field_of_an_input_is_an_error_that_names_it(folder: Path, field: str) -> None:
    with pytest.raises(WeightsError, match=repr(field)):
        load_network(NAME, edited(folder, lambda entry: entry["inputs"][0].pop(field)))


def test_a_changed_file_is_not_opened(folder: Path) -> None:
    path = folder / f"{NAME}.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="SHA-256"):
        load_network(NAME, folder)


def test_a_file_changed_after_the_check_is_not_opened_either(folder: Path) -> None:
    network = load_network(NAME, folder)
    (folder / f"{NAME}.onnx").write_bytes(b"something else")
    with pytest.raises(WeightsError, match="SHA-256"):
        network.content()


@pytest.mark.parametrize("name", ["other.onnx", "../other.onnx", "/other.onnx"])
def test_a_missing_file_or_one_elsewhere_is_an_error(folder: Path, name: str) -> None:
    with pytest.raises(WeightsError, match=r"other\.onnx"):
        load_network(NAME, edited(folder, lambda entry: entry.update(file=name)))


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"networks": 3}'])
def test_a_manifest_that_is_none_is_an_error(folder: Path, content: str) -> None:
    (folder / "manifest.json").write_text(content)
    with pytest.raises(WeightsError, match=r"manifest\.json"):
        load_network(NAME, folder)


def test_an_unknown_network_is_an_error_that_lists_the_known(folder: Path) -> None:
    with pytest.raises(WeightsError, match=NAME):
        load_network("face_finder", folder)


def test_sizes_must_be_multiples_of_what_the_detector_asks_for() -> None:
    network = load_network("centerface")
    network.check_inputs({"input.1": np.zeros((2, 3, 64, 96), np.float32)})
    for wrong in (
        np.zeros((1, 3, 60, 96), np.float32),
        np.zeros((1, 1, 64, 96), np.float32),
        np.zeros((3, 64, 96), np.float32),
        np.zeros((0, 3, 64, 96), np.float32),
        np.zeros((1, 3, 64, 96), np.uint8),
    ):
        with pytest.raises(ValueError, match=r"input\.1 must be"):
            network.check_inputs({"input.1": wrong})


def test_the_hashes_are_those_of_the_files() -> None:
    for name in network_names():
        network = load_network(name)
        assert hashlib.sha256(network.path.read_bytes()).hexdigest() == network.sha256
