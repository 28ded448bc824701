from __future__ import annotations

from collections.abc import Callable

import pytest

from epdcli.commands import backends as command
from epdcli.errors import BackendNotInstalled


def test_the_line_to_paste_is_shown_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> Callable[[], None]:
        raise BackendNotInstalled("It is not installed.", hint='Run: pip install "epdcli[torch]"')

    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("epdcli.runtimes.load_backend", missing)
    with pytest.raises(command.__globals__["typer"].Exit) as ended:
        command(as_json=False)
    assert 'pip install "epdcli[torch]"' in capsys.readouterr().out
    assert ended.value.exit_code == 3
