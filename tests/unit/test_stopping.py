"""Signals that end a run, and the moments in which they wait.

Each in a process of its own: pytest's faulthandler brings a signal stack that is too small once a runtime has
switched AMX on, and the next signal would end the process.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

_BEGIN = """
import os, signal, threading
from epdcli.batch.stopping import Stopped, exit_code, go_on, stoppable, unstoppable

def tell(name):
    os.kill(os.getpid(), getattr(signal, name))
"""


def printed(script: str) -> list[str]:
    """What the lines of a script print after `_BEGIN`."""
    command = [sys.executable, "-c", _BEGIN + script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(("name", "code"), [("SIGINT", "130"), ("SIGTERM", "143"), ("SIGHUP", "129")])
def test_a_signal_ends_what_is_under_way_with_its_own_exit_code(name: str, code: str) -> None:
    script = f"""
try:
    with stoppable():
        tell("{name}")
        threading.Event().wait(5)
except Stopped as stopped:
    print(exit_code(stopped))
"""
    assert printed(script) == [code]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_waits_until_what_is_unstoppable_is_done(name: str) -> None:
    script = f"""
try:
    with stoppable():
        with unstoppable():
            tell("{name}")
            print("started")
        print("went-on")
except Stopped:
    print("stopped")
"""
    assert printed(script) == ["started", "stopped"]


def test_a_signal_that_gets_lost_in_a_destructor_ends_the_run_at_its_next_step() -> None:
    script = """
class Closing:
    def __del__(self):
        tell("SIGTERM")
        threading.Event().wait(5)

try:
    with stoppable():
        go_on()
        Closing()
        print("went-on")
        go_on()
        print("never")
except Stopped as stopped:
    print(exit_code(stopped))
"""
    assert printed(script) == ["went-on", "143"]


def test_more_signals_change_nothing_while_a_run_ends() -> None:
    script = """
with stoppable():
    try:
        tell("SIGTERM")
        threading.Event().wait(5)
    except Stopped:
        print("stopped")
    with unstoppable():
        tell("SIGINT")
    tell("SIGHUP")
    print("ended")
"""
    assert printed(script) == ["stopped", "ended"]


def test_handlers_are_given_back() -> None:
    script = """
names = ("SIGINT", "SIGTERM", "SIGHUP")
handlers = lambda: [signal.getsignal(getattr(signal, name)) for name in names]
before = handlers()
with stoppable():
    print(handlers() != before)
print(handlers() == before)
"""
    assert printed(script) == ["True", "True"]
