"""Signals that end a run, and the moments in which they wait."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from epdcli.batch.stopping import Stopped, exit_code, stoppable, unstoppable

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_what_is_under_way_with_its_own_exit_code(number: int) -> None:
    with pytest.raises(Stopped) as stopped, stoppable():
        os.kill(os.getpid(), number)
        threading.Event().wait(5)
    assert exit_code(stopped.value) == 128 + number


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_until_what_is_unstoppable_is_done(number: int) -> None:
    done = []
    with pytest.raises(Stopped), stoppable():
        with unstoppable():
            os.kill(os.getpid(), number)
            done.append("started")
        done.append("went on")
    assert done == ["started"]


def test_more_signals_change_nothing_while_a_run_ends() -> None:
    with stoppable():
        with pytest.raises(Stopped):
            os.kill(os.getpid(), signal.SIGTERM)
            threading.Event().wait(5)
        with unstoppable():
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_given_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with stoppable():
        assert [signal.getsignal(number) for number in SIGNALS] != before
    assert [signal.getsignal(number) for number in SIGNALS] == before
