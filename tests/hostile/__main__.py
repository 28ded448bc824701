"""`python -m tests.hostile`: the whole battery through `epd deidentify`, as a table.

    python -m tests.hostile [--deface] [--method NAME] [WORD]

Every case (or those whose title holds WORD) lies in a folder of its own; one run of `epd` takes all those
that want the same options. The table has a line for each case: expected, got, and what is wrong. `--deface`
runs ORB-HD's deface on the same files, and judges it alike. Ends with 1 when something is wrong with ours.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from .battery import leaks, missing, shown_still, told
from .case import Case, Expect
from .catalogue import CASES, folder_of
from .judges import changed, exiftool_says
from .planting import MARKER

_LIMIT_SECONDS = 3600
_EPD = "from epdcli.commands import main; main()"


@dataclass
class Row:
    """A case and how it ended; `deface` is the other tool's end."""

    case: Case
    source: Path
    got: str = "nothing"
    reason: str = ""
    problems: list[str] = field(default_factory=list)
    output: Path | None = None
    deface: str = ""

    @property
    def right(self) -> bool:
        return self.got in _ends(self.case) and not self.problems


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__.partition("\n")[0])
    parser.add_argument("--deface", action="store_true", help="run deface on the same files")
    parser.add_argument("--method", default="generate", help="the method that epd uses")
    parser.add_argument("word", nargs="?", default="", help="only cases whose title holds this word")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="epd-hostile-") as name:
        root = Path(name)
        rows = _build(root, arguments.word)
        text = ""
        for options in {row.case.options: None for row in rows.values()}:
            text += _run_epd(_run_of(root, options), arguments.method, options)
            _judge(rows, _run_of(root, options))
        _judge_by_exiftool(rows)
        if arguments.deface:
            _run_deface(rows, root / "deface")
        return _report(rows, text)


def _ends(case: Case) -> tuple[str, ...]:
    """The verdicts that a case may have. The worst that a damaged file may do is stay inside."""
    match case.expect:
        case Expect.REFUSED if case.verdicts == ("skipped",):
            return case.verdicts
        case Expect.REFUSED:
            picked_up = not case.by_hand and "." in case.name
            return ("failed",) if picked_up else ("failed", "skipped")
        case Expect.WRITTEN:
            return case.verdicts
    return ("pass", "no_face", "failed", "withheld")


def _run_of(root: Path, options: tuple[str, ...]) -> Path:
    """The folder of the run with these options: in it are in/, out/ and the manifest."""
    return root / (" ".join(options).strip("-").replace(" ", "_") or "plain")


def _build(root: Path, word: str) -> dict[str, Row]:
    rows = {}
    for number, case in enumerate(CASES):
        if word in case.title and not missing(case):
            folder = _run_of(root, case.options) / "in"
            (folder / folder_of(number)).mkdir(parents=True)
            rows[folder_of(number)] = Row(case, case.build(folder / folder_of(number)))
            if not (folder / "loop").is_symlink():
                (folder / "loop").symlink_to(folder, target_is_directory=True)
    return rows


def _run_epd(root: Path, method: str, more: tuple[str, ...]) -> str:
    command = [sys.executable, "-c", _EPD, "deidentify", str(root / "in"), str(root / "out")]
    options = ["--seed", "1", "--quiet", "--method", method, *more]
    done = subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_LIMIT_SECONDS,
        check=False,
    )
    return f"exit code {done.returncode}\n{done.stdout}{done.stderr}"


def _judge(rows: dict[str, Row], root: Path) -> None:
    record = json.loads((root / "out.manifest.json").read_text(encoding="utf-8", errors="surrogateescape"))
    for entry in record["files"]:
        row = rows.get(Path(entry["source"]).parts[-2])
        if row is None:
            continue
        row.got, row.reason = entry["verdict"], entry["reason"]
        if entry["output"]:
            row.output = root / "out" / entry["output"]
            row.problems += (
                leaks(row.output, row.source) if row.output.exists() else ["named in the manifest, not there"]
            )
            row.problems += ["leak: the name"] if MARKER in entry["output"] else []
            row.problems += shown_still(row.case, row.output)
    named = {root / "in" / entry["source"].rstrip("/") for entry in record["skipped"]}
    for row in rows.values():
        if row.got == "nothing" and row.source.is_relative_to(root):
            gone = not row.source.exists() or row.source.is_dir()  # a folder is looked into
            row.got = "skipped" if row.source in named or gone else "nothing"
    named = {row.output for row in rows.values()}
    for stranger in (path for path in (root / "out").rglob("*") if path.is_file() and path not in named):
        rows[str(stranger)] = Row(
            Case(str(stranger), "", lambda: b""), stranger, "pass", problems=["not in the manifest"]
        )


def _judge_by_exiftool(rows: dict[str, Row]) -> None:
    said = exiftool_says([row.output for row in rows.values() if row.output and row.case.group != "names"])
    for row in rows.values():
        if row.output in said:
            row.problems += told(row.case, said[row.output])


def _run_deface(rows: dict[str, Row], folder: Path) -> None:
    deface = shutil.which("deface") or shutil.which("deface", path=str(Path(sys.executable).parent))
    if deface is None:
        print("deface is not installed; its column stays empty")
        return
    for number, row in rows.items():
        if row.case.by_hand:
            continue
        target = folder / number / row.source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [deface, "-o", str(target), str(row.source)],
            capture_output=True, text=True, errors="replace", timeout=300, check=False,
        )  # fmt: skip
        found = leaks(target, row.source) + _changed(target, row.source) if target.exists() else []
        crashed = "Traceback" in done.stderr
        row.deface = ", ".join(found) or (
            "traceback" if crashed else "written" if target.exists() else "nothing written"
        )


def _changed(target: Path, source: Path) -> list[str]:
    return [f"changed: {what}" for what in changed(target.read_bytes(), source.read_bytes())]


def _report(rows: dict[str, Row], text: str) -> int:
    width = max(len(row.case.title) for row in rows.values())
    for row in rows.values():
        expected = "/".join(_ends(row.case))
        wrong = "" if row.right else "  WRONG: " + "; ".join([*row.problems, row.reason])
        print(f"{row.case.title:{width}}  {expected:26} {row.got:9} {row.deface}{wrong}".rstrip())
    leaking = sum(
        any(problem.startswith(("leak", "exiftool")) for problem in row.problems) for row in rows.values()
    )
    empty = sum(
        "zero bytes" in problem or "unreadable" in problem
        for row in rows.values()
        for problem in row.problems
    )
    skipped = [case.title for case in CASES if missing(case)]
    wrong = sum(not row.right for row in rows.values())
    print(f"\n{len(rows)} cases: {leaking} leaks, {text.count('Traceback')} tracebacks, "
          f"{empty} unreadable or zero-byte outputs, {wrong} not as expected")  # fmt: skip
    if skipped:
        print(f"not run for want of a program or module: {len(skipped)}")
    if wrong:
        print(text[-2000:])
    return 1 if wrong or "Traceback" in text else 0


if __name__ == "__main__":
    sys.exit(main())
