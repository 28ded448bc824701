"""What docs/plugins.md shows: the examples are installed, keep their contracts and work as written there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import cv2
import pytest
from PIL import Image

from epdcli.networks import shipped_bank
from epdcli.synthetic.bank import read_bank
from tests.conftest import ROOT, code_blocks

EXAMPLES = ROOT / "examples" / "plugins"
NAMES = ("mirrored", "opencv", "squares")
PAGE = (ROOT / "docs" / "plugins.md").read_text()
READS_ALL = tuple(map(int, cv2.__version__.split(".")[:2])) >= (4, 13)
LACKING = "the example backend needs OpenCV 4.13"


def commands(program: str) -> list[str]:
    lines = [line.split("  #")[0].strip() for block in code_blocks(PAGE, "sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith(f"{program} ")]


def has(package: str, least: int) -> bool:
    """Whether a distribution is here; importing setuptools would change what else is imported."""
    try:
        return int(version(package).partition(".")[0]) >= least
    except PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own with the examples, installed without a network."""
    if not (has("pip", 21) and has("setuptools", 77)):
        pytest.skip("without a network, pip 21 and setuptools 77 must be here to build the examples")
    desk = tmp_path_factory.mktemp("desk")
    build_leftovers = shutil.ignore_patterns("build", "*.egg-info")
    shutil.copytree(ROOT / "examples", desk / "examples", ignore=build_leftovers)
    given = [word for line in commands("pip") for word in shlex.split(line)[2:]]
    alone = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    done = run([sys.executable, "-m", "pip", "install", "-q", *alone, "--target", "site", *given], desk)
    assert done.returncode == 0, done.stderr
    return desk / "site"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder as the page supposes it: img/, portraits/ and, as an earlier line has built it, my.bank."""
    people = read_bank(*shipped_bank())
    for name, person in (("img", 700), ("portraits", 500)):
        (tmp_path / name).mkdir()
        portrait = Image.fromarray(people.picture(person)).resize((512, 512))
        portrait.save(tmp_path / name / "person.jpg", quality=95)
    shutil.copy(ROOT / "examples" / "pictures" / "astronaut.jpg", tmp_path / "img")
    shutil.copy(shipped_bank()[0], tmp_path / "my.bank")
    return tmp_path


def run(
    command: Sequence[str | Path], folder: Path, installed: Path | None = None
) -> subprocess.CompletedProcess[str]:
    path = [os.environ.get("PYTHONPATH", ""), *([str(installed)] if installed else [])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def epd(line: str, desk: Path, installed: Path) -> subprocess.CompletedProcess[str]:
    done = run([sys.executable, "-m", "epdcli", *shlex.split(line)[1:]], desk, installed)
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    return done


def check_output(line: str, desk: Path) -> None:
    """Both pictures have passed and are new ones, and the manifest says that the plug-ins made them."""
    told = json.loads((desk / "out.manifest.json").read_text())
    asked = dict(re.findall(r"--(method|detector|backend) (\w+)", line))
    assert asked == {kind: told[kind] for kind in asked}
    assert [(file["source"], file["verdict"]) for file in told["files"]] == [
        ("astronaut.jpg", "pass"),
        ("person.jpg", "pass"),
    ]
    shown = asked.get("method", "generated")
    assert [[face["method"] for face in file["faces"]] for file in told["files"]] == [[shown], [shown]]
    if asked.get("backend") == "opencv":
        assert told["provider"].startswith("OpenCV")
    for name in ("astronaut.jpg", "person.jpg"):
        assert (desk / "out" / name).read_bytes() != (desk / "img" / name).read_bytes()


@pytest.mark.parametrize("line", commands("epd"))
def test_every_command_of_the_page_works(line: str, desk: Path, installed: Path) -> None:
    if "--backend opencv" in line and not READS_ALL:
        pytest.skip(LACKING)
    if line.startswith("epd bank build"):
        (desk / "my.bank").unlink()
    done = epd(line, desk, installed)
    match shlex.split(line)[1:3]:
        case ["deidentify", _]:
            check_output(line, desk)
        case ["detect", _]:
            assert len(list((desk / "boxes").iterdir())) == 2
        case ["bank", "build"]:
            assert read_bank(desk / "my.bank").about["licence"] == "CC0-1.0"
        case ["bank", "show"]:
            assert Image.open(desk / "people.jpg").width > 100
        case ["backends"]:
            assert "epd-opencv" in done.stdout
        case other:
            raise AssertionError(f"nobody has said what {other} must do")


@pytest.mark.skipif(not READS_ALL, reason=LACKING)
def test_the_examples_work_together_in_several_processes(desk: Path, installed: Path) -> None:
    line = "epd deidentify -j 2 --method squares --detector mirrored --backend opencv --seed 1 img out"
    epd(line, desk, installed)
    check_output(line, desk)


def test_the_examples_keep_their_contracts(tmp_path: Path, installed: Path) -> None:
    tests = installed.parent / "examples" / "plugins" / "test_plugins.py"
    chosen = () if READS_ALL else ("-k", "not OpenCv")
    done = run([sys.executable, "-m", "pytest", "-q", *chosen, tests], tmp_path, installed)
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_example_is_installed_by_a_line_of_the_page() -> None:
    folders = sorted(path.parent.name for path in EXAMPLES.glob("*/pyproject.toml"))
    assert folders == sorted(Path(shlex.split(line)[-1]).name for line in commands("pip")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_shows_code_and_entry_point_of_every_example(name: str) -> None:
    code = (EXAMPLES / name / f"epd_{name}.py").read_text()
    assert any(block in code for block in code_blocks(PAGE, "python"))
    assert len(code.splitlines()) <= 60
    metadata = tomllib.loads((EXAMPLES / name / "pyproject.toml").read_text())
    ((group, declared),) = metadata["project"]["entry-points"].items()
    assert group in PAGE and f'{name} = "{declared[name]}"' in PAGE


def test_all_code_on_the_page_is_that_of_the_examples() -> None:
    """But for the sketch of a method that prepares, which can be compiled."""
    files = [path.read_text() for path in (*EXAMPLES.rglob("*.py"), *EXAMPLES.glob("*/pyproject.toml"))]
    shown = [*code_blocks(PAGE, "python"), *code_blocks(PAGE, "toml")]
    others = [block for block in shown if not any(block in file for file in files)]
    assert len(others) == 1 and others[0].startswith("class Average")
    compile(others[0], "docs/plugins.md", "exec")


def test_every_file_that_the_page_names_is_there() -> None:
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
