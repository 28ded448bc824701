"""`epd evaluate`: what an attacker still learns from de-identified pictures, and what they are good for."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epdcli.errors import UsageError

if TYPE_CHECKING:
    from epdcli.evaluation.results import Results


def evaluate(  # noqa: PLR0913, PLR0917  the options of the command are its parameters
    originals: Annotated[Path, typer.Argument(help="Folder of the original pictures.")],
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("report"),
    deidentified: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]DIR",
            help="Any tool's output, matched by relative path; may be repeated to compare tools.",
        ),
    ] = None,
    methods: Annotated[
        str,
        typer.Option(help="De-identify with these methods first: generate,blur,pixelate:8 (with strength)."),
    ] = "",
    people: Annotated[
        Path | None,
        typer.Option(help="CSV: file, person, five points. By default Person/1.jpg shows Person."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="CSV: file, and labels such as gender, age, race.")
    ] = None,
    recogniser: Annotated[
        list[str] | None,
        typer.Option(
            metavar="dlib|NAME=FILE[,key=value]",
            help="Who recognises people; may be repeated. By default dlib, which the product uses itself.",
        ),
    ] = None,
    emotion: Annotated[
        list[str] | None,
        typer.Option(metavar="faceapi|NAME=FILE[,...]", help="Who reads expressions; may be repeated."),
    ] = None,
    pose: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE[,...]", help="Who measures head pose, beside the landmarks."),
    ] = None,
    gaze: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE[,...]", help="Who measures gaze; without one it isn't measured."),
    ] = None,
    features: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE[,...]",
            help="Whose features the Frechet and kernel distances are of; by default the recognisers'.",
        ),
    ] = None,
    detector: Annotated[
        list[str] | None, typer.Option(help="Who else looks for faces: dlib or a plug-in's.")
    ] = None,
    attacks: Annotated[
        str,
        typer.Option(help="naive,oracle,linkability,existence; parrot,inversion train and take longer; all."),
    ] = "naive,oracle,linkability,existence",
    parrot: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=DIR",
            help="For the attack parrot: set NAME made again with other codes; --methods do it themselves.",
        ),
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(help='Ends with 1 when it is not so: "tpr@1e-3<=0.01", "blur:emotion>=0.9".'),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Where answers of the judges are kept; by default in OUT.work. Not for release."),
    ] = None,
    backend: Annotated[
        str, typer.Option(help="auto, openvino, onnxruntime, torch or a plug-in's.", envvar="EPD_BACKEND")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:0, ...", envvar="EPD_DEVICE")] = "auto",
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", help="Pictures at once with --methods; 0 for one a core.", min=0)
    ] = 0,
    hifd: Annotated[
        Path | None,
        typer.Option(help="Write predictions for the package hifd there, and its scores into the report."),
    ] = None,
    with_pictures: Annotated[
        bool,
        typer.Option("--with-pictures", help="Add a sheet of faces. It shows originals: not for release."),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of drawn samples, and of the codes with --methods.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Attack de-identified pictures of ORIGINALS, measure what they are good for, and write a report.

    OUT holds index.html, summary.md, results.json and figures.csv; OUT.work beside it holds what is not for
    release. Ends with 0, with 1 when a --require isn't met or an original can't be read, 2 when it can't
    be done as asked, 3 when this machine lacks something.
    """
    from epdcli.commands.progress import Reporter
    from epdcli.commands.stages import Stages
    from epdcli.evaluation.bench import NAMED, Panel
    from epdcli.evaluation.deidentified import parse_sets
    from epdcli.evaluation.gate import parse_requirement
    from epdcli.evaluation.hifd_export import hifd_scores, write_hifd
    from epdcli.evaluation.judges import source_of
    from epdcli.evaluation.own_methods import parse_methods
    from epdcli.evaluation.page import page
    from epdcli.evaluation.results import write_results
    from epdcli.evaluation.run import Settings, chosen_attacks
    from epdcli.evaluation.run import evaluate as evaluated
    from epdcli.evaluation.sheet import picture_sheet
    from epdcli.evaluation.summary import as_markdown
    from epdcli.files import write_text
    from epdcli.plugins import require_modules

    require_modules("epd evaluate", "sklearn", "scipy", "matplotlib", *(["hifd"] if hifd else []))
    if not deidentified and not methods:
        raise UsageError(
            "There is nothing to evaluate.", hint="Give --deidentified DIR, or --methods generate,blur."
        )
    settings = Settings(
        originals=originals,
        out=out,
        panel=Panel(
            recognisers=tuple(map(source_of, recogniser or ["dlib"])),
            emotions=tuple(map(source_of, emotion or ["faceapi"])),
            landmarks=(source_of("landmarks68"),),
            poses=tuple(map(source_of, pose or [])),
            detectors=tuple(detector or ()),
            gazes=tuple(map(source_of, gaze or [])),
            features=tuple(map(source_of, features or [])),
        ),
        sets=parse_sets(deidentified or []),
        methods=parse_methods(methods),
        parrots=parse_sets(parrot or []),
        people=people,
        labels=labels,
        attacks=chosen_attacks(attacks),
        requirements=tuple(parse_requirement(text, NAMED) for text in require or []),
        cache=cache,
        backend=backend,
        device=device,
        workers=jobs or None,
        seed=seed,
    )
    results, subject = evaluated(settings, Stages(quiet=quiet), Reporter(quiet=quiet, as_json=False))
    if hifd is not None:
        write_hifd(hifd, subject, settings.panel)
        results = replace(results, extras=(hifd_scores(hifd),))
    write_results(out, results)
    write_text(out / "summary.md", as_markdown(results))
    write_text(out / "index.html", page(results, picture_sheet(subject, seed) if with_pictures else ""))
    if not quiet:
        _show(results, out)
    for failure in results.failures:
        typer.echo(f"epd: not met: {failure.requirement}: {failure.reason}", err=True)
    for name, reason in results.about["originals_skipped"].items():
        typer.echo(f"epd: {name} is not measured: {reason}.", err=True)
    for sentence in subject.unreadable.values():
        typer.echo(f"epd: {sentence}", err=True)
    raise typer.Exit(1 if results.failures or subject.unreadable else 0)


def _show(results: Results, out: Path) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from epdcli.evaluation.figures import FILLED
    from epdcli.evaluation.summary import COLUMNS, shown, summary_rows

    table = Table(
        box=box.SIMPLE, title=f"{results.about['pictures']} pictures, {results.about['people']} people"
    )
    rows = [row for row in summary_rows(results) if not row.title.endswith(FILLED)]
    for title in ("", *(escape(row.title) for row in rows)):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    for number, column in enumerate(COLUMNS):
        if all(row.cells[number] is None for row in rows):
            continue
        table.add_row(column.title, *(shown(row.cells[number], column) for row in rows))
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    Console(stderr=True).print(
        f"[dim]{escape(str(out))}: index.html, summary.md, results.json, figures.csv[/dim]"
    )
