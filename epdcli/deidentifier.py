"""The library's front door: everything that a run needs, opened once and used for many pictures."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, TracebackType
from typing import Self

from PIL.Image import Image

from epdcli import pictures, pipeline
from epdcli.errors import EpdError, UsageError
from epdcli.faces.codes import CodeSource, KeyedCodes, RandomCodes, SeededCodes
from epdcli.faces.crops import crops_for
from epdcli.faces.detection_passes import PROMISED_PX, DetectionSettings
from epdcli.faces.draft import record_of
from epdcli.faces.ladder import ladder_of
from epdcli.faces.method import Drawing, Method, Prepared, Preparing
from epdcli.faces.replacement import Replacer
from epdcli.faces.verification import STRANGER_DISTANCE, Verifier
from epdcli.files import FileId, identity, release, sha256_of, unverified
from epdcli.methods.soft import Soft
from epdcli.model import AlignedFace, Attributes, Face, PictureRecord, Pixels, Verdict
from epdcli.pictures.arrays import pixels_of
from epdcli.pipeline import Answer, Policy
from epdcli.runtimes import BATCH, Engine, choose_backend, load_plugin
from epdcli.wording import MORE_MEMORY

_KEY_BYTES = 32  # shorter keys can be guessed


_KINDS: Mapping[str, tuple[type, ...]] = {
    "method": (str,), "strength": (float, int, NoneType), "bank": (str, Path, NoneType), "attributes": (str,),
    "backend": (str,), "device": (str,), "detector": (str,), "passes": (str,), "smallest": (int, NoneType),
    "seed": (int, NoneType), "key": (bytes, NoneType), "threshold": (float, int), "max_attempts": (int,),
    "candidates": (int,),
    "batch": (int,), "threads": (int,), "debug": (bool,), "policy": (Policy,),
}  # fmt: skip


@dataclass(frozen=True)
class Options:
    """What a user may choose; the fields are the options of `epd deidentify`.

    threshold: Euclidean distance of dlib embeddings that a new face must keep from the old ones, at least
    that of one in a thousand pairs of strangers (0.539). max_attempts: times that a face is tried.
    candidates: identity codes drawn at each, of which the best is taken.
    bank: a file of people (`epd bank build`), the shipped one by default. attributes: whether a new face
    keeps the apparent age, sex, skin tone, beard and glasses. batch: faces of a picture that go through a
    network at once (its tiles go by their own number). threads: of the inference runtime, 0: its own choice.
    smallest: the height in pixels from which on faces are looked for, 20 or more; by default it grows with
    pictures of more than 4 megapixels. seed and key exclude each other.
    """

    method: str = "generate"
    strength: float | None = None
    bank: Path | None = None
    attributes: Attributes = Attributes.KEEP
    backend: str = "auto"
    device: str = "auto"
    detector: str = "centerface"
    passes: str = "all"
    smallest: int | None = None
    seed: int | None = None
    key: bytes | None = field(default=None, repr=False)
    threshold: float = STRANGER_DISTANCE
    max_attempts: int = 4
    candidates: int = 3
    batch: int = BATCH
    threads: int = 0
    debug: bool = False
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        for name, kinds in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
                wanted = " or ".join("None" if kind is NoneType else kind.__name__ for kind in kinds)
                raise UsageError(f"Options: {name} must be {wanted}, not {type(value).__name__}.")
        if self.passes not in ("all", "upright"):
            raise UsageError(f"There are no passes {self.passes}.", hint="Give all or upright.")
        _check_smallest(self.smallest)
        if self.attributes not in tuple(Attributes):
            raise UsageError(f"Attributes can't be {self.attributes}.", hint="Give keep or free.")
        object.__setattr__(self, "attributes", Attributes(self.attributes))
        if self.bank is not None:
            object.__setattr__(self, "bank", Path(self.bank))
        if self.threads < 0:
            raise UsageError(
                "There can't be fewer threads than none.", hint="Give 0 for the runtime's own choice."
            )
        if self.seed is not None and self.key is not None:
            raise UsageError("A seed and a key exclude each other.", hint="Give one of them.")
        if self.key is not None and len(self.key) < _KEY_BYTES:
            raise UsageError(
                f"The key has {len(self.key)} bytes, at least {_KEY_BYTES} are needed.",
                hint="Make one with: head -c 32 /dev/urandom > secret.key",
            )
        if not self.threshold >= STRANGER_DISTANCE:  # not a number is no threshold
            raise UsageError(
                f"A threshold of {self.threshold} would release more than one in a thousand look-alikes.",
                hint=f"Give {STRANGER_DISTANCE} or more.",
            )
        if self.max_attempts < 1:
            raise UsageError(
                "At least one attempt is needed for a face.", hint="Give --max-attempts 1 or more."
            )
        if self.batch < 1:
            raise UsageError("A batch holds at least one face.", hint="Give --batch 1 or more.")
        if self.candidates < 1:
            raise UsageError(
                "At least one candidate is needed for a face.", hint="Give --candidates 1 or more."
            )

    @property
    def codes(self) -> CodeSource:
        if self.key is not None:
            return KeyedCodes(self.key)
        return RandomCodes() if self.seed is None else SeededCodes(self.seed)


class Deidentifier:
    """Replaces the faces of pictures. Opens its networks once; close it, or use it as a context.

    `prepared` is what `prepare` returned elsewhere, for a method that must see all faces first. Raises
    SetupError (backend, device, weights) or UsageError when it can't be built as asked.
    """

    def __init__(self, options: Options | None = None, prepared: Prepared | None = None) -> None:
        self.options = options or Options()
        self._prepared = prepared
        self._people: dict[str, str | int] = {}
        self.choice = choose_backend(self.options.backend, self.options.device)
        self._engine = Engine(self.choice, threads=self.options.threads, batch=self.options.batch)
        try:
            self._open()
        except BaseException:
            self._engine.close()
            raise

    def _open(self) -> None:
        options, engine = self.options, self._engine
        self._detector = load_plugin("epd.detectors", options.detector)(
            engine, DetectionSettings(passes=options.passes, smallest=options.smallest)
        )
        self._kind = load_plugin("epd.methods", options.method)
        self._set_up()

    def _set_up(self) -> None:
        """The method, as it is prepared so far, and what works with it."""
        options, engine = self.options, self._engine
        prepared = () if self._prepared is None else (self._prepared,)
        self._method: Method = self._kind(engine, options.strength, *prepared)
        if isinstance(self._method, Drawing):
            drawing = self._method.drawing_from(options.bank, options.attributes)
            self._method, self._people = drawing, dict(drawing.about)
        self._replacer = Replacer(
            ladder_of(self._method, Soft(), options.max_attempts, options.candidates),
            self._detector,
            Verifier(engine.session("dlib_resnet"), engine.batch),
            options.codes,
            options.threshold,
        )

    def detect(self, picture: Pixels | Image) -> list[Face]:
        """The faces of a picture: an array (H x W x 3, uint8, RGB), or what `pixels_of` makes one of."""
        return self._detector.detect(pixels_of(picture))

    def aligned(self, source: Path | str, given: Sequence[Sequence[Face]] | None = None) -> list[AlignedFace]:
        """The faces of a file, all its frames, as the method will see them; what `prepare` takes.

        `given` stands in for detection. Raises PictureError when the file can't be read.
        """
        _check_given(given)
        frames = pictures.read(Path(source), max_pixels=self.options.policy.max_pixels).frames
        found = given if given is not None else [self.detect(frame) for frame in frames]
        pairs = zip(frames, found, strict=True)
        replaced = ((frame, [face for face in faces if not face.stays]) for frame, faces in pairs)
        return [face for frame, faces in replaced for face in crops_for(self._method, frame, faces, faces)]

    def prepare(self, faces: Iterable[AlignedFace]) -> Prepared | None:
        """Show all faces of all pictures to a method that must see them before the first one (`ksame`).

        Returns what the method made of them, which other processes may be given; None if it needs nothing.
        Raises UsageError when the faces don't suffice.
        """
        if isinstance(self._kind, Preparing):
            self._prepared = self._kind.prepare(list(faces), self.options.strength)
            self._set_up()
        return self._prepared

    def _require_preparation(self) -> None:
        if isinstance(self._kind, Preparing) and self._prepared is None:
            raise UsageError(
                f"The method {self.options.method} must see the faces of all pictures before the first one.",
                hint="Collect them with aligned() and give them to prepare(); epd deidentify does so itself.",
            )

    def pixels(self, pixels: Pixels | Image, name: str = "picture") -> tuple[Pixels | None, Answer]:
        """De-identify an array (H x W x 3, uint8, RGB), a grey or an opaque RGBA one, or such a PIL picture.

        Returns an array H x W x 3; None where it may not be released. Raises UsageError for other pictures.
        """
        self._require_preparation()
        pixels = pixels_of(pixels)
        answer, drafts = pipeline.deidentify_frames(
            [pixels],
            [self.detect(pixels)],
            name,
            self._replacer,
            self.options.policy,
            lambda drafts: pipeline.Finished([draft.pixels for draft in drafts]),
        )
        released = _is_released(answer.verdict, self.options.policy)
        return (drafts[0].pixels if released else None), answer

    def look(
        self, source: Path | str, name: str, given: Sequence[Sequence[Face]] | None = None
    ) -> PictureRecord:
        """Read a file and find its faces; write nothing. The record's faces have no method."""
        _check_given(given)
        begun, hint = time.perf_counter(), ""
        try:
            file = pictures.read(Path(source), max_pixels=self.options.policy.max_pixels)
            found = given if given is not None else pipeline.shown_faces(file, self._detector)
            replaced = [face for some in found for face in some if not face.stays]
            faces = tuple(record_of(face, self.options.threshold) for face in replaced)
            verdict, reason = (Verdict.PASS, "") if faces else (Verdict.NO_FACE, "no face found")
        except EpdError as error:
            faces, verdict, reason, hint = (), Verdict.FAILED, error.message, error.hint
        except OSError as error:
            faces, verdict, reason = (), Verdict.FAILED, str(error)
        seconds = round(time.perf_counter() - begun, 3)
        return PictureRecord(name, None, None, verdict, reason, seconds, faces, hint=hint)

    def file(
        self,
        source: Path | str,
        target: Path | str,
        name: str | None = None,
        given: Sequence[Sequence[Face]] | None = None,
        *,
        overwrite: bool = False,
        replaces: FileId | None = None,
    ) -> PictureRecord:
        """De-identify a file into `target`, which is written whole, or not at all; what went wrong with the
        picture stands in the record. `name` is the relative path that codes and record go by.

        What lies at `target` stays, and the picture counts as failed, unless `overwrite` says otherwise, or
        it is the file (`epdcli.files.identity`) that this one `replaces`. A source is never replaced. Raises
        UsageError when source or target are no paths, or differ in format, or `given` is no list of faces for
        each frame.
        """
        self._require_preparation()
        _check_given(given)
        source, target = _path(source, "source"), _path(target, "target")
        if source.suffix.lower() != target.suffix.lower():
            raise UsageError(
                f"{target} has another format than {source}.",
                hint=f"Formats are kept: name the target with {source.suffix}.",
            )
        name = name or source.name
        begun = time.perf_counter()
        digest = read = None
        try:
            _refuse_existing(target, source, overwrite, replaces)
            read = sha256_of(source) if source.is_file() else None
            with unverified(target.name) as draft:
                answer = pipeline.deidentify_file(
                    source, draft, name, self._detector, self._replacer, self.options.policy, given
                )
                released = _is_released(answer.verdict, self.options.policy)
                content = draft.read_bytes() if released else b""
            if released:
                old = identity(target) if overwrite else replaces
                release(content, target, source, replaces=old, keep_times=self.options.policy.keep_times)
                digest = hashlib.sha256(content).hexdigest()
        except EpdError as error:
            answer = Answer(Verdict.FAILED, error.message, hint=error.hint)
        except OSError as error:
            why = f"{target.name} can't be written: {error.strerror or error}."
            answer = Answer(Verdict.FAILED, why, hint="Check the folder, its permissions and the space.")
        except MemoryError:
            answer = Answer(Verdict.FAILED, "not enough memory for this picture", hint=MORE_MEMORY)
        except Exception as error:  # one bad picture never stops the rest; --debug shows the traceback
            if self.options.debug:
                raise
            answer = Answer(Verdict.FAILED, f"unexpected {type(error).__name__}: {error}")
        return PictureRecord(
            source=name,
            output=name if digest else None,
            sha256=digest,
            verdict=answer.verdict,
            reason=answer.reason,
            seconds=round(time.perf_counter() - begun, 3),
            faces=answer.faces,
            stayed=answer.stayed,
            **({"kept": answer.kept, "dropped": answer.dropped} if digest else {}),
            digital_source_type=answer.digital_source_type if digest else "",
            marked=answer.marked and digest is not None,
            source_sha256=read,
            smallest_face_px=answer.smallest_face_px,
            hint=answer.hint,
        )

    def description(self) -> Mapping[str, object]:
        """What the manifest says of the run: backend, device as really used, codes, weights' hashes."""
        return {
            "backend": self.choice.backend.name,
            "device": self._engine.session("dlib_resnet").device,
            "provider": self._engine.session("dlib_resnet").provider,
            "chosen": self.choice.reason,
            "method": self.options.method,
            "strength": self.options.strength,
            **({"bank": self._people, "attributes": self.options.attributes.value} if self._people else {}),
            **({} if self._prepared is None else {"prepared": dict(self._prepared.about)}),
            "batch": self.options.batch,
            "detector": self.options.detector,
            "passes": self.options.passes,
            "smallest": self.options.smallest,
            "seed": self.options.codes.label,
            "threshold": self.options.threshold,
            "max_attempts": self.options.max_attempts,
            "candidates": self.options.candidates,
            "keep": sorted(self.options.policy.keep),
            "keep_times": self.options.policy.keep_times,
            "expect_faces": self.options.policy.expect_faces,
            "no_face_copy": self.options.policy.no_face_copy,
            "mark": self.options.policy.mark,
            "max_pixels": self.options.policy.max_pixels,
            "weights": self._engine.hashes(),
        }

    def close(self) -> None:
        """Give back what the networks hold."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _path(given: object, what: str) -> Path:
    if not isinstance(given, str | os.PathLike):
        raise UsageError(
            f"The {what} is the path of a file, not {type(given).__name__}.",
            hint="For an array or a PIL picture there is Deidentifier.pixels(picture).",
        )
    return Path(given)


def _refuse_existing(target: Path, source: Path, overwrite: bool, replaces: FileId | None) -> None:
    """Raise UsageError, before any work, where `release` would refuse in the end."""
    there = identity(target)
    if there is None or (there == replaces and there != identity(source)):
        return
    if there == identity(source):
        raise UsageError(f"{target} is the source.", hint="Sources are never changed: name another target.")
    if not overwrite:
        raise UsageError(f"{target} already exists.", hint="Name another target, or give overwrite=True.")


def _check_given(given: object) -> None:
    frames = [] if given is None else given
    if not (
        isinstance(frames, list | tuple)
        and all(isinstance(frame, list | tuple) for frame in frames)
        and all(isinstance(face, Face) for frame in frames for face in frame)
    ):
        raise UsageError(
            "Given faces are a list for each frame of the picture, of epdcli.Face.",
            hint="For a picture of one frame give [[face, ...]].",
        )


def _check_smallest(pixels: int | None) -> None:
    if pixels is not None and pixels < PROMISED_PX:
        raise UsageError(
            f"Faces of {pixels} px are too small to be found.", hint=f"Give {PROMISED_PX:g} or more."
        )


def _is_released(verdict: Verdict, policy: Policy) -> bool:
    return verdict is Verdict.PASS or (verdict is Verdict.NO_FACE and policy.no_face_copy)
