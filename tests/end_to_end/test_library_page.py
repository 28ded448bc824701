"""What docs/library.md shows runs as it stands there, and shows every public name."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import epdcli
from tests.conftest import ROOT, code_blocks

PAGE = (ROOT / "docs" / "library.md").read_text()
BLOCKS = code_blocks(PAGE, "python")


def test_every_public_name_is_shown() -> None:
    shown = "\n".join(BLOCKS)
    assert [name for name in epdcli.__all__ if not re.search(rf"\b{name}\b", shown)] == []


def test_the_blocks_run_one_after_the_other(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "pictures", tmp_path / "examples" / "pictures")
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(BLOCKS)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"examples", "new.jpg", "helmet.jpg"}
