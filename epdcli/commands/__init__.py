"""The command line: one file a command; parse, call, show. Errors become exit codes here and nowhere else."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from epdcli.commands.backends import backends
from epdcli.commands.bank import bank
from epdcli.commands.benchmark import benchmark
from epdcli.commands.deidentify import deidentify
from epdcli.commands.detect import detect
from epdcli.commands.doctor import doctor
from epdcli.commands.evaluate import evaluate
from epdcli.commands.export import export
from epdcli.commands.inspect import inspect
from epdcli.errors import EpdError

app = typer.Typer(
    name="epd",
    help="De-identify faces in pictures: every face becomes the face of a person who does not exist.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(deidentify)
app.command()(detect)
app.command()(backends)
app.command()(doctor)
app.command()(evaluate)
app.command()(benchmark)
app.command()(export)
app.command()(inspect)
app.add_typer(bank)

_DEBUG = "EPD_DEBUG"


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.", envvar=_DEBUG)] = False,
) -> None:
    if debug:
        os.environ[_DEBUG] = "1"


def main() -> None:
    """The entry point of `epd`."""
    if "--version" in sys.argv[1:2]:
        from importlib.metadata import version

        print(version("epdcli"))
        return
    try:
        app()
    except EpdError as error:
        if os.environ.get(_DEBUG):
            raise
        _show(error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("epd: stopped.", file=sys.stderr)
        sys.exit(130)


def _show(error: EpdError) -> None:
    """One sentence, and below it what to do next."""
    print(f"epd: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"     {error.hint}", file=sys.stderr)
