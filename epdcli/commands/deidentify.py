"""`epd deidentify`: pictures in, pictures of people who do not exist out."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from epdcli.commands.keeping import kept_values
from epdcli.commands.skipping import Ignored
from epdcli.commands.streams import output_for
from epdcli.errors import UsageError

if TYPE_CHECKING:
    from epdcli.pictures import Keep


class Attributes(StrEnum):
    KEEP = "keep"
    FREE = "free"


class NoFace(StrEnum):
    WITHHOLD = "withhold"
    COPY = "copy"


class Metadata(StrEnum):
    STRIP = "strip"
    SAFE = "safe"


class Naming(StrEnum):
    KEEP = "keep"
    HASH = "hash"


class Passes(StrEnum):
    ALL = "all"
    UPRIGHT = "upright"


def deidentify(  # noqa: PLR0913, PLR0917  the options of the tool are the parameters of its main command
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PICTURES... OUTPUT",
            help="Files and folders (folders with all their subfolders), and last where to write: a folder, "
            "or a file for a single file.",
        ),
    ],
    method: Annotated[
        str,
        typer.Option(
            "--method",
            "-m",
            help="What stands in for a face: generate, soft, solid, blur, pixelate, filter, warp, ksame or a "
            "plug-in's.",
        ),
    ] = "generate",
    strength: Annotated[
        float | None,
        typer.Option(
            help="How strong a method is: blur's sigma in face widths (0.12), pixelate's blocks across the "
            "face (6), filter's height of edges smoothed away (1: from black to white), warp's shifts in "
            "face widths (0.05), ksame's number of faces in an average (5), soft's colours across (4), and "
            "how much of the new person's own shape of brows and nose generate keeps (1)."
        ),
    ] = None,
    bank: Annotated[
        Path | None,
        typer.Option(help="The people whose faces are put in, as 'epd bank build' makes them."),
    ] = None,
    attributes: Annotated[
        Attributes,
        typer.Option(
            help="Keep the apparent age, sex, skin tone, beard and glasses, or leave them free: then less of "
            "the old face can be guessed."
        ),
    ] = Attributes.KEEP,
    seed: Annotated[
        int | None,
        typer.Option(help="Make the new faces repeatable. Whoever knows the seed can repeat them."),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(help="A file of at least 32 secret bytes: new faces are repeatable for its owner only."),
    ] = None,
    backend: Annotated[
        str, typer.Option(help="auto, openvino, onnxruntime, torch or a plug-in's.", envvar="EPD_BACKEND")
    ] = "auto",
    device: Annotated[
        str,
        typer.Option(
            help="auto, cpu, cuda:0, ... What is asked for is used, or it is an error.", envvar="EPD_DEVICE"
        ),
    ] = "auto",
    detector: Annotated[str, typer.Option(help="centerface, dlib or a plug-in's.")] = "centerface",
    passes: Annotated[
        Passes, typer.Option(help="Look for turned faces too (all), or only for upright ones.")
    ] = Passes.ALL,
    smallest: Annotated[
        int | None,
        typer.Option(
            metavar="PX",
            help="Look for faces of this height on, whatever the size of a picture. By default 20 px up to 4 "
            "megapixels, 35 in 12, 98 in 96; each picture's number stands in the manifest.",
            min=20,
        ),
    ] = None,
    detections: Annotated[
        Path | None,
        typer.Option(
            help="Faces found before, as 'epd detect --json' writes them, and edited: what is put in is "
            "replaced, what is taken out stays. The result is checked all the same."
        ),
    ] = None,
    expect_faces: Annotated[
        int, typer.Option(help="Withhold a picture in which fewer faces are found.", min=0)
    ] = 0,
    no_face: Annotated[
        NoFace, typer.Option(help="What to do with pictures without a face.")
    ] = NoFace.WITHHOLD,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Distance that a new face must keep from every old one; 0.539 is that of one in a thousand "
            "pairs of strangers. Larger is stricter."
        ),
    ] = None,
    max_attempts: Annotated[
        int, typer.Option(help="Times that a face is tried before it is filled.", min=1)
    ] = 4,
    candidates: Annotated[
        int,
        typer.Option(
            help="Identities drawn at each: of those that pass, the one that is least like the original and "
            "keeps the expression best is taken.",
            min=1,
        ),
    ] = 3,
    batch: Annotated[
        int,
        typer.Option(help="Faces of a picture that go through a network at once; a GPU likes more.", min=1),
    ] = 8,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Pictures at once; 0 for one a core.", min=0)] = 0,
    max_pixels: Annotated[int, typer.Option(help="Refuse larger pictures; 0 for the default.", min=0)] = 0,
    mark: Annotated[
        bool, typer.Option(help="Mark pictures with generated faces as such (IPTC DigitalSourceType).")
    ] = True,
    metadata: Annotated[
        Metadata,
        typer.Option(help="Take all metadata out, or let the values stay that --keep names (safe)."),
    ] = Metadata.STRIP,
    keep: Annotated[
        str,
        typer.Option(
            metavar="date,gps,camera",
            help="With --metadata safe: the EXIF values that stay, written anew from what was read. Only "
            "JPEG, PNG, WebP, AVIF and HEIC hold them.",
        ),
    ] = "",
    rename: Annotated[
        Naming,
        typer.Option(
            help="Keep the names of files and folders, or replace them by keyed hashes (hash): which is "
            "which stands in the manifest only. The key is --key's, or one drawn for the run."
        ),
    ] = Naming.KEEP,
    keep_times: Annotated[
        bool, typer.Option("--keep-times", help="Give outputs the times of their sources, not today's.")
    ] = False,
    manifest: Annotated[
        Path | None,
        typer.Option(
            help="Where to write the record of the run; OUTPUT.manifest.json by default. Not for release."
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="K/N",
            help="Do only the K-th of N parts of the pictures, by a hash of their names: for N machines that "
            "share a disk. Each part has a manifest of its own; 'epd manifest merge' makes one of them.",
        ),
    ] = None,
    ignore: Ignored = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing outputs.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read, detect and plan; write nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Replace every face in PICTURES and write the result to OUTPUT.

    A picture is written only when every face in it was replaced and verified. Ends with 0 when
    everything was written, 1 when something was withheld, failed, had no face or was skipped, 2 when it
    can't be done as asked, 3 when this machine lacks something, 130 on Ctrl-C (143 and 129 on SIGTERM and
    SIGHUP).
    """
    if len(paths) < 2:
        raise UsageError("An output is missing.", hint="Use: epd deidentify PICTURES... OUTPUT")
    from epdcli import model
    from epdcli.batch.renaming import Rename
    from epdcli.batch.run import RunSettings, run
    from epdcli.batch.shards import Shard
    from epdcli.batch.stopping import exit_code
    from epdcli.commands.progress import Reporter
    from epdcli.deidentifier import Options
    from epdcli.faces.verification import STRANGER_DISTANCE
    from epdcli.pictures import MAX_PIXELS
    from epdcli.pipeline import Policy

    options = Options(
        method=method,
        strength=strength,
        bank=bank,
        attributes=model.Attributes(attributes),
        backend=backend,
        device=device,
        detector=detector,
        passes=passes.value,
        smallest=smallest,
        seed=seed,
        key=_read_key(key),
        threshold=STRANGER_DISTANCE if threshold is None else threshold,
        max_attempts=max_attempts,
        candidates=candidates,
        batch=batch,
        debug=bool(os.environ.get("EPD_DEBUG")),
        policy=Policy(
            expect_faces=expect_faces,
            no_face_copy=no_face is NoFace.COPY,
            mark=mark,
            max_pixels=max_pixels or MAX_PIXELS,
            keep=_named(keep, metadata),
            keep_times=keep_times,
        ),
    )
    settings = RunSettings(
        inputs=tuple(paths[:-1]),
        output=paths[-1],
        manifest=manifest,
        detections=detections,
        overwrite=overwrite,
        resume=resume,
        dry_run=dry_run,
        workers=jobs or None,
        rename=Rename(rename),
        ignore=tuple(ignore or ()),
        shard=None if shard is None else Shard.parse(shard),
    )
    reporter = Reporter(quiet=quiet, as_json=as_json)
    try:
        with output_for(json_only=as_json):
            outcome = run(settings, options, reporter, command=["epd", *sys.argv[1:]])
    except KeyboardInterrupt as interrupt:  # before the first picture
        print("epd: stopped before the first picture.", file=sys.stderr)
        raise typer.Exit(exit_code(interrupt)) from None
    reporter.summary(outcome)
    raise typer.Exit(outcome.exit_code)


def _named(words: str, metadata: Metadata) -> frozenset[Keep]:
    """The values that --keep names, which --metadata has to agree with."""
    named = kept_values(words)
    if named and metadata is not Metadata.SAFE:
        raise UsageError(
            "--keep lets metadata stay, but all of it is to be taken out.", hint="Add --metadata safe."
        )
    if metadata is Metadata.SAFE and not named:
        raise UsageError(
            "--metadata safe keeps what is named, and nothing is.",
            hint="Add --keep date,gps,camera, or some of them.",
        )
    return named


def _read_key(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"The key {path} can't be read: {error.strerror}.", hint="Check its name."
        ) from error
