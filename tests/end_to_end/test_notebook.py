"""The quick-start notebook runs, cell by cell, without a network, and shows what it promises."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "quickstart.ipynb"
# Runs before everything else in the kernel and in the commands it starts. ZeroMQ's own sockets don't pass it.
_SITE = """
import sys

def local_only(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if host not in (None, "", "localhost", "127.0.0.1", "::1"):
        with open({asked!r}, "a") as file:
            print(event, host, file=file)
        raise OSError(f"no network here, and {{host!r}} was asked for")

sys.addaudithook(local_only)
"""


@pytest.fixture
def notebook() -> Any:
    return pytest.importorskip("nbformat").read(NOTEBOOK, as_version=4)


def test_no_outputs_are_kept(notebook: Any) -> None:
    assert not [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count")]


def test_the_notebook_runs(notebook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    asked = tmp_path / "asked"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(_SITE.format(asked=str(asked)))
    path = [str(tmp_path / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))  # where the notebook makes its folder
    shutil.copytree(ROOT / "examples" / "pictures", tmp_path / "examples" / "pictures")
    (tmp_path / "docs").mkdir()
    where = {"metadata": {"path": str(tmp_path / "docs")}}
    client.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    said = re.sub(r"\x1b\[[\d;]*m", "", "".join(output.get("text", "") for output in outputs))
    assert "openvino" in said and "pass in" in said and "29 faces" in said
    assert "score" in said and "1 pass; 1 face" in said and '"attempts"' in said
    shown = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(shown) == 2
    assert len([*(tmp_path / "tmp").rglob("out.manifest.json")]) == 1
    assert not asked.exists(), asked.read_text()
