"""The quick-start notebook runs, cell by cell, and shows what it promises."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "quickstart.ipynb"


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
    shutil.copytree(ROOT / "examples" / "pictures", tmp_path / "examples" / "pictures")
    (tmp_path / "docs").mkdir()
    where = {"metadata": {"path": str(tmp_path / "docs")}}
    client.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=where).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    said = "".join(output.get("text", "") for output in outputs)
    assert "29 faces" in said and "pass in" in said and "generated" in said
    shown = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(shown) == 3
