"""What the README shows works as it is written there, line by line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli.networks import shipped_bank
from epdcli.synthetic.bank import read_bank
from tests.conftest import code_blocks

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


COMMANDS = [
    line.split("  #")[0].strip()
    for block in code_blocks(README, "sh")
    for line in block.splitlines()
    if line.startswith("epd ")
]


@pytest.fixture
def desk(tmp_path: Path, astronaut: np.ndarray) -> Path:
    """A folder as the README supposes it: img/ with a sub-folder, one.jpg, portraits/, the examples."""
    (tmp_path / "img" / "deep").mkdir(parents=True)
    Image.fromarray(astronaut).save(tmp_path / "one.jpg", quality=90)
    Image.fromarray(astronaut[:300, :300]).save(tmp_path / "img" / "deep" / "a.png")
    Image.fromarray(read_bank(*shipped_bank()).picture(700)).resize((512, 512)).save(
        tmp_path / "img" / "b.png"
    )
    (tmp_path / "portraits").mkdir()
    face = read_bank(*shipped_bank()).picture(500)
    Image.fromarray(face).resize((512, 512)).save(tmp_path / "portraits" / "a.jpg", quality=95)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


def run(command: list[str] | str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.run(
        command,
        shell=isinstance(command, str),
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_readme_shows_commands_and_python() -> None:
    assert len(COMMANDS) >= 5
    assert len(code_blocks(README, "python")) >= 1


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_works(command: str, desk: Path) -> None:
    if "--bank my.bank" in command:  # an earlier line has built it
        shutil.copy(shipped_bank()[0], desk / "my.bank")
    if "--detections faces.json" in command:
        assert run("epd detect --json img/ > faces.json", desk).returncode == 0
    if command.startswith("epd manifest check"):
        assert run("epd deidentify img/ out/", desk).returncode == 0
    if command.startswith("epd benchmark"):  # as it stands there it takes a minute
        command += " --rounds 1 --batch 1"
    done = run(command, desk)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("code", code_blocks(README, "python"))
def test_the_python_of_the_readme_works(code: str, desk: Path) -> None:
    done = run([sys.executable, "-c", code], desk)
    assert done.returncode == 0, done.stderr
    assert "pass" in done.stdout


def test_every_file_that_the_readme_names_is_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / target).exists(), target
