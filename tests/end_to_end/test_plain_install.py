"""Every command where nothing but the plain install can be imported: it works, or ends with 3 and the line to
paste."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command

from epdcli.commands import app
from epdcli.networks import shipped_bank
from epdcli.synthetic.bank import read_bank
from tests.conftest import ROOT

_OURS = {"epdcli", "epd_backends", "epd_weights"}
# Runs before everything else, in the processes that a command starts, too.
_SITE = """
import sys

class OnlyBase:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, OnlyBase())
"""


def other_modules() -> set[str]:
    """What is installed here and is not of the plain install: our dependencies without extras, and theirs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted, seen = [name_of(need) for need in project["dependencies"]], set()
    while wanted:
        if (name := wanted.pop()) in seen:
            continue
        seen.add(name)
        with suppress(PackageNotFoundError):  # what only other systems need
            needs = distribution(name).requires or []
            wanted += [name_of(need) for need in needs if "extra ==" not in need]
    owners = packages_distributions().items()
    return {module for module, several in owners if not seen & set(map(name_of, several))} - _OURS


def name_of(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures, and one that keeps Python from everything but the plain install."""
    root = tmp_path_factory.mktemp("plain")
    (root / "site").mkdir()
    (root / "site" / "sitecustomize.py").write_text(_SITE.format(blocked=other_modules()))
    (root / "in").mkdir()
    picture = pytest.importorskip("skimage.data").astronaut()
    Image.fromarray(picture).save(root / "in" / "a.jpg")
    Image.fromarray(np.asarray(picture)[:, ::-1]).save(root / "in" / "b.png")
    (root / "people").mkdir()
    person = Image.fromarray(read_bank(*shipped_bank()).picture(3))
    person.resize((512, 512)).save(root / "people" / "3.jpg", quality=95)
    return root


def epd(plain: Path, line: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(plain / "site"), *sys.path])
    return subprocess.run(
        [sys.executable, "-m", "epdcli", *line.split()],
        capture_output=True,
        text=True,
        cwd=plain,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )


WORKS = {
    "deidentify": ["deidentify -j 2 in out", "deidentify --method ksame --strength 2 in out-ksame"],
    "detect": ["detect --json in"],
    "backends": ["backends"],
    "doctor": ["doctor --json"],
    "inspect": ["inspect in/a.jpg"],
    "benchmark": ["benchmark --rounds 1 --batch 1 --pictures in --plot bars.html"],
    "bank build": ["bank build people --out my.bank"],
    "bank show": ["bank show --most 2"],
    "manifest merge": [
        "deidentify --shard 1/1 in out-s",
        "manifest merge out-s.manifest.1-of-1.json -o all.json",
    ],
    "manifest check": ["manifest check out-s --manifest all.json"],
    "schema": ["schema", "schema manifest"],
}
LACKS = {
    "deidentify --backend torch in o1": "torch",
    "deidentify --backend onnxruntime in o2": "onnxruntime",
    "deidentify --detector dlib in o3": "dlib",
    "detect --detector dlib in": "dlib",
    "benchmark --backend torch --pictures in": "torch",
    "benchmark --plot bars.png --pictures in": "matplotlib",
    "export onnx": "export,onnxruntime,torch",
    "export openvino": "export,torch",
    "evaluate in --methods blur": "evaluate",
    "evaluate in --methods blur --attacks all": "evaluate",
}


def test_no_command_is_left_out() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    names = {
        f"{name} {part}".strip()
        for name, one in commands.items()
        for part in getattr(one, "commands", {"": 0})
    }
    assert names == {*WORKS, "export", "evaluate"}
    assert {"export", "evaluate"} <= {line.split()[0] for line in LACKS}


@pytest.mark.parametrize("line", [line for lines in WORKS.values() for line in lines])
def test_it_works(plain: Path, line: str) -> None:
    shown = epd(plain, line)
    assert shown.returncode == 0, shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize("line", LACKS)
def test_it_says_what_to_install(plain: Path, line: str) -> None:
    shown = epd(plain, line)
    assert shown.returncode == 3 and "Traceback" not in shown.stderr, shown.stderr
    assert re.search(rf'pip install ("epdcli\[{LACKS[line]}\]"|{LACKS[line]})', shown.stderr), shown.stderr
    assert not list(plain.glob("o[123]")) and not (plain / "export").exists()
