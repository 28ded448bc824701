from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from epdcli.batch.listing import listing_of
from epdcli.batch.plan import manifest_of, plan
from epdcli.batch.renaming import Names
from epdcli.errors import UsageError
from epdcli.files import sha256_of


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


def test_a_link_to_a_folder_is_skipped_and_said(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "a.jpg")
    (source / "loop").symlink_to(source)
    planned = plan([source], tmp_path / "out", overwrite=False)
    assert len(planned.jobs) == 1
    assert [one.name for one in planned.skipped] == ["loop/"]


@pytest.mark.parametrize(
    "name", ["a.jxl", "a.psd", "a.svg", "a.heics", "a.mp4", "a.MOV", "a.pdf", "a.jpg_large"]
)
def test_what_may_show_people_and_is_no_picture_is_skipped_and_said(tmp_path: Path, name: str) -> None:
    source = make(tmp_path / "in", "a.jpg")
    (source / name).write_bytes(b"\x89\0binary")
    assert [one.name for one in listing_of([source]).skipped] == [name]
    assert listing_of([source], ["*" + Path(name).suffix]).skipped == []


def test_text_and_what_systems_leave_lying_about_show_nobody(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "a.jpg")
    (source / "LICENSE").write_text("text " * 2000 + "\u00e4")
    for name in ("Thumbs.db", ".DS_Store"):
        (source / name).write_bytes(b"\0\1")
    (source / "._a.jpg").write_bytes(b"\0\5\26\7\0\2\0\0")
    found = listing_of([source])
    assert sorted(found.ignored) == sorted(["._a.jpg", ".DS_Store", "LICENSE", "Thumbs.db"])
    assert found.skipped == []


def test_a_folder_that_cannot_be_listed_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make(tmp_path / "in", "a.jpg", "locked/b.jpg")
    scandir = os.scandir

    def refused(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    (skipped,) = listing_of([source]).skipped
    assert skipped.name == "locked/" and "Permission denied" in skipped.reason
    assert listing_of([source], ["locked"]).skipped == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.html", "text " * 2000 + "<img src='data:image/png;base64,iVBO'>"),
        ("a.xml", "<?xml version='1.0'?>\n<svg viewBox='0 0 1 1'/>"),
        ("a.txt", "MIME-Version: 1.0\nContent-Type: image/jpeg\n\n/9j/4AAQ"),
        ("a.cgm", "%!PS-Adobe-3.0"),
        ("a.large", "P2\n2 2\n255\n0 0 0 0"),
        ("a.vcf", "BEGIN:VCARD"),
    ],
)
def test_text_that_holds_a_picture_is_skipped_and_said(tmp_path: Path, name: str, text: str) -> None:
    source = make(tmp_path / "in", "a.jpg")
    (source / name).write_text(text)
    assert [one.name for one in listing_of([source]).skipped] == [name]


def test_a_picture_whose_name_begins_as_that_of_a_companion_file_is_a_picture(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "._portrait.jpg", ".hidden/a.jpg")
    assert [name for _, name in listing_of([source]).pictures] == ["._portrait.jpg", ".hidden/a.jpg"]


def test_folders_whose_path_is_over_the_limit_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make(tmp_path / "in", "a.jpg")
    monkeypatch.chdir(source)
    for _ in range(25):
        Path("d" * 200).mkdir()
        os.chdir("d" * 200)
    try:
        found = listing_of([source])
    finally:
        os.chdir(tmp_path)
    (skipped,) = found.skipped
    assert len(found.pictures) == 1 and "too long" in skipped.reason
    assert skipped.name.startswith("ddd") and skipped.name.endswith("d/")


def test_a_folder_that_may_be_listed_but_not_entered_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that is known of what lies in it are names: also the links can't be looked at."""
    source = make(tmp_path / "in", "a.jpg", "half/deep/b.jpg", "half/c.pdf")
    scandir, stat, lstat = os.scandir, Path.stat, Path.lstat

    def denied(path: object) -> None:
        if "half" in Path(str(path)).parts[:-1]:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", lambda path: denied(path) or scandir(path))
    monkeypatch.setattr(Path, "stat", lambda path, **options: denied(path) or stat(path, **options))
    monkeypatch.setattr(Path, "lstat", lambda path: denied(path) or lstat(path))
    assert [one.name for one in listing_of([source]).skipped] == ["half/c.pdf", "half/deep/"]
    with pytest.raises(UsageError, match="can't be looked at: Permission denied"):
        listing_of([source / "half" / "c.pdf"])


