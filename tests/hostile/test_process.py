"""Runs that are killed, interrupted, doubled or out of disk: nothing half-written, nothing done twice.

`EPD_KILLS` says how many times the run is killed; `make hostile` asks for 50.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .planting import portrait

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals and limits are asked of a POSIX system"),
]

KILLS = int(os.environ.get("EPD_KILLS", "4"))
PARTIAL = ".epd-partial-"
_EPD = [sys.executable, "-c", "from epdcli.commands import main; main()", "deidentify"]
_QUICK = ["--method", "solid", "--seed", "7", "--passes", "upright", "--jobs", "1"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(10):
        pixels = np.roll(portrait(), 4 * number, axis=1)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def uninterrupted(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("whole") / "out"
    done = subprocess.run(
        [*_EPD, str(pictures), str(out), *_QUICK], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return digests(out)


def start(pictures: Path, out: Path, *options: str, **how: object) -> subprocess.Popen[str]:
    command = [*_EPD, str(pictures), str(out), *_QUICK, *options]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)  # type: ignore[call-overload, no-any-return]


def finish(run: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = run.communicate(timeout=300)
    return run.returncode, out + err


def digests(folder: Path) -> dict[str, str]:
    """What stands in a folder under a final name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(PARTIAL)
    }


def partial_files(folder: Path) -> list[Path]:
    return list(folder.rglob(f"{PARTIAL}*"))


def records(out: Path) -> Sequence[dict[str, object]]:
    manifest = out.with_name(out.name + ".manifest.json")
    return json.loads(manifest.read_text())["files"]  # type: ignore[no-any-return]


@pytest.mark.timeout(3600)
def test_a_run_killed_at_random_moments_goes_on_to_the_same_result(
    pictures: Path, uninterrupted: dict[str, str], tmp_path: Path
) -> None:
    chance, killed, round_ = random.Random(50), 0, 0
    while killed < KILLS:
        out = tmp_path / f"out{round_}"
        round_ += 1
        for _ in range(6):
            run = start(pictures, out, "--resume")
            try:
                run.wait(timeout=chance.uniform(0.5, 7))
                break  # it was done before its end came
            except subprocess.TimeoutExpired:
                run.kill()
                run.communicate()
                killed += 1
            assert digests(out).items() <= uninterrupted.items()
        code, text = finish(start(pictures, out, "--resume"))
        assert code == 0, text
        assert digests(out) == uninterrupted
        assert partial_files(out) == []
        assert sorted(str(record["source"]) for record in records(out)) == sorted(uninterrupted)


def test_what_is_done_is_not_done_again(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = start(pictures, out)
    while len(digests(out)) < 3 and run.poll() is None:
        time.sleep(0.01)
    run.kill()
    run.communicate()
    written = {path.name: path.stat().st_mtime_ns for path in out.iterdir() if path.name in digests(out)}
    code, text = finish(start(pictures, out, "--resume"))
    assert code == 0, text
    again = [name for name, when in written.items() if (out / name).stat().st_mtime_ns != when]
    assert len(again) <= 1  # the one that was written, but not yet in the journal


def test_ctrl_c_ends_with_130_and_leaves_nothing_half_written(
    pictures: Path, uninterrupted: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run = start(pictures, out)
    while not digests(out) and run.poll() is None:
        time.sleep(0.01)
    run.send_signal(signal.SIGINT)
    code, text = finish(run)
    assert code == 130
    assert "Traceback" not in text
    assert partial_files(out) == []
    assert digests(out).items() <= uninterrupted.items()


def test_two_runs_into_one_folder_are_one_too_many(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = start(pictures, out)
    while not digests(out) and first.poll() is None:
        time.sleep(0.01)
    code, text = finish(start(pictures, out, "--overwrite"))
    assert (code, "Another run" in text, "Traceback" in text) == (2, True, False)
    assert finish(first)[0] == 0


def test_a_full_disk_withholds_every_picture_and_leaves_no_empty_file(pictures: Path, tmp_path: Path) -> None:
    import resource

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    out = tmp_path / "out"
    code, text = finish(start(pictures, out, preexec_fn=small_files))
    assert (code, "Traceback" in text) == (1, False)
    assert digests(out) == {}
    assert partial_files(out) == []
    assert {record["verdict"] for record in records(out)} == {"failed"}


def test_names_in_a_detections_file_lead_nowhere_else(pictures: Path, tmp_path: Path) -> None:
    face = {
        "box": [95, 60, 100, 130],
        "score": 1.0,
        "landmarks": [[120, 110], [165, 110], [143, 135], [125, 155], [160, 155]],
    }
    listed = {"../../escape.png": [[face]], "/etc/passwd": [[face]], "0.png": [[face]]}
    found = tmp_path / "detections.json"
    for content in (
        {"files": listed},
        listed,
        {"files": [{"source": name, "faces": faces} for name, faces in listed.items()]},
    ):
        found.write_text(json.dumps(content))
        code, text = finish(
            start(pictures, tmp_path / "in" / "out", "--overwrite", "--detections", str(found))
        )
        assert code in (0, 1, 2)
        assert "Traceback" not in text
        assert not list(tmp_path.rglob("escape*"))
