"""A method that must see all faces first, through the real command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli.files import sha256_of

Epd = Callable[..., subprocess.CompletedProcess[str]]


def manifest(path: Path) -> dict:
    return json.loads(path.read_text())


@pytest.fixture
def people(tmp_path: Path, shared: Path) -> Path:
    """Two groups, and a file that can't be read."""
    folder = tmp_path / "people"
    folder.mkdir()
    for path in sorted((shared / "data" / "groups").glob("*.jpg"))[:2]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    return folder


def test_all_faces_are_seen_first_and_workers_make_the_same_of_them(
    epd: Epd, people: Path, tmp_path: Path
) -> None:
    for jobs, out in ((1, "one"), (2, "two")):
        shown = epd("deidentify", "-m", "ksame", "--strength", 2, "-j", jobs, "people", out)
        assert shown.returncode == 1 and "looks at all" in shown.stderr, shown.stderr
    one, two = (manifest(tmp_path / f"{out}.manifest.json") for out in ("one", "two"))
    assert one["prepared"] == two["prepared"]
    assert one["prepared"]["k"] == 2 and one["prepared"]["smallest_group"] >= 2
    assert one["summary"]["methods"] == two["summary"]["methods"] and one["summary"]["methods"]["ksame"]
    for file in one["files"]:
        assert (file["output"] is None) == (file["source"] == "broken.jpg")
        for face in file["faces"]:
            assert face["method"] in ("ksame", "soft")
            assert face["method"] == "soft" or face["identity_distance"] > face["threshold"]
        if file["output"]:
            assert sha256_of(tmp_path / "two" / file["output"]) == file["sha256"]


def test_an_average_of_one_persons_pictures_is_not_released(
    epd: Epd, tmp_path: Path, astronaut: np.ndarray
) -> None:
    (tmp_path / "in").mkdir()
    for number, light in enumerate((1.0, 0.9)):
        Image.fromarray((astronaut * light).astype(np.uint8)).save(tmp_path / "in" / f"{number}.png")
    assert epd("deidentify", "-m", "ksame", "--strength", 2, "in", "out").returncode == 0
    assert set(manifest(tmp_path / "out.manifest.json")["summary"]["methods"]) == {"soft"}


def test_too_few_faces_for_k_are_said_before_anything_is_written(epd: Epd, people: Path) -> None:
    shown = epd("deidentify", "-m", "ksame", "--strength", 500, "people", "out")
    assert shown.returncode == 2 and "k-Same with k = 500 needs 500" in shown.stderr
    assert sorted(path.name for path in people.parent.iterdir()) == ["people"]
