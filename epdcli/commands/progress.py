"""What a person sees of a run: a progress bar while it lasts, a summary and a table of what is missing."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from epdcli.batch.run import Outcome
from epdcli.model import PictureRecord, Verdict
from epdcli.wording import counted, duration

_WHAT_TO_DO = {
    Verdict.NO_FACE: "Look at it. --no-face copy releases it without its metadata.",
    Verdict.WITHHELD: "Look at it. Try --method solid, or give its faces with --detections.",
    Verdict.FAILED: "Try it again. If it fails again, report it with what epd --debug says.",
}
_WORDS = {verdict: verdict.value.replace("_", " ") for verdict in Verdict}
_LISTED = 20
_USUAL_PX = 20.5  # of the smallest face looked for; more is said


class Reporter:
    """Shows progress on stderr when it is a terminal, and the outcome at the end."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet, self._as_json = quiet, as_json
        self._console = Console(stderr=True, quiet=quiet)
        self._progress: Progress | None = None

    def note(self, sentence: str) -> None:
        print(f"epd: {sentence}", file=sys.stderr)

    def prepare(self, pictures: int, method: str) -> None:
        self._console.print(
            f"[dim]{escape(method)} looks at all of {counted(pictures, 'picture')} first[/dim]"
        )

    def begin(self, pictures: int, run: Mapping[str, Any]) -> None:
        if self._quiet:
            return
        self._console.print(f"[dim]{escape(str(run['chosen']))}[/dim]")
        if not sys.stderr.isatty():
            return
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
        )
        self._progress.start()
        self._progress.add_task("pictures", total=pictures, speed="")

    def picture(self, record: PictureRecord) -> None:
        if self._progress is not None:
            task = self._progress.tasks[0]
            speed = f"{task.speed:.1f} pictures/s" if task.speed else ""
            self._progress.update(task.id, advance=1, speed=speed)

    def end(self) -> None:
        if self._progress is not None:
            self._progress.stop()

    def summary(self, outcome: Outcome) -> None:
        """Counts, and what was not written with the reason and what to do; then JSON on stdout if asked."""
        self._tell(outcome)
        if self._as_json:
            manifest = None if outcome.manifest is None else str(outcome.manifest)
            more = {"skipped": len(outcome.skipped), "other_files_in_output": len(outcome.others)}
            print(json.dumps({**outcome.summary, **more, "manifest": manifest}))

    def _tell(self, outcome: Outcome) -> None:
        missing = [
            (record.source, _WORDS[record.verdict], record.reason, record.hint or _WHAT_TO_DO[record.verdict])
            for record in outcome.records
            if record.output is None and (outcome.manifest is not None or record.verdict is Verdict.FAILED)
        ]
        missing += [(one.name, "skipped", one.reason, one.hint) for one in outcome.skipped]
        # What was not released is said even under --quiet: silence would read as success.
        if missing:
            Console(stderr=True).print(_table(missing))
        if outcome.others:
            self.note(
                f"The output folder holds {counted(len(outcome.others), 'file')} that this run didn't write, "
                f"{outcome.others[0]} first. Look at it before you share the folder."
            )
        if self._quiet:
            return
        counts = outcome.summary
        words = _WORDS | ({Verdict.PASS: "would pass"} if outcome.manifest is None else {})
        verdicts = ", ".join(f"{n:,} {words[Verdict(name)]}" for name, n in counts["verdicts"].items() if n)
        stayed = f", {counts['stayed_faces']} more stay, as decided," if counts["stayed_faces"] else ""
        pictures, faces = (counted(counts[f"{noun}s"], noun) for noun in ("picture", "face"))
        speed = f"{counts['pictures_per_second'] or 0:.2g} pictures/s"
        self._console.print(
            f"{pictures}: {verdicts}; {faces}{stayed} in {duration(counts['seconds'])} ({speed})."
        )
        if outcome.interrupted:
            self._console.print("Stopped. The same command with --resume goes on where it stopped.")
        if coarse := [size for r in outcome.records if (size := r.smallest_face_px or 0) > _USUAL_PX]:
            self._console.print(
                f"In {counted(len(coarse), 'large picture')} faces were looked for from up to "
                f"{max(coarse):.0f} px on. --smallest PX asks for smaller ones."
            )
        if outcome.ignored:
            self._console.print(
                f"{counted(len(outcome.ignored), 'other file')} ignored, {escape(outcome.ignored[0])} first."
            )
        if outcome.manifest is not None:
            self._console.print(f"Record, not for release: {escape(str(outcome.manifest))}")


def _table(missing: list[tuple[str, str, str, str]]) -> Table:
    title = f"{len(missing)} not written" + (f", the first {_LISTED}" if len(missing) > _LISTED else "")
    table = Table(title=title, title_justify="left")
    for column in ("picture", "verdict", "reason", "what to do"):
        table.add_column(column, overflow="fold")
    for row in missing[:_LISTED]:
        table.add_row(*map(escape, row))
    return table
