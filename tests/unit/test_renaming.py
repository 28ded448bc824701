"""Names of outputs: hashes that can't be guessed back, and the same ones when a run goes on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from epdcli.batch.journal import earlier_run
from epdcli.batch.plan import plan
from epdcli.batch.renaming import Names, Rename, names
from epdcli.errors import UsageError

KEY = bytes(range(32))


def make(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


def test_no_part_of_a_name_is_left_but_the_suffix_in_lower_case() -> None:
    renamed = Names(KEY)("Anna Example/Anna at home.JPEG")
    assert re.fullmatch(r"[0-9a-f]{20}/[0-9a-f]{20}\.jpeg", renamed)


def test_a_suffix_that_is_none_of_a_picture_goes_too() -> None:
    assert re.fullmatch(r"[0-9a-f]{20}", Names(KEY)("portrait.of-anna"))


def test_pictures_of_a_folder_stay_together_and_folders_of_one_name_are_told_apart() -> None:
    one, two, elsewhere = map(Names(KEY), ("a/anna/1.jpg", "a/anna/2.jpg", "b/anna/1.jpg"))
    assert one.split("/")[:2] == two.split("/")[:2]
    assert one.split("/")[1] != elsewhere.split("/")[1]
    assert one.split("/")[2] != elsewhere.split("/")[2]


def test_another_key_gives_other_names_and_the_same_gives_the_same() -> None:
    assert Names(KEY)("a.jpg") == Names(KEY)("a.jpg") != Names(KEY[::-1])("a.jpg")
    drawn = [names(Rename.HASH, None, None) for _ in range(2)]
    assert drawn[0]("a.jpg") != drawn[1]("a.jpg")


def test_names_that_are_not_utf_8_are_hashed_as_well() -> None:
    assert re.fullmatch(r"[0-9a-f]{20}\.jpg", Names(KEY)(b"face\xff.jpg".decode("utf-8", "surrogateescape")))


def test_a_run_that_goes_on_takes_the_drawn_key_and_tells_a_users_key_to_nobody() -> None:
    first = names(Rename.HASH, None, None)
    assert names(Rename.HASH, None, first.about) == first
    assert KEY.hex() not in str(names(Rename.HASH, KEY, None).about)
    assert KEY.hex() not in repr(names(Rename.HASH, KEY, None))
    assert names(Rename.HASH, KEY, None).about != names(Rename.HASH, KEY[::-1], None).about


@pytest.mark.parametrize("damaged", [{}, {"name_key": "xyz"}, {"name_key": "00"}, {"name_key": 7}])
def test_a_record_without_a_key_gives_a_new_one(damaged: dict[str, object]) -> None:
    key = names(Rename.HASH, None, damaged).key
    assert key is not None and len(key) == 32


def test_the_key_is_found_in_the_journal_first_and_then_in_the_manifest(tmp_path: Path) -> None:
    manifest = tmp_path / "out.manifest.json"
    assert earlier_run(manifest) is None
    manifest.write_text(json.dumps({"name_key": "manifest"}, indent=1))
    assert earlier_run(manifest) == {"name_key": "manifest"}
    (tmp_path / "out.manifest.json.journal").write_text('{"name_key": "journal"}\n{"source": "a.j')
    assert earlier_run(manifest) == {"name_key": "journal"}


def test_a_plan_renames_files_and_folders_and_still_knows_their_names(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "anna/1.jpg", "bert/1.jpg")
    jobs = plan([source], tmp_path / "out", overwrite=False, names=Names(KEY)).jobs
    assert [job.name for job in jobs] == ["anna/1.jpg", "bert/1.jpg"]
    assert all(job.target == tmp_path / "out" / job.output for job in jobs)
    assert not any(word in job.output for job in jobs for word in ("anna", "bert", "1.jpg"))


def test_two_sources_of_one_name_are_refused_under_hashes_too(tmp_path: Path) -> None:
    make(tmp_path, "a/x.jpg", "b/x.jpg")
    with pytest.raises(UsageError, match="would all be written to"):
        plan([tmp_path / "a", tmp_path / "b"], tmp_path / "out", overwrite=False, names=Names(KEY))


def test_an_output_that_the_user_named_is_not_renamed(tmp_path: Path) -> None:
    make(tmp_path, "one.jpg")
    with pytest.raises(UsageError, match="names the output itself"):
        plan([tmp_path / "one.jpg"], tmp_path / "new.jpg", overwrite=False, names=Names(KEY))


def test_hashed_outputs_are_written_in_the_order_of_their_new_names(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for letter in "abcdefghij":
        (source / f"{letter}.jpg").write_bytes(b"x")
    jobs = plan([source], tmp_path / "out", overwrite=False, names=Names(KEY)).jobs
    assert [job.output for job in jobs] == sorted(job.output for job in jobs)
    assert [job.name for job in jobs] != sorted(job.name for job in jobs)
