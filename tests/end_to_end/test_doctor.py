"""The doctor tries what is installed, here and with parts of it broken."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli.networks import network_names, shipped_weights
from tests.conftest import ROOT

Epd = Callable[..., subprocess.CompletedProcess[str]]


def test_every_backend_is_tried_and_their_verdicts_compared(
    epd: Epd, tmp_path: Path, astronaut: np.ndarray
) -> None:
    Image.fromarray(astronaut).save(tmp_path / "portrait.png")
    shown = epd("doctor", "--json", "--picture", "portrait.png")
    findings = {(item["part"], item["subject"]): item for item in json.loads(shown.stdout)}
    assert shown.returncode == 0, shown.stdout
    count = len(network_names())
    assert f"{count} of {count} networks" in findings["backends", "openvino on cpu"]["said"]
    assert findings["privacy", "verdicts"]["state"] == "ok"
    assert {"cores", "memory", "disk"} <= {subject for part, subject in findings if part == "machine"}


def test_with_a_damaged_network_nothing_usable_is_left(tmp_path: Path) -> None:
    shutil.copytree(shipped_weights(), tmp_path / "epd_weights")
    (tmp_path / "epd_weights" / "dlib_resnet.onnx").write_bytes(b"damaged")
    code = "import epdcli.commands as commands; commands.main()"
    shown = subprocess.run(
        [sys.executable, "-c", code, "doctor", "--json"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}{os.pathsep}{ROOT / 'backends'}"},
        check=False,
    )
    assert shown.returncode == 3, shown.stderr
    said = [item for item in json.loads(shown.stdout) if item["part"] == "weights"]
    assert [(item["subject"], item["state"]) for item in said] == [("dlib_resnet", "failed")]


def test_a_portrait_that_is_not_there_is_said(epd: Epd) -> None:
    shown = epd("doctor", "--picture", "nowhere.png")
    assert shown.returncode == 2 and "nowhere.png does not exist" in shown.stderr


@pytest.mark.parametrize("arguments", [["doctor", "--help"], ["export", "--help"]])
def test_help_answers_without_a_runtime(epd: Epd, arguments: list[str]) -> None:
    assert epd(*arguments).returncode == 0
