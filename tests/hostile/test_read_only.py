"""A machine on which nothing can be written but the output: no temporary folder, no home, no /dev/shm."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_EVERYTHING_READ_ONLY = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mount -o remount,bind,ro /
awk '{print $2}' /proc/mounts | sort -u | while read -r place; do
    case $place in /mnt|/proc*|/sys*|/dev) ;; *) mount -o remount,bind,ro "$place" 2>/dev/null || true ;; esac
done
! touch /tmp/x 2>/dev/null
export HOME=/nowhere
cd /mnt
"""


def in_a_read_only_machine(commands: str) -> subprocess.CompletedProcess[str]:
    script = _EVERYTHING_READ_ONLY + commands
    return subprocess.run(
        ["unshare", "-m", "bash", "-c", script], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module", autouse=True)
def needs_namespaces() -> None:
    if shutil.which("unshare") is None or in_a_read_only_machine("true").returncode:
        pytest.skip("a read-only file system can't be made here")


def test_pictures_are_de_identified_where_only_the_output_can_be_written(tmp_path: Path) -> None:
    data = pytest.importorskip("skimage.data")
    from PIL import Image

    Image.fromarray(data.astronaut()).save(tmp_path / "in.jpg")
    epd = f"{shlex.quote(sys.executable)} -m epdcli"
    source = shlex.quote(str(tmp_path / "in.jpg"))
    done = in_a_read_only_machine(
        f"{epd} deidentify {source} /mnt/out/new.jpg && {epd} inspect /mnt/out/new.jpg && ls /mnt/out"
    )
    assert done.returncode == 0, done.stderr
    assert "1 pass" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_says_that_there_is_no_temporary_folder() -> None:
    done = in_a_read_only_machine(f"cd /; {shlex.quote(sys.executable)} -m epdcli doctor --json || true")
    (disk,) = (one for one in json.loads(done.stdout) if one["subject"] == "disk")
    assert disk["said"].endswith("none (temporary)")
    assert "Traceback" not in done.stderr
