"""Files that are released: verified bytes, over nothing but what they replace, private as their source."""

from __future__ import annotations

import errno
import itertools
import os
import stat
from pathlib import Path

import pytest

from epdcli import files
from epdcli.files import PARTIAL, identity, release, unfinished, unverified


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.jpg"
    path.write_bytes(b"original")
    return path


def test_a_file_is_released_whole_into_a_folder_that_is_made_for_it(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "out" / "a.jpg"
    release(b"new", target, source, replaces=None)
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o600, 0o600), (0o640, 0o640), (0o644, 0o644), (0o400, 0o600)]
)
def test_an_output_is_no_more_readable_than_its_source(
    tmp_path: Path, source: Path, mode: int, expected: int
) -> None:
    before = os.umask(0o022)
    try:
        source.chmod(mode)
        release(b"new", tmp_path / "a.jpg", source, replaces=None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.jpg").stat().st_mode) == expected


def test_what_turned_up_at_the_place_of_an_output_stays(tmp_path: Path, source: Path) -> None:
    target = tmp_path / "a.jpg"
    target.write_bytes(b"somebody else's")
    with pytest.raises(FileExistsError):
        release(b"new", target, source, replaces=None)
    assert target.read_bytes() == b"somebody else's"
    release(b"new", target, source, replaces=identity(target))
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_a_source_is_never_replaced_not_even_when_it_is_asked_for(
    tmp_path: Path, source: Path, link: str
) -> None:
    target = tmp_path / "a.jpg"
    getattr(target, link)(source)
    with pytest.raises(FileExistsError):
        release(b"new", target, source, replaces=identity(target))
    assert source.read_bytes() == b"original"


def test_a_source_in_a_folder_that_is_mounted_twice_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A share and the disk behind it: the same file has other numbers there."""
    numbers = itertools.count()
    monkeypatch.setattr(files, "identity", lambda path: (0, next(numbers)) if path.exists() else None)
    (tmp_path / "disk").mkdir()
    (tmp_path / "share").symlink_to(tmp_path / "disk")
    source = tmp_path / "disk" / "a.jpg"
    source.write_bytes(b"original")
    with pytest.raises(FileExistsError, match="the source itself"):
        release(b"new", tmp_path / "share" / "a.jpg", source, replaces=None)
    assert source.read_bytes() == b"original"
    assert list((tmp_path / "disk").iterdir()) == [source]
    release(b"new", tmp_path / "share" / "b.jpg", source, replaces=None)  # beside it, by another name


def test_a_name_that_is_refused_leaves_nothing(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, target: Path) -> Path:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(OSError, match="Input/output"):
        release(b"new", tmp_path / "out" / "a.jpg", source, replaces=None)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_disk_that_keeps_other_bytes_is_noticed(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = files._write
    monkeypatch.setattr(files, "_write", lambda path, content, mode: written(path, content[:-1] + b"?", mode))
    with pytest.raises(OSError, match="reads back differently"):
        release(b"new", tmp_path / "a.jpg", source, replaces=None)
    assert not (tmp_path / "a.jpg").exists()


@pytest.mark.parametrize(
    ("code", "fails"), [(errno.EINVAL, False), (errno.EOPNOTSUPP, False), (errno.EIO, True)]
)
def test_a_file_system_that_cannot_flush_is_used_all_the_same(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, code: int, fails: bool
) -> None:
    def fsync(handle: int) -> None:
        raise OSError(code, "no fsync")

    monkeypatch.setattr(os, "fsync", fsync)
    if fails:
        with pytest.raises(OSError, match="no fsync"):
            release(b"new", tmp_path / "a.jpg", source, replaces=None)
    else:
        release(b"new", tmp_path / "a.jpg", source, replaces=None)
    assert (tmp_path / "a.jpg").exists() is not fails


def test_only_the_leftovers_of_ones_own_files_are_found(tmp_path: Path) -> None:
    own, other = tmp_path / "a.jpg", tmp_path / "b.jpg"
    for path in (own, other):
        (tmp_path / f"{PARTIAL}{files._tail(path)}-0").write_bytes(b"half")
    assert [path.name for path in unfinished([own])] == [f"{PARTIAL}{files._tail(own)}-0"]


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="memory files are Linux's")
def test_unverified_bytes_lie_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with unverified("a.jpg") as draft:
        draft.write_bytes(b"original face")
        assert draft.read_bytes() == b"original face" and draft.name == "a.jpg"
        assert [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()] == []
    assert not draft.exists() and list(tmp_path.iterdir()) == []
