"""A second run into the same output: what an earlier one left, and what is done already."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from epdcli.files import sha256_of

Epd = Callable[..., subprocess.CompletedProcess[str]]
QUICK = ("--method", "solid", "--passes", "upright", "--seed", 1)


@pytest.fixture
def folder(tmp_path: Path, astronaut: np.ndarray) -> Path:
    root = tmp_path / "in"
    root.mkdir()
    Image.fromarray(astronaut).save(root / "Jane_Doe.jpg")
    Image.fromarray(astronaut[:, ::-1]).save(root / "other.jpg")
    return root


def manifest(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())  # type: ignore[no-any-return]


def test_what_a_stricter_run_withholds_is_not_left_from_an_earlier_one(
    epd: Epd, folder: Path, tmp_path: Path
) -> None:
    """Here the output even began as a copy of the originals."""
    shutil.copytree(folder, tmp_path / "out")
    shown = epd("deidentify", *QUICK, "--overwrite", "--expect-faces", 5, "in", "out")
    assert shown.returncode == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_new_names_leave_none_of_the_old(epd: Epd, folder: Path, tmp_path: Path) -> None:
    assert epd("deidentify", *QUICK, "in", "out").returncode == 0
    assert epd("deidentify", *QUICK, "--overwrite", "--rename", "hash", "in", "out").returncode == 0
    left = [path.name for path in (tmp_path / "out").iterdir()]
    assert len(left) == 2 and not {"Jane_Doe.jpg", "other.jpg"} & set(left)


def test_what_else_lies_in_the_output_is_said(epd: Epd, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "stranger.jpg").write_bytes(b"?")
    shown = epd("deidentify", "--quiet", *QUICK, "in", "out")
    assert shown.returncode == 0
    assert "stranger.jpg" in shown.stderr
    others = manifest(tmp_path / "out.manifest.json")["other_files_in_output"]
    assert others == {"count": 1, "first": ["stranger.jpg"]}


def test_a_finished_run_is_not_done_again_and_one_more_picture_changes_no_other(
    epd: Epd, folder: Path, tmp_path: Path, astronaut: np.ndarray
) -> None:
    quick = QUICK[:-2]  # without a seed: done again, the files would differ
    assert epd("deidentify", *quick, "in", "out").returncode == 0
    before = {path.name: (sha256_of(path), path.stat().st_mtime_ns) for path in (tmp_path / "out").iterdir()}
    Image.fromarray(astronaut[::1, :480]).save(folder / "third.jpg")
    shown = epd("deidentify", *quick, "--resume", "in", "out")
    assert shown.returncode == 0, shown.stderr
    after = {path.name: (sha256_of(path), path.stat().st_mtime_ns) for path in (tmp_path / "out").iterdir()}
    assert after.keys() - before.keys() == {"third.jpg"}
    assert before.items() <= after.items()
    assert len(manifest(tmp_path / "out.manifest.json")["files"]) == 3


def test_a_source_that_has_changed_or_gone_is_noticed(
    epd: Epd, folder: Path, tmp_path: Path, astronaut: np.ndarray
) -> None:
    assert epd("deidentify", *QUICK, "in", "out").returncode == 0
    before = sha256_of(tmp_path / "out" / "other.jpg")
    Image.fromarray(astronaut[:, ::-1] // 2).save(folder / "other.jpg")
    (folder / "Jane_Doe.jpg").unlink()
    shown = epd("deidentify", *QUICK, "--resume", "in", "out")
    assert shown.returncode == 0, shown.stderr
    assert sha256_of(tmp_path / "out" / "other.jpg") != before
    assert "Jane_Doe.jpg" in shown.stderr  # its output is there yet, and no source


@pytest.mark.parametrize("option", [("--method", "blur"), ("--expect-faces", 1), ("--no-mark",)])
def test_a_run_with_other_settings_does_not_go_on(
    epd: Epd, folder: Path, tmp_path: Path, option: tuple[object, ...]
) -> None:
    assert epd("deidentify", *QUICK, "in", "out").returncode == 0
    before = {path.name: sha256_of(path) for path in (tmp_path / "out").iterdir()}
    shown = epd("deidentify", *QUICK, *option, "--resume", "in", "out")
    assert (shown.returncode, "other settings" in shown.stderr) == (2, True)
    assert {path.name: sha256_of(path) for path in (tmp_path / "out").iterdir()} == before


def test_resume_replaces_nothing_that_no_run_of_ours_wrote(epd: Epd, folder: Path, tmp_path: Path) -> None:
    assert epd("deidentify", *QUICK, "in/other.jpg", "out").returncode == 0
    (tmp_path / "out" / "Jane_Doe.jpg").write_bytes(b"somebody's work")
    shown = epd("deidentify", *QUICK, "--resume", "in", "out")
    assert (shown.returncode, "already exists" in shown.stderr) == (2, True)
    assert (tmp_path / "out" / "Jane_Doe.jpg").read_bytes() == b"somebody's work"


def test_what_may_show_people_and_was_not_done_is_in_table_and_manifest(
    epd: Epd, folder: Path, tmp_path: Path
) -> None:
    (folder / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    shown = epd("deidentify", "--quiet", *QUICK, "in", "out")
    assert (shown.returncode, "clip.mp4" in shown.stderr) == (1, True)
    assert [one["source"] for one in manifest(tmp_path / "out.manifest.json")["skipped"]] == ["clip.mp4"]
    shown = epd("deidentify", "--quiet", *QUICK, "--overwrite", "--ignore", "*.mp4", "in", "out")
    assert (shown.returncode, shown.stderr) == (0, "")


def test_a_dry_run_with_a_file_that_cannot_be_read_ends_with_1(
    epd: Epd, folder: Path, tmp_path: Path
) -> None:
    (folder / "bad.jpg").write_bytes(b"x")
    shown = epd("deidentify", *QUICK, "--dry-run", "in", "out")
    assert (shown.returncode, "bad.jpg" in shown.stderr) == (1, True)
