"""Sets of our own methods are made once, and again when what made them has changed."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from epdcli.deidentifier import Options
from epdcli.evaluation.own_methods import deidentified


class Silent:
    """An observer whom a run must not reach."""

    def __getattr__(self, name: str) -> None:
        raise AssertionError("a run began")


def made(folder: Path, **changed: object) -> Path:
    told = {
        "tool": f"epdcli {version('epdcli')}",
        **{"method": "warp", "strength": None, "seed": "1", "candidates": 3},
        **{"interrupted": False, "summary": {"seconds": 12.5}},
    }
    (folder / "warp.manifest.json").write_text(json.dumps({**told, **changed}))
    return folder / "warp"


def test_a_set_that_was_made_so_is_not_made_again(tmp_path: Path) -> None:
    given = deidentified(tmp_path, Options(method="warp", seed=1, candidates=3), made(tmp_path), 1, Silent())
    assert given.seconds == 12.5


@pytest.mark.parametrize(
    "changed",
    [
        {"candidates": 1},
        {"seed": "2"},
        {"interrupted": True},
        {"strength": 0.1},
        {"tool": "epdcli 0"},
        {"bank": {"sha256": "ab"}},
    ],
)
def test_a_set_that_was_made_otherwise_is_made_again(tmp_path: Path, changed: dict[str, object]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"not a picture")
    options = Options(method="warp", seed=1, candidates=3)
    with pytest.raises(AssertionError, match="a run began"):
        deidentified(tmp_path / "in", options, made(tmp_path, **changed), 1, Silent())
