"""SIGTERM and SIGHUP end a run as Ctrl-C does: docker stop, systemd, batch systems, a closed connection."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = [
    number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
]


class Stopped(KeyboardInterrupt):
    """A run was told to end by a signal; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class _Stop:
    """Raises Stopped for the first signal: at once, or when it is let through."""

    def __init__(self) -> None:
        self.held = 0
        self.told: int | None = None
        self._waiting: int | None = None

    def hear(self, number: int, frame: FrameType | None) -> None:
        if self.told is None:
            self.told = self._waiting = number
            self.let_through()

    def let_through(self) -> None:
        if self._waiting is not None and not self.held:
            number, self._waiting = self._waiting, None
            raise Stopped(number)


_stop = _Stop()


@contextmanager
def stoppable() -> Iterator[None]:
    """Within this, those signals raise Stopped, once: while a run ends, more of them change nothing.

    A signal that is ignored already (`nohup`) stays so, and only the main thread can be told at all.
    """
    global _stop  # noqa: PLW0603  a process has one set of signal handlers
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _stop = _Stop()
    heard = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, _stop.hear) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _stop = _Stop()


@contextmanager
def unstoppable() -> Iterator[None]:
    """Within this, for a moment, a signal is only remembered, and raised at the end.

    For the start of a process, which must not be cut in two; and that process never hears of the signals, for
    it inherits that they are blocked.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    _stop.held += 1
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _stop.held -= 1
        _stop.let_through()


def go_on() -> None:
    """Raise Stopped if a signal was heard and what it raised has got lost: in a destructor, or in a callback
    of a library, Python prints an exception and goes on."""
    if _stop.told is not None:
        raise Stopped(_stop.told)


def exit_code(interrupt: KeyboardInterrupt) -> int:
    """What a process ends with that was told to: 128 and the signal's number, as a shell says it."""
    return 128 + (interrupt.number if isinstance(interrupt, Stopped) else signal.SIGINT)
