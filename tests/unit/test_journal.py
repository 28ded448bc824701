"""The journal: what is written down stays, one run at a time, and a sentence when it can't be written."""

from __future__ import annotations

import errno
import hashlib
import stat
from pathlib import Path

import pytest

from epdcli.batch.journal import Journal
from epdcli.batch.plan import Job, Plan
from epdcli.batch.renaming import Names
from epdcli.errors import UsageError
from epdcli.model import PictureRecord, Verdict

RUN = {"tool": "epdcli", "seed": "1"}


SOURCE = b"a picture"


def withheld(name: str) -> PictureRecord:
    digest = hashlib.sha256(SOURCE).hexdigest()
    return PictureRecord(name, None, None, Verdict.WITHHELD, "why", 0.5, kept=("date",), source_sha256=digest)


def planned(tmp_path: Path, *names: str) -> Plan:
    for name in names:
        (tmp_path / name).write_bytes(SOURCE)
    jobs = (Job(tmp_path / name, tmp_path / "out" / name, name, name) for name in names)
    return Plan(tuple(jobs), (), (), tmp_path / "out.manifest.json", Names(), tmp_path / "out")


def test_a_run_that_goes_on_has_every_line_before_it_writes_its_own(tmp_path: Path) -> None:
    plan = planned(tmp_path, "a\u2028b.jpg", "c\udcff.jpg")
    with Journal(plan.manifest) as journal:
        journal.begin(RUN)
        journal.add(withheld("a\u2028b.jpg"))
        journal.add(withheld("c\udcff.jpg"))
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + b'{"source": "half a li')
    with Journal(plan.manifest) as again:
        assert again.done(RUN, plan) == [withheld("a\u2028b.jpg"), withheld("c\udcff.jpg")]
        again.begin(RUN)
        assert journal.path.read_bytes() == whole


@pytest.mark.parametrize("line", ["[" * 9999, "7", "{}", '{"faces": 3}', "\0"])
def test_a_line_that_is_no_record_is_passed_over(tmp_path: Path, line: str) -> None:
    plan = planned(tmp_path, "a.jpg")
    with Journal(plan.manifest) as journal:
        journal.begin(RUN)
        journal.add(withheld("a.jpg"))
    journal.path.write_text(journal.path.read_text() + line + "\n")
    with Journal(plan.manifest) as again:
        assert again.done(RUN, plan) == [withheld("a.jpg")]


def test_a_run_that_begins_anew_forgets_the_lines_of_another(tmp_path: Path) -> None:
    plan = planned(tmp_path, "a.jpg")
    with Journal(plan.manifest) as journal:
        journal.begin(RUN)
        journal.add(withheld("a.jpg"))
    with Journal(plan.manifest) as anew:
        anew.begin({**RUN, "seed": "2"})
        assert anew.done({**RUN, "seed": "2"}, plan) == []
        with pytest.raises(UsageError, match="other settings"):
            anew.done(RUN, plan)


def test_a_second_run_is_refused_while_the_first_holds_the_journal(tmp_path: Path) -> None:
    with Journal(tmp_path / "m.json") as journal:
        journal.begin(RUN)
        with pytest.raises(UsageError, match="Another run"):
            Journal(tmp_path / "m.json")


def test_a_journal_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(UsageError, match="can't be written"):
        Journal(tmp_path / "file" / "m.json")


def test_a_source_that_has_changed_is_done_again(tmp_path: Path) -> None:
    plan = planned(tmp_path, "a.jpg", "b.jpg")
    with Journal(plan.manifest) as journal:
        journal.begin(RUN)
        journal.add(withheld("a.jpg"))
        journal.add(withheld("b.jpg"))
    (tmp_path / "a.jpg").write_bytes(b"another picture")
    with Journal(plan.manifest) as again:
        assert again.done(RUN, plan) == [withheld("b.jpg")]


def test_a_journal_is_its_owners_alone(tmp_path: Path) -> None:
    with Journal(tmp_path / "m.json") as journal:
        journal.begin(RUN)
        assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_a_run_goes_on_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def unsupported(handle: int, *, blocking: bool) -> bool:
        raise OSError(code, "not supported")

    monkeypatch.setattr("epdcli.batch.journal.lock_descriptor", unsupported)
    with Journal(tmp_path / "m.json") as journal:
        assert "no locks (not supported)" in journal.note
