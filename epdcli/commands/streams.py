"""Standard streams, closed or full: what can't be said ends no run, what can't be printed is an error."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress

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
