from __future__ import annotations

from pathlib import Path

import pytest

from epdcli.batch.listing import plan
from epdcli.errors import UsageError


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def test_a_folder_is_mirrored_with_its_subfolders(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "a.jpg", "deep/er/b.PNG", "notes.txt")
    planned = plan([source], tmp_path / "out", overwrite=False)
    assert [job.name for job in planned.jobs] == ["a.jpg", "deep/er/b.PNG"]
    assert planned.jobs[1].target == tmp_path / "out" / "deep" / "er" / "b.PNG"
    assert planned.ignored == ("notes.txt",)
    assert planned.manifest == tmp_path / "out.manifest.json"


def test_one_file_goes_to_one_file(tmp_path: Path) -> None:
    make(tmp_path, "one.jpg")
    planned = plan([tmp_path / "one.jpg"], tmp_path / "new.jpg", overwrite=False)
    assert planned.jobs[0].target == tmp_path / "new.jpg"
    assert planned.manifest == tmp_path / "new.jpg.manifest.json"


def test_two_sources_of_one_target_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "a/x.jpg", "b/x.jpg")
    with pytest.raises(UsageError, match="would all be written to"):
        plan([tmp_path / "a", tmp_path / "b"], tmp_path / "out", overwrite=False)


def test_names_that_differ_in_case_only_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "a/x.jpg", "a/X.jpg")
    with pytest.raises(UsageError, match="would all be written to"):
        plan([tmp_path / "a"], tmp_path / "out", overwrite=False)


@pytest.mark.parametrize("output", ["in/out", "in", "."])
def test_an_output_inside_the_input_or_around_it_is_refused(tmp_path: Path, output: str) -> None:
    source = make(tmp_path / "in", "a.jpg")
    with pytest.raises(UsageError, match="lies inside"):
        plan([source], tmp_path / output, overwrite=True)


def test_an_existing_output_is_refused_unless_allowed(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "a.jpg")
    make(tmp_path / "out", "a.jpg")
    with pytest.raises(UsageError, match="already exists"):
        plan([source], tmp_path / "out", overwrite=False)
    assert plan([source], tmp_path / "out", overwrite=True).jobs


def test_nothing_to_do_and_missing_inputs_are_errors(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="No picture"):
        plan([tmp_path / "empty"], tmp_path / "out", overwrite=False)
    with pytest.raises(UsageError, match="does not exist"):
        plan([tmp_path / "nowhere"], tmp_path / "out", overwrite=False)


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "a.jpg")
    (source / "loop").symlink_to(source)
    assert len(plan([source], tmp_path / "out", overwrite=False).jobs) == 1
