"""Parts of a run: which part a picture belongs to, and one record out of the parts'."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from epdcli.batch.checking import flaws_of
from epdcli.batch.plan import manifest_of, plan
from epdcli.batch.shards import Shard, merged
from epdcli.errors import UsageError
from epdcli.files import sha256_of
from tests.unit.test_listing import make

NAMES = [f"{folder}/{number}.jpg" for folder in "abc" for number in range(40)]


def test_every_picture_belongs_to_one_part_and_stays_there_when_others_are_added() -> None:
    of = 7
    parts = [[name for name in NAMES if Shard(k, of).holds(name)] for k in range(1, of + 1)]
    assert sorted(name for part in parts for name in part) == sorted(NAMES)
    assert all(8 <= len(part) <= 28 for part in parts)  # 120 in 7 parts


@pytest.mark.parametrize("words", ["", "3", "0/4", "5/4", "1/0", "-1/4", "1/4/2", "a/b", "1.5/4", "1 /4"])
def test_what_is_no_part_is_refused(words: str) -> None:
    with pytest.raises(UsageError, match="names no part"):
        Shard.parse(words)


def test_a_shard_plans_its_own_pictures_and_knows_the_others(tmp_path: Path) -> None:
    source = make(tmp_path / "in", *NAMES, "a/clip.mp4")
    planned = [plan([source], tmp_path / "out", overwrite=False, shard=Shard(k, 3)) for k in (1, 2, 3)]
    assert sorted(job.name for part in planned for job in part.jobs) == sorted(NAMES)
    assert [one.name for part in planned for one in part.skipped] == ["a/clip.mp4"]
    assert all(len(part.jobs) + len(part.elsewhere) == len(NAMES) for part in planned)
    assert planned[2].manifest == manifest_of(tmp_path / "out", Shard(3, 3))
    assert planned[2].manifest.name == "out.manifest.3-of-3.json"


def test_a_shard_may_be_empty_but_a_single_file_has_no_parts(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "a.jpg")
    planned = [plan([source], tmp_path / "out", overwrite=False, shard=Shard(k, 2)) for k in (1, 2)]
    assert sorted(len(part.jobs) for part in planned) == [0, 1]
    with pytest.raises(UsageError, match="has no parts"):
        plan([source / "a.jpg"], tmp_path / "b.jpg", overwrite=False, shard=Shard(1, 2))


def test_clashes_are_found_in_every_shard(tmp_path: Path) -> None:
    make(tmp_path, "a/x.jpg", "b/x.jpg")
    for k in (1, 2):
        with pytest.raises(UsageError, match="would all be written to"):
            plan([tmp_path / "a", tmp_path / "b"], tmp_path / "out", overwrite=False, shard=Shard(k, 2))


def record(name: str) -> dict[str, Any]:
    return {
        "source": name, "output": name, "sha256": "0", "verdict": "pass", "reason": "", "seconds": 1.0,
        "faces": [], "stayed": [], "kept": [], "dropped": [], "digital_source_type": None, "marked": False,
        "source_sha256": "1", "smallest_face_px": 20.0, "hint": "",
    }  # fmt: skip


def manifest(k: int, of: int = 2, **other: Any) -> Mapping[str, Any]:
    return {
        "manifest_version": 1, "tool": "epdcli", "seed": "1", "device": "cpu", "provider": f"CPU {k}",
        "chosen": "", "shard": f"{k}/{of}", "command": ["epd"], "workers": 2, "interrupted": False,
        "skipped": [], "ignored": 1, "other_files_in_output": {"count": 0, "first": []},
        "summary": {"seconds": 2.0}, "files": [record(f"{k}.jpg")],
    } | other  # fmt: skip


def test_the_shards_of_a_run_make_one_record() -> None:
    whole = merged({"b": manifest(2), "a": manifest(1)})
    assert [one.source for one in whole.records] == ["1.jpg", "2.jpg"]
    assert whole.run["provider"] == "CPU 1, CPU 2" and whole.run["ignored"] == 2 and whole.seconds == 4.0
    assert "shard" not in whole.run and len(whole.run["shards"]) == 2


@pytest.mark.parametrize(
    ("manifests", "problem"),
    [
        ([manifest(1)], "missing: 2"),
        ([manifest(1), manifest(1)], "both shard 1/2"),
        ([manifest(1), manifest(2, of=3)], "another one of 3"),
        ([manifest(1), manifest(2, seed="2")], "other settings: seed"),
        ([manifest(1), manifest(2, weights={})], "other settings: weights"),
        ([manifest(1), manifest(2, interrupted=True)], "interrupted"),
        ([manifest(1), manifest(2, shard=None)], "not the manifest of a shard"),
        ([manifest(1), manifest(2, manifest_version=2)], "not the manifest of a shard"),
        ([manifest(1), manifest(2, files=[{"source": "a.jpg"}])], "damaged"),
        ([manifest(1), manifest(2, files=None)], "damaged"),
    ],
)
def test_what_is_no_whole_run_is_refused(manifests: list[Mapping[str, Any]], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        merged({f"{number}.json": one for number, one in enumerate(manifests)})


def test_an_output_is_held_against_its_record(tmp_path: Path) -> None:
    out = make(tmp_path / "out", "a.jpg", "deep/b.jpg", "c.jpg")
    files = [{"output": name, "sha256": sha256_of(out / name)} for name in ("a.jpg", "deep/b.jpg", "c.jpg")]
    assert not list(flaws_of(out, {"files": [*files, {"output": None}]}))
    (out / "a.jpg").write_bytes(b"y")
    (out / "deep/b.jpg").unlink()
    (out / "deep/stray.txt").write_text("x")
    (out / "link.jpg").symlink_to(out / "c.jpg")
    (out / "c.jpg").rename(tmp_path / "elsewhere.jpg")
    (out / "c.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    assert {flaw.name: flaw.problem for flaw in flaws_of(out, {"files": files})} == {
        "a.jpg": "not the bytes that were verified",
        "c.jpg": "a link, not a file",
        "deep/b.jpg": "missing",
        "deep/stray.txt": "no file that the run released",
        "link.jpg": "no file that the run released",
    }
