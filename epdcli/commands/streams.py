"""Standard streams, closed or full: what can't be said ends no run, what can't be printed is an error."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress

_INPUT, _OUTPUT, _ERRORS = 0, 1, 2


def open_streams() -> None:
    """Let this process have all three standard streams, and an stderr that drops what it can't write.

    One that was closed leads nowhere: else the next file that is opened, a picture perhaps, would get its
    number, and what libraries print there.
    """
    closed = [number for number in (_INPUT, _OUTPUT, _ERRORS) if not _is_open(number)]
    for number in closed:
        # Output that nobody can read must fail, so that it isn't taken for printed.
        opened = os.open(os.devnull, os.O_WRONLY if number == _ERRORS else os.O_RDONLY)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)
    if _OUTPUT in closed:
        sys.stdout = open(_OUTPUT, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(_Forgiving(_ERRORS, "w", closefd=False)),
        encoding=getattr(sys.stderr, "encoding", "utf-8"),
        errors="backslashreplace",
        line_buffering=True,
    )


@contextmanager
def output_for(json_only: bool) -> Iterator[None]:
    """With `json_only`, what is printed meanwhile goes to stderr: stdout is for the document that follows.

    That is what libraries and plug-ins print, from Python, from C, or from processes that they start.
    """
    if not json_only:
        yield
        return
    kept = os.dup(_OUTPUT)
    os.dup2(_ERRORS, _OUTPUT)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        _flush_c()
        os.dup2(kept, _OUTPUT)
        os.close(kept)


def _flush_c() -> None:
    """Let C libraries print what they hold back, where this system lets them be told so."""
    import ctypes

    with suppress(OSError, TypeError, AttributeError):
        ctypes.CDLL(None).fflush(None)


def close_output() -> OSError | None:
    """Print what is still to be printed; returns why that can't be done, if so."""
    try:
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError):  # Python tries again at its end, and would say so
            os.dup2(os.open(os.devnull, os.O_WRONLY), _OUTPUT)
        return error
    return None


class _Forgiving(io.FileIO):
    """A file for which everything counts as written."""

    def write(self, content: bytes) -> int:  # type: ignore[override]
        with suppress(OSError):
            super().write(content)
        return len(content)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
