"""The wheel works from any folder, with the weights inside and nothing of the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, source = tmp_path_factory.mktemp("wheel"), tmp_path_factory.mktemp("source")
    for name in ("epdcli", "backends", "weights"):  # a copy: building leaves a folder behind
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip("setuptools can't be fetched to build a wheel")
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_the_three_packages_and_the_weights(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"epdcli", "epd_backends", "epd_weights"}
    sources = {
        path.relative_to(ROOT / folder).as_posix()
        for folder in (".", "backends", "weights")
        for package in ("epdcli", "epd_backends", "epd_weights")
        for path in (ROOT / folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert sources <= set(names), f"missing in the wheel: {sorted(sources - set(names))}"
    assert wheel.stat().st_size < 40e6


@pytest.mark.slow
def test_the_wheel_deidentifies_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    picture = ROOT / "examples" / "pictures" / "astronaut.jpg"
    where = "import epdcli, sys; print(epdcli.__file__); from epdcli.commands import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", where, "deidentify", "--quiet", str(picture), "out.jpg"],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert str(site) in done.stdout
    assert (elsewhere / "out.jpg").stat().st_size > 10_000
