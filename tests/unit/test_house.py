"""The rules of the house that a machine can hold: floors, sizes, quick starts, docs that are true."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import epdcli
from tests.conftest import ROOT

SOURCES = sorted(
    path for folder in ("epdcli", "backends", "weights") for path in (ROOT / folder).rglob("*.py")
)
# A room may import from its own floor's files and from lower floors.
FLOORS = {
    "errors": 0, "files": 0, "model": 0, "machine": 0,
    "networks": 1, "plugins": 1, "runtimes": 2,
    "pictures": 2, "faces": 3, "synthetic": 4, "methods": 5,
    "pipeline": 6, "network_inputs": 6, "deidentifier": 7,
    "exporting": 8, "diagnosis": 8, "benchmarking": 8,
    "batch": 8, "evaluation": 8, "testing": 8, "testing_detectors": 8,
    "commands": 9, "__main__": 10,
}  # fmt: skip
RUNTIMES = ("torch", "onnxruntime", "openvino", "dlib", "numpy", "cv2", "PIL", "onnx", "matplotlib")


def imports_of(path: Path) -> set[str]:
    """Rooms of epdcli that a file imports, those for type checking alone left out."""
    tree = ast.parse(path.read_text())
    return {
        node.module.split(".")[1]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("epdcli.")
    }


@pytest.mark.parametrize("path", [p for p in SOURCES if "epdcli" in p.parts[-4:]], ids=str)
def test_imports_go_down_only(path: Path) -> None:
    room = path.relative_to(ROOT / "epdcli").parts[0].removesuffix(".py")
    if room == "__init__":
        return
    above = {name for name in imports_of(path) if FLOORS[name] > FLOORS[room]}
    assert not above, f"{path.name} is on floor {FLOORS[room]} and imports {above}"
    if room == "pictures":
        assert "faces" not in imports_of(path)


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_file_passes_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400, "one that passes 400 lines is two"


@pytest.mark.parametrize("arguments", [["--help"], ["deidentify", "--help"], ["detect", "--help"]])
def test_help_imports_no_runtime(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom epdcli.commands import app\n"
        f"try: app({arguments!r})\nexcept SystemExit: pass\n"
        f"print('LOADED', [m for m in {RUNTIMES!r} if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.rstrip().endswith("LOADED []"), shown.splitlines()[-1]


def test_the_public_names_are_these_and_all_exist() -> None:
    assert sorted(epdcli.__all__) == [
        "Answer", "Box", "Deidentifier", "EpdError", "Face", "FaceRecord", "Options", "PictureError",
        "PictureRecord", "Policy", "SetupError", "UsageError", "Verdict",
    ]  # fmt: skip
    assert all(getattr(epdcli, name) for name in epdcli.__all__)


def test_the_command_reference_is_what_the_commands_say() -> None:
    written = subprocess.run(
        [sys.executable, ROOT / "docs" / "write_commands.py"], capture_output=True, text=True, check=True
    ).stdout
    assert written == (ROOT / "docs" / "commands.md").read_text(), "run: make docs"
