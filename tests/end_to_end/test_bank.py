"""A bank of one's own, from portraits to new faces, through the real command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from epdcli.networks import shipped_bank
from epdcli.synthetic.bank import read_bank

Epd = Callable[..., subprocess.CompletedProcess[str]]

PEOPLE = (3, 500, 900, 1300)


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Faces of the shipped bank as portraits, one without a face, and one that is no picture."""
    folder = tmp_path_factory.mktemp("bank") / "portraits"
    folder.mkdir()
    people = read_bank(*shipped_bank())
    for number in PEOPLE:
        face = cv2.resize(people.picture(number), (512, 512), interpolation=cv2.INTER_CUBIC)
        Image.fromarray(face).save(folder / f"{number}.jpg", quality=95)
    Image.new("RGB", (300, 200), (90, 120, 60)).save(folder / "meadow.png")
    return folder


def built(epd: Epd, portraits: Path, name: str = "mine.bank") -> Path:
    shown = epd("bank", "build", portraits, "--out", name, "--licence", "CC0-1.0", "--source", "a test")
    assert shown.returncode == 0, shown.stderr
    assert "meadow.png: left out, no face" in shown.stderr
    return Path(name)


def test_a_bank_is_built_shown_and_used(epd: Epd, portraits: Path, tmp_path: Path) -> None:
    built(epd, portraits)
    bank = read_bank(tmp_path / "mine.bank")
    assert 3 <= len(bank) <= len(PEOPLE)
    shown = epd("bank", "show", "mine.bank", "--out", "sheet.jpg")
    assert shown.returncode == 0 and f"{len(bank)} people" in shown.stdout and "CC0-1.0" in shown.stdout
    assert np.asarray(Image.open(tmp_path / "sheet.jpg")).std() > 20
    astronaut = pytest.importorskip("skimage.data").astronaut()
    Image.fromarray(astronaut).save(tmp_path / "a.png")
    assert epd("deidentify", "--bank", "mine.bank", "--seed", 1, "a.png", "b.png").returncode == 0
    told = json.loads((tmp_path / "b.png.manifest.json").read_text())
    assert told["bank"]["sha256"] == bank.sha256 and told["bank"]["licence"] == "CC0-1.0"
    assert told["bank"]["people"] == len(bank) and told["attributes"] == "keep"
    assert [face["method"] for face in told["files"][0]["faces"]] == ["generated"]


def test_the_same_portraits_make_the_same_bank(epd: Epd, portraits: Path, tmp_path: Path) -> None:
    one, two = (read_bank(tmp_path / built(epd, portraits, name)) for name in ("one.bank", "two.bank"))
    for name, array in one.arrays.items():
        np.testing.assert_array_equal(array, two.arrays[name])


def test_a_bank_is_not_overwritten_unless_asked(epd: Epd, portraits: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.bank").write_bytes(b"mine")
    shown = epd("bank", "build", portraits, "--out", "mine.bank")
    assert shown.returncode == 2 and "already exists" in shown.stderr
    assert (tmp_path / "mine.bank").read_bytes() == b"mine"


def test_portraits_of_nobody_make_no_bank(epd: Epd, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), (90, 120, 60)).save(tmp_path / "meadow.png")
    shown = epd("bank", "build", "meadow.png", "--out", "mine.bank")
    assert shown.returncode == 2 and "None of the portraits" in shown.stderr
    assert not (tmp_path / "mine.bank").exists() and "Traceback" not in shown.stderr


@pytest.mark.parametrize("content", [None, b"no bank"])
def test_what_is_no_bank_is_one_sentence(epd: Epd, tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "mine.bank").write_bytes(content)
    Image.new("RGB", (60, 60)).save(tmp_path / "a.png")
    for arguments in (["deidentify", "--bank", "mine.bank", "a.png", "b.png"], ["bank", "show", "mine.bank"]):
        shown = epd(*arguments)
        assert shown.returncode == 3 and "mine.bank" in shown.stderr and "Traceback" not in shown.stderr
        assert not (tmp_path / "b.png").exists()
