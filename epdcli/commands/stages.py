"""What a person sees of an evaluation: its stages, one progress bar after the other, on stderr."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Stages:
    """Shows each stage with a bar where stderr is a terminal, and in a line with its time at the end."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._bar = sys.stderr.isatty() and not quiet
        self._progress: Progress | None = None
        self._what, self._total, self._begun = "", 0, 0.0

    def begin(self, what: str, total: int) -> None:
        self._what, self._total, self._begun = what, total, time.perf_counter()
        if self._bar:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self._progress = Progress(*columns, TimeRemainingColumn(), console=self._console, transient=True)
            self._progress.start()
            self._progress.add_task(escape(what), total=total)

    def advance(self, count: int) -> None:
        if self._progress is not None:
            self._progress.update(self._progress.tasks[0].id, advance=count)

    def end(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        seconds = time.perf_counter() - self._begun
        self._console.print(f"[dim]{escape(self._what)}: {self._total} in {seconds:.1f} s[/dim]")
