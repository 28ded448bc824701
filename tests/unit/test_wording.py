"""Numbers as people say them."""

from __future__ import annotations

import pytest

from epdcli.wording import counted, duration


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 pictures"), (1, "1 picture"), (2, "2 pictures"), (1413, "1,413 pictures")]
)
def test_what_is_counted_agrees_with_its_number(number: int, said: str) -> None:
    assert counted(number, "picture") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (45, "45 s"),
        (59.7, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_a_time_is_said_in_the_units_that_suit_it(seconds: float, said: str) -> None:
    assert duration(seconds) == said
