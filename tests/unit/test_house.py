"""The project's own rules that a machine can hold: floors, sizes, quick starts, docs that are true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import epdcli
from tests.conftest import ROOT

SOURCES = sorted(
    path for folder in ("epdcli", "backends", "weights") for path in (ROOT / folder).rglob("*.py")
)
# A room may import from its own files and from lower floors.
ROOMS_BY_FLOOR = (
    ("errors", "model", "wording"),
    ("files", "machine"),
    ("networks", "plugins"),
    ("runtimes",),
    ("pictures",),
    ("faces",),
    ("synthetic",),
    ("methods",),
    ("pipeline", "network_inputs"),
    ("deidentifier",),
    ("batch", "testing"),
    ("exporting", "diagnosis", "evaluation", "benchmarking"),
    ("commands",),
    ("__main__",),
)
FLOORS = {room: floor for floor, rooms in enumerate(ROOMS_BY_FLOOR) for room in rooms}
RUNTIMES = ("torch", "onnxruntime", "openvino", "dlib", "numpy", "cv2", "PIL", "onnx", "matplotlib")


def imports_of(path: Path) -> set[str]:
    """Rooms of epdcli that a file imports, in any form and anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.ImportFrom(level=0, module="epdcli", names=names):
                found |= {name.name for name in names}
            case ast.ImportFrom(level=0, module=str(module)) if module.startswith("epdcli."):
                found.add(module.split(".")[1])
            case ast.Import(names=names):
                found |= {name.name.split(".")[1] for name in names if name.name.startswith("epdcli.")}
            case ast.ImportFrom(level=level) if level:
                raise AssertionError(f"{path}: imports are absolute here")
    return found


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "epdcli").parts[0].removesuffix(".py")


def test_every_room_has_a_floor_and_every_floor_a_room() -> None:
    rooms = {room_of(path) for path in (ROOT / "epdcli").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert rooms - {"__init__", "__pycache__", "py.typed"} == set(FLOORS)


@pytest.mark.parametrize(
    "form",
    [
        "from epdcli import pictures",
        "import epdcli.pictures as p",
        "from epdcli.pictures.read import read",
        "def late():\n    from epdcli import pictures",
    ],
)
def test_every_form_of_import_is_seen(tmp_path: Path, form: str) -> None:
    (tmp_path / "a.py").write_text(form)
    assert imports_of(tmp_path / "a.py") == {"pictures"}


@pytest.mark.parametrize("path", sorted((ROOT / "epdcli").rglob("*.py")), ids=str)
def test_imports_go_down_only(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    wrong = {name for name in imports_of(path) - {room} if FLOORS.get(name, -1) >= FLOORS[room]}
    assert not wrong, f"{path.name} is on floor {FLOORS[room]} and imports {wrong}"
    if room == "faces":
        assert "pictures" not in imports_of(path)


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_no_file_passes_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400, "one that passes 400 lines is two"


@pytest.mark.parametrize("path", [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *SOURCES], ids=str)
def test_figures_keep_their_zero(path: Path) -> None:
    bare = re.findall(r"(?:^|[ (|])\.\d+(?![\w/])", (ROOT / path).read_text(), re.MULTILINE)
    assert not bare, f"{path} has {bare[0].strip()}: write the zero before the point"


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
    kept = (ROOT / "docs" / "commands.md").read_text()
    if written.splitlines()[2] == kept.splitlines()[2]:
        assert written == kept, "run: make docs"
    else:  # another typer, which lays the same help out differently
        assert options_by_command(written) == options_by_command(kept), "run: make docs"


def options_by_command(reference: str) -> dict[str, set[str]]:
    sections = (section.partition("\n") for section in reference.split("\n## ")[1:])
    return {title: set(re.findall(r"--[a-z][\w-]+", text)) for title, _, text in sections}
