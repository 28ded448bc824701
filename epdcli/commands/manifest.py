"""`epd manifest`: the records of runs. Make one out of many, or hold an output against its own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epdcli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

manifest = typer.Typer(
    name="manifest",
    help="The records of runs: make one out of many, or hold an output against its own.",
    no_args_is_help=True,
)


@manifest.command()
def merge(
    shards: Annotated[
        list[Path], typer.Argument(metavar="SHARDS...", help="The manifests of all shards of one run.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The manifest to write. Not for release.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Make one manifest out of those that `epd deidentify --shard` wrote.

    All shards have to be there, finished, and of one run: the same version, weights and settings.
    """
    from epdcli.batch.manifest import write_manifest
    from epdcli.batch.plan import refuse_existing
    from epdcli.batch.shards import merged
    from epdcli.wording import counted

    if not overwrite:
        refuse_existing([out])
    whole = merged({str(path): _read(path) for path in shards})
    written = write_manifest(out, whole.run, whole.records, whole.seconds)
    verdicts = ", ".join(f"{count} {name}" for name, count in written["summary"]["verdicts"].items() if count)
    print(f"{out}: {counted(len(shards), 'shard')}, {counted(len(whole.records), 'picture')} ({verdicts})")


@manifest.command()
def check(
    output: Annotated[Path, typer.Argument(help="The output of a run: a folder, or one file.")],
    manifest: Annotated[
        Path | None,
        typer.Option("--manifest", help="The record of the run; OUTPUT.manifest.json by default."),
    ] = None,
) -> None:
    """Check that OUTPUT holds what its run released, byte for byte, and nothing else.

    Ends with 1, and names the files, when one is missing, has changed, or is there that the run didn't
    write.
    """
    from epdcli.batch.checking import flaws_of
    from epdcli.batch.manifest import outputs_of
    from epdcli.batch.plan import manifest_of
    from epdcli.wording import counted

    if not output.exists():
        raise UsageError(f"{output} does not exist.", hint="Check the name.")
    content = _read(manifest or manifest_of(output))
    flaws = list(flaws_of(output, content))
    for flaw in flaws:
        print(f"{flaw.name}: {flaw.problem}", file=sys.stderr)
    released = len(outputs_of(content))
    print(f"{output}: {counted(released, 'file')} released, {counted(len(flaws), 'problem')}")
    raise typer.Exit(1 if flaws else 0)


def _read(path: Path) -> Mapping[str, Any]:
    from epdcli.batch.journal import finished_run

    content = finished_run(path)
    if content is None or "manifest_version" not in content:
        raise UsageError(
            f"{path} can't be read as a manifest.",
            hint="'epd deidentify' writes one beside each output; --manifest names another.",
        )
    return content
