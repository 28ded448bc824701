"""`epd bank`: the synthetic people who stand in for faces. Build a bank of your own, or look at one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from epdcli.commands.skipping import Ignored, tell_skipped
from epdcli.errors import UsageError

bank = typer.Typer(
    name="bank",
    help="The synthetic people who stand in for faces: build a bank of your own portraits, or look at one.",
    no_args_is_help=True,
)


@bank.command()
def build(
    given: Annotated[
        list[Path],
        typer.Argument(
            metavar="PORTRAITS...",
            help="Pictures and folders with one person on each: synthetic people, or people who agreed.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The bank's file, for example my.bank.")],
    licence: Annotated[
        str,
        typer.Option(help="Under what terms the portraits may be used; stands in the bank and the manifest."),
    ] = "not stated",
    source: Annotated[str, typer.Option(help="Where the portraits are from.")] = "not stated",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    ignore: Ignored = None,
    backend: Annotated[
        str, typer.Option(help="auto, openvino, onnxruntime, torch or a plug-in's.", envvar="EPD_BACKEND")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:0, ...", envvar="EPD_DEVICE")] = "auto",
) -> None:
    """Make a bank of PORTRAITS, to be used with `epd deidentify --bank`.

    The faces of these people will be seen in the new pictures. Portraits that can't be used (several faces, a
    fringe or a hat over the forehead, a face under 100 px) are named and left out. Ends with 1 when a picture
    could not be read, or something was skipped that may show people.
    """
    from epdcli.batch.listing import listing_of
    from epdcli.batch.plan import refuse_existing
    from epdcli.files import write_bytes, writing
    from epdcli.runtimes import Engine, choose_backend
    from epdcli.synthetic.bank import bank_bytes
    from epdcli.synthetic.building import arrays_of, opened, portraits

    if not overwrite:
        refuse_existing([out])
    listing = listing_of(given, ignore or ())
    skipped = tell_skipped(listing)
    with Engine(choose_backend(backend, device)) as engine:
        found = list(portraits(opened(listing.pictures), engine))
    people = [portrait for portrait in found if not portrait.problem]
    for portrait in found:
        if portrait.problem:
            print(f"{portrait.name}: left out, {portrait.problem}", file=sys.stderr)
    if not people:
        raise UsageError(
            "None of the portraits can be used.", hint="Each needs one face, seen from the front."
        )
    about = {"name": out.stem, "version": "1", "licence": licence, "source": source}
    with writing(out):
        write_bytes(out, bank_bytes(arrays_of(people), about))
    print(f"{out}: {len(people)} people, {len(found) - len(people)} portraits left out")
    raise typer.Exit(1 if skipped or any(portrait.unreadable for portrait in found) else 0)


@bank.command()
def show(
    file: Annotated[
        Path | None,
        typer.Argument(help="A bank's file; the shipped one if none is given.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The picture to write.")] = Path("bank.jpg"),
    most: Annotated[
        int, typer.Option("--most", help="How many people to draw, spread over the bank.", min=1)
    ] = 200,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Draw a contact sheet of a bank's people, each with number, apparent age and sex."""
    from epdcli.batch.plan import refuse_existing
    from epdcli.files import write_bytes, writing
    from epdcli.networks import shipped_bank
    from epdcli.synthetic.bank import read_bank
    from epdcli.synthetic.contact_sheet import contact_sheet

    if not overwrite:
        refuse_existing([out])
    people = read_bank(file) if file else read_bank(*shipped_bank())
    with writing(out):
        write_bytes(out, contact_sheet(people, most))
    about = people.about
    shown = min(most, len(people))
    print(f"{about['name']} {about['version']}: {len(people)} people, {shown} of them in {out}")
    print(f"Licence: {about['licence']}. Source: {about['source']}.")
