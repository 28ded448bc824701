"""A run in parts, their records merged, the output checked: through the real command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

Epd = Callable[..., subprocess.CompletedProcess[str]]


def test_shards_write_what_a_whole_run_writes(epd: Epd, tmp_path: Path, astronaut: np.ndarray) -> None:
    for number in range(5):
        (tmp_path / "in" / f"{number % 2}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.roll(astronaut[:300, 80:380], 4 * number, axis=1)).save(
            tmp_path / "in" / f"{number % 2}" / f"{number}.png"
        )
    assert epd("deidentify", "--seed", 1, "in", "whole").returncode == 0
    for k in (1, 2):
        shown = epd("deidentify", "--seed", 1, "--shard", f"{k}/2", "in", "out")
        assert shown.returncode == 0, shown.stderr
        assert "didn't write" not in shown.stdout
    parts = [f"out.manifest.{k}-of-2.json" for k in (1, 2)]

    refused = epd("manifest", "merge", parts[0], "-o", "all.json")
    assert refused.returncode == 2 and "missing: 2" in refused.stderr
    shown = epd("manifest", "merge", *parts, "-o", "all.json")
    assert shown.returncode == 0 and "2 shards, 5 pictures (5 pass)" in shown.stdout
    whole, merged = (
        json.loads((tmp_path / name).read_text()) for name in ("whole.manifest.json", "all.json")
    )
    for one in (whole, merged):
        for file in one["files"]:
            del file["seconds"]
    assert merged["files"] == whole["files"]
    for file in whole["files"]:
        one, other = (tmp_path / folder / file["output"] for folder in ("whole", "out"))
        assert one.read_bytes() == other.read_bytes()

    shown = epd("manifest", "check", "out", "--manifest", "all.json")
    assert shown.returncode == 0 and "5 files released, 0 problems" in shown.stdout
    (tmp_path / "out" / "0" / "0.png").write_bytes(b"other")
    shown = epd("manifest", "check", "out", "--manifest", "all.json")
    assert shown.returncode == 1 and "0/0.png: not the bytes that were verified" in shown.stderr
    refused = epd("manifest", "check", "out")
    assert (
        refused.returncode == 2
        and "out.manifest.json" in refused.stderr
        and "Traceback" not in refused.stderr
    )


def test_what_needs_all_pictures_has_no_shards(epd: Epd, tmp_path: Path, astronaut: np.ndarray) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(astronaut[:300, 80:380]).save(tmp_path / "in" / "a.png")
    for option in (["--method", "ksame"], ["--rename", "hash"]):
        shown = epd("deidentify", *option, "--shard", "1/1", "in", "out")
        assert shown.returncode == 2 and "shard" in shown.stderr.lower(), shown.stderr
        assert not (tmp_path / "out").exists()


def test_an_address_is_no_folder(epd: Epd, tmp_path: Path, astronaut: np.ndarray) -> None:
    Image.fromarray(astronaut[:300, 80:380]).save(tmp_path / "a.png")
    for arguments in (
        ["deidentify", "a.png", "s3://bucket/out/"],
        ["deidentify", "gs://bucket/a.png", "out"],
        ["deidentify", "a.png", "b.png", "--manifest", "memory://m.json"],
        ["detect", "https://example.org/a.png"],
        ["detect", "--draw", "s3://bucket/boxes", "a.png"],
        ["bank", "show", "--out", "sftp://host/people.jpg"],
    ):
        shown = epd(*arguments)
        assert shown.returncode == 2 and "is an address" in shown.stderr, (arguments, shown.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