def test_ignored_patterns_leave_out_pictures_and_whole_folders(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "a.jpg", "drafts/b.jpg", "deep/drafts/c.jpg", "d.png")
    names = [name for _, name in listing_of([source], ["drafts/", "*.png"]).pictures]
    assert names == ["a.jpg"]


def test_a_target_that_is_a_source_by_another_name_is_refused(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "sub/a.jpg")
    out = tmp_path / "out"
    out.mkdir()
    (out / "sub").symlink_to(source / "sub")
    with pytest.raises(UsageError, match="lies inside the input"):
        plan([source], out, overwrite=True)
    (out / "sub").unlink()
    (out / "sub").mkdir()
    (out / "sub" / "a.jpg").hardlink_to(source / "sub" / "a.jpg")
    with pytest.raises(UsageError, match="is the same file as the source"):
        plan([source], out, overwrite=True)


def test_a_new_folder_below_a_link_into_the_input_is_refused(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "deep/a.jpg")
    (source / "empty").mkdir()
    (tmp_path / "out").symlink_to(source / "empty")
    with pytest.raises(UsageError, match="lies inside the input"):
        plan([source], tmp_path / "out", overwrite=True)


def test_the_folder_one_stands_in_is_an_output_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "in", "a.jpg")
    (tmp_path / "work" / "here").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "here")
    assert plan([Path("../../in")], Path(), overwrite=False).manifest == tmp_path / "work/here.manifest.json"
    assert plan([Path("../../in")], Path(".."), overwrite=False).manifest == tmp_path / "work.manifest.json"
    with pytest.raises(UsageError, match="no place for the record"):
        manifest_of(Path("/"))


@pytest.mark.parametrize("manifest", ["in/a.jpg", "out/a.jpg", "out/m.json", "in", "linked.json"])
def test_a_manifest_replaces_no_picture_and_lies_in_no_output(tmp_path: Path, manifest: str) -> None:
    source = make(tmp_path / "in", "a.jpg")
    (tmp_path / "linked.json").hardlink_to(source / "a.jpg")
    with pytest.raises(UsageError, match="manifest"):
        plan([source], tmp_path / "out", overwrite=True, manifest=tmp_path / manifest)


def test_the_record_of_a_run_that_wrote_nothing_may_be_replaced(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "a.jpg")
    make(tmp_path, "out.manifest.json")
    failed = {"manifest_version": 1, "files": [{"output": None}]}
    assert plan([source], tmp_path / "out", overwrite=False, earlier=failed).jobs
    for other in (None, {"files": []}, {"manifest_version": 1, "files": [{"output": "a.jpg"}]}):
        with pytest.raises(UsageError, match="already exists"):
            plan([source], tmp_path / "out", overwrite=False, earlier=other)


def test_a_single_file_of_another_kind_makes_no_folder_of_its_name(tmp_path: Path) -> None:
    make(tmp_path, "clip.mp4")
    planned = plan([tmp_path / "clip.mp4"], tmp_path / "safe.mp4", overwrite=False)
    assert planned.jobs[0].target == tmp_path / "safe.mp4" and planned.folder is None


def test_what_lies_under_a_name_that_is_to_be_hidden_is_withdrawn_or_refused(tmp_path: Path) -> None:
    source = make(tmp_path / "in", "Jane_Doe.jpg")
    make(tmp_path / "out", "Jane_Doe.jpg")
    names = Names(bytes(32))
    with pytest.raises(UsageError, match="is to hide"):
        plan([source], tmp_path / "out", overwrite=True, names=names)
    ours = {"files": [{"output": "Jane_Doe.jpg", "sha256": sha256_of(tmp_path / "out" / "Jane_Doe.jpg")}]}
    planned = plan([source], tmp_path / "out", overwrite=True, names=names, earlier=ours)
    assert planned.withdrawn == (tmp_path / "out" / "Jane_Doe.jpg",)
