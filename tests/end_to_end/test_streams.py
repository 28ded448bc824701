"""Standard streams that are closed or full: the run goes on, and what could not be printed is an error."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli.batch.run import RunSettings, run
from epdcli.commands.progress import Reporter
from epdcli.deidentifier import Options

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")


@pytest.fixture
def work(tmp_path: Path, astronaut: np.ndarray) -> Path:
    (tmp_path / "in").mkdir()
    Image.fromarray(astronaut).save(tmp_path / "in" / "a.jpg")
    return tmp_path


def test_without_shared_memory_pictures_are_done_one_at_a_time(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr("multiprocessing.synchronize.SemLock.__init__", refused)
    settings = RunSettings((work / "in",), work / "out", workers=2)
    outcome = run(settings, Options(), Reporter(quiet=True, as_json=False), ["epd"])
    assert outcome.exit_code == 0 and "one picture at a time" in capsys.readouterr().err


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """A line of the shell in which `epd` is the tool."""
    line = f'epd() {{ "{sys.executable}" -m epdcli "$@"; }}; {line}'
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=folder, check=False)


@pytest.mark.parametrize(("streams", "jobs"), [("2>&-", 1), ("2>/dev/full", 2), ("<&- >&- 2>&-", 2)])
def test_a_run_that_can_say_nothing_ends_as_any_other(work: Path, streams: str, jobs: int) -> None:
    shown = shell(work, f"epd deidentify -j {jobs} in out {streams}")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")
    (record,) = json.loads((work / "out.manifest.json").read_text())["files"]
    assert record["verdict"] == "pass" and [path.name for path in (work / "out").iterdir()] == ["a.jpg"]
    with Image.open(work / "out" / "a.jpg") as released:
        assert released.size == (512, 512), "no message got into the picture"
    (work / "in" / "b.pdf").write_bytes(b"\0")
    assert shell(work, f"epd deidentify -j {jobs} in out2 {streams}").returncode == 1


@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize(
    ("command", "streams"),
    [
        ("detect --json in", ">/dev/full"),
        ("detect in", ">&-"),
        ("deidentify --json in out", ">/dev/full"),
        ("backends", ">/dev/full"),
        ("--version", ">&-"),
    ],
)
def test_what_cannot_be_printed_is_an_error_in_a_sentence(
    work: Path, command: str, streams: str, buffered: str
) -> None:
    shown = shell(work, f"export PYTHONUNBUFFERED={buffered}; epd {command} {streams}")
    assert shown.returncode == 1
    assert "What was to be printed can't be written" in shown.stderr
    assert "Traceback" not in shown.stderr and "Exception ignored" not in shown.stderr
    if "deidentify" in command:
        assert (work / "out" / "a.jpg").exists() and "1 pass" in shown.stderr


def test_who_has_read_enough_is_told_nothing(work: Path) -> None:
    shown = shell(work, "epd detect --json in | true")
    assert shown.stderr == ""
