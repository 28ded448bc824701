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
from epdcli.commands.manifest import manifest
from epdcli.commands.schema import schema
from epdcli.commands.streams import close_output, open_streams
from epdcli.errors import EpdError

app = typer.Typer(
    name="epd",
    help="De-identify faces in pictures: every face becomes the face of a person who does not exist.",
    no_args_is_help=True,
    epilog="""Examples:

    epd deidentify img/ out/            # a folder with all its subfolders

    epd detect --draw boxes/ img/       # what would be found, to look at

    epd doctor                          # what works on this machine
    """,
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
app.command()(schema)
app.add_typer(bank)
app.add_typer(manifest)

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
    open_streams()
    code = _run()
    if (unprinted := close_output()) is not None:
        if not isinstance(unprinted, BrokenPipeError):  # whoever read it has read enough
            _show(_unusable(unprinted))
        code = code or 1
    sys.exit(code)


def _run() -> int:
    """Run the command that was asked for; returns the exit code, and says what went wrong in a sentence."""
    try:
        if "--version" in sys.argv[1:2]:
            from importlib.metadata import version

            print(version("epdcli"))
        else:
            app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except KeyboardInterrupt:
        print("epd: stopped.", file=sys.stderr)
        return 130
    except Exception as error:
        if os.environ.get(_DEBUG):
            raise
        sentence = _in_words(error)
        _show(sentence)
        return sentence.exit_code
    return 0


def _in_words(error: Exception) -> EpdError:
    """An error as a person should read it."""
    match error:
        case EpdError():
            return error
        case ImportError():
            from epdcli.plugins import not_installed

            return not_installed(error)
        case OSError():
            return _unusable(error)
        case _:
            return EpdError(
                f"Unexpected {type(error).__name__}: {error}.",
                hint="Please report it, with what 'epd --debug' and the same words say.",
            )


def _unusable(error: OSError) -> EpdError:
    what = f"{error.filename} can't be used" if error.filename else "What was to be printed can't be written"
    return EpdError(
        f"{what}: {error.strerror or error}.", hint="Check the name, the permissions and the space."
    )


def _show(error: EpdError) -> None:
    """One sentence, and below it what to do next."""
    print(f"epd: {error.message}", file=sys.stderr)
    if error.hint:
        print(f"     {error.hint}", file=sys.stderr)
