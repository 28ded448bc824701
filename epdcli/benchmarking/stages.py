"""One picture's way with a stopwatch between the steps: the product's own functions, in its order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from epdcli import pictures
from epdcli.faces.alignment import align
from epdcli.faces.codes import SeededCodes, code_from
from epdcli.faces.detection import CenterFaceDetector
from epdcli.faces.pasting import composite, to_picture, touched
from epdcli.faces.verification import Verifier, distances
from epdcli.methods.generate import Generate
from epdcli.runtimes import Engine

STAGES = ("read", "detect", "align", "generate", "paste", "write", "verify")


@dataclass
class Stopwatch:
    """Seconds by stage. Sessions answer with arrays of this process, so a device is done when they return."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun


@dataclass(frozen=True)
class Timing:
    """Seconds of each stage for one picture, and how many faces it has."""

    seconds: dict[str, float]
    faces: int


class Line:
    """The steps opened for one engine. One attempt for each face: nothing is released here."""

    def __init__(self, engine: Engine) -> None:
        self._detector = CenterFaceDetector(engine)
        self._method = Generate(engine)
        self._verifier = Verifier(engine.session("dlib_resnet"))

    def run(self, source: Path, target: Path) -> Timing:
        """Take a picture along the line. `verify` is all that judges: embeddings of the old and new faces,
        and the finished file scanned, read back, searched for faces and these embedded. Raises PictureError.
        """
        watch = Stopwatch()
        with watch.stage("read"):
            file = pictures.read(source)
        frame = file.frames[0]
        with watch.stage("detect"):
            faces = self._detector.detect(frame)
        with watch.stage("align"):
            aligned = [align(frame, face, self._method.size) for face in faces]
        with watch.stage("generate"):
            seeds = [SeededCodes(0).seed(source.name, number, 0) for number in range(len(faces))]
            new = self._method.replace(aligned, [code_from(seed) for seed in seeds])
        with watch.stage("paste"):
            patches = [to_picture(n, a.matrix, frame.shape) for n, a in zip(new, aligned, strict=True) if n]
            finished = composite(frame, patches)
        with watch.stage("write"):
            others = list(file.frames[1:])
            masks = [touched(frame.shape, patches), *(np.zeros(other.shape[:2], bool) for other in others)]
            pictures.write(file, [finished, *others], masks, target)
        with watch.stage("verify"):
            originals = self._verifier.embed(frame, faces)
            distances(self._verifier.embed(finished, faces), originals)
            pictures.scan(target)
            seen = pictures.read(target).frames[0]
            distances(self._verifier.embed(seen, self._detector.detect(seen)), originals)
        return Timing(watch.seconds, len(faces))
