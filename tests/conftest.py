"""What several tests share: the public-domain portrait, the shared folder, a fresh command line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


def code_blocks(page: str, language: str) -> list[str]:
    """The blocks of one language in a Markdown page."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """Eileen Collins, NASA, public domain: 512 x 512, RGB, one face."""
    return pytest.importorskip("skimage.data").astronaut()


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the shared folder with evaluation pictures is not here")
    return SHARED


@pytest.fixture
def epd(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `epd` as a user does, in an empty folder."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "epdcli", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )

    return run
