"""Write the command reference from the commands' own help; `make docs` keeps it in docs/commands.md."""

from __future__ import annotations

import os

os.environ |= {"COLUMNS": "100", "TERM": "dumb", "NO_COLOR": "1"}

from importlib.metadata import version

from typer.main import get_command
from typer.testing import CliRunner

from epdcli.commands import app


def reference() -> str:
    """The reference as Markdown: `epd --help`, then each command's help."""
    names = sorted(get_command(app).commands)  # type: ignore[attr-defined]
    typer = ".".join(version("typer").split(".")[:2])  # each lays help out in its own way
    parts = [f"# Commands\n\nWritten by `make docs` from the commands' own help, shown by typer {typer}.\n"]
    for arguments in ([], *([name] for name in names)):
        shown = CliRunner().invoke(app, [*arguments, "--help"], prog_name="epd").output
        text = "\n".join(line.rstrip() for line in shown.strip().splitlines())
        parts.append(f"## {' '.join(['epd', *arguments])}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    print(reference(), end="")
