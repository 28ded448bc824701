"""What commands print as JSON is one document that fits its schema; everything else goes to stderr."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastjsonschema
import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT, code_blocks

Epd = Callable[..., subprocess.CompletedProcess[str]]

PAGE = (ROOT / "docs" / "json.md").read_text()
NOISY = """
import ctypes
import os

print("from Python")
os.write(1, b"from a descriptor\\n")
ctypes.CDLL(None).puts(b"from C")
os.system("echo from a process")


class Noisy:
    name, formats = "noisy", ()

    def probe(self):
        print("again")
        return ["cpu"]

    def open(self, *given):
        raise NotImplementedError
"""


@pytest.fixture
def folder(tmp_path: Path, astronaut: np.ndarray) -> Path:
    """A portrait with metadata, a broken picture, and a file that is skipped."""
    root = tmp_path / "in"
    root.mkdir()
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    Image.fromarray(astronaut[:300, 80:380]).save(root / "a.jpg", exif=exif)
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (root / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    return root


def fits(epd: Epd, name: str, document: Any) -> None:
    shown = epd("schema", name)
    assert shown.returncode == 0, shown.stderr
    fastjsonschema.compile(json.loads(shown.stdout))(document)
    if shutil.which("jq"):
        run = [*jq_of(name), "--exit-status"]
        answer = subprocess.run(run, input=json.dumps(document), capture_output=True, text=True, check=False)
        assert answer.returncode in (0, 1, 4), answer.stderr  # 1 and 4: it found nothing


def jq_of(name: str) -> list[str]:
    """The line of the page for a schema: jq, its options and its program, without the file."""
    lines = "".join(code_blocks(PAGE, "sh")).splitlines()
    (line,) = (line for line in lines if f"# {name}: " in line)
    words = shlex.split(line, comments=True)
    return [word for word in words[words.index("jq") :] if not word.endswith(".json")]


@pytest.mark.parametrize(
    ("arguments", "name", "code"),
    [
        (["backends", "--json"], "backends", 0),
        (["detect", "--json", "in"], "detections", 1),
        (["deidentify", "--json", "--dry-run", "in", "out"], "deidentify", 1),
        (["inspect", "--json", "in/a.jpg", "in/broken.png"], "inspect", 1),
        (["doctor", "--json", "--picture", "in/a.jpg"], "doctor", None),
    ],
)
def test_what_is_printed_fits_its_schema(
    epd: Epd, folder: Path, arguments: list[str], name: str, code: int | None
) -> None:
    shown = epd(*arguments)
    assert code in (None, shown.returncode), shown.stderr
    document = json.loads(shown.stdout)
    assert document
    fits(epd, name, document)


def test_a_run_its_shards_and_their_record_fit(epd: Epd, folder: Path, tmp_path: Path) -> None:
    shown = epd("deidentify", "--json", "--key", folder / "clip.mp4", "in", "out")
    assert shown.returncode == 2 and shown.stdout == ""  # a key of 12 bytes
    shown = epd("deidentify", "--json", "--rename", "hash", "in", "out")
    assert shown.returncode == 1
    fits(epd, "deidentify", json.loads(shown.stdout))
    fits(epd, "manifest", json.loads((tmp_path / "out.manifest.json").read_text()))
    for k in (1, 2):
        epd("deidentify", "--shard", f"{k}/2", "--method", "soft", "in", "parts")
        fits(epd, "manifest", json.loads((tmp_path / f"parts.manifest.{k}-of-2.json").read_text()))
    merged = epd("manifest", "merge", *sorted(tmp_path.glob("parts.manifest.*")), "-o", "parts.manifest.json")
    assert merged.returncode == 0, merged.stderr
    fits(epd, "manifest", json.loads((tmp_path / "parts.manifest.json").read_text()))


def test_what_a_plugin_prints_is_not_in_the_document(
    epd: Epd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = tmp_path / "noisy-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[epd.backends]\nnoisy = noisy:Noisy\n")
    (tmp_path / "noisy.py").write_text(NOISY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    shown = epd("backends", "--json")
    (row,) = (row for row in json.loads(shown.stdout) if row["name"] == "noisy")
    assert row["devices"] == ["cpu"]
    for words in ("from Python", "from a descriptor", "from C", "from a process", "again"):
        assert words in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["detect", "--json", "nowhere"], 2),
        (["detect", "--json", "--backend", "abacus", "in"], 3),
        (["deidentify", "--json", "in"], 2),
        (["export", "onnx", "--json", "--int8"], 2),
        (["inspect", "--json"], 2),
    ],
)
def test_what_can_not_be_done_prints_nothing_on_stdout(
    epd: Epd, folder: Path, arguments: list[str], code: int
) -> None:
    shown = epd(*arguments)
    assert (shown.returncode, shown.stdout) == (code, "")
    assert shown.stderr


def test_the_python_of_the_page_runs(tmp_path: Path) -> None:
    (code,) = code_blocks(PAGE, "python")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_unknown_schema_is_a_sentence(epd: Epd) -> None:
    shown = epd("schema", "nothing")
    assert shown.returncode == 2 and "only backends, " in shown.stderr and "Traceback" not in shown.stderr
    assert "manifest" in epd("schema").stdout.split()
