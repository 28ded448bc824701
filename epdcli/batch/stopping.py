"""SIGTERM and SIGHUP end a run as Ctrl-C does: docker stop, systemd, batch systems, a closed connection."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None]


class Stopped(KeyboardInterrupt):
    """A run was told to end by a signal; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """Within this, those signals raise Stopped, once: while a run ends, more of them change nothing.

    A signal that is ignored already (`nohup`) stays so, and only the main thread can be told at all.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]

    def stop(number: int, frame: FrameType | None) -> None:
        for one in heard:
            signal.signal(one, signal.SIG_IGN)
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """What a process ends with that was told to: 128 and the signal's number, as a shell says it."""
    return 128 + (interrupt.number if isinstance(interrupt, Stopped) else signal.SIGINT)
