"""Networks that judge: opened on the product's own backends, asked about faces aligned by five points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epdcli.errors import BackendBroken, SetupError
from epdcli.evaluation.conventions import (
    DLIB,
    FACEAPI,
    LANDMARKS,
    Convention,
    Source,
    parse_source,
)
from epdcli.faces.alignment import FRAME, crop_of_frame, similarity_transform, warp
from epdcli.faces.alignment import TEMPLATE_256 as TEMPLATE
from epdcli.model import Pixels, Points
from epdcli.networks import Network, TensorSpec, load_network
from epdcli.runtimes import Choice, Session

Floats = NDArray[np.float32]

_SHIPPED = {"dlib": ("dlib_resnet", DLIB), "faceapi": ("expression_faceapi", FACEAPI),
            "landmarks68": ("landmarks68_faceapi", LANDMARKS)}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Judge:
    """An open network: name, convention, the SHA-256 of its file, and its session."""

    name: str
    convention: Convention
    sha256: str
    session: Session

    @property
    def key(self) -> str:
        """What its answers are stored under: the same file fed in the same way answers the same."""
        return f"{self.sha256[:24]} {self.convention}"

    def ask(self, faces: Sequence[tuple[Pixels, Points]]) -> Floats:
        """Its answers (n, length), float32, on faces given as a picture and the five points (5, 2) in it."""
        crops = [crop(pixels, landmarks, self.convention) for pixels, landmarks in faces]
        answer = self.session.run({self.convention.input: np.stack(crops)})[self.convention.output]
        return np.asarray(answer, np.float32).reshape(len(crops), -1)


def crop(pixels: Pixels, landmarks: Points, convention: Convention) -> Floats:
    """What a network is given of one face: (channels, side, side), float32, as its convention says."""
    left, top, side, size = convention.crop
    to_frame = similarity_transform(landmarks, TEMPLATE)
    matrix = crop_of_frame(to_frame, int(FRAME), (left, top), side, size)
    seen = warp(pixels, matrix, size).astype(np.float32)
    if convention.channels == 1:
        seen = (seen @ np.array((0.299, 0.587, 0.114), np.float32))[..., None]
    elif convention.order == "bgr":
        seen = seen[..., ::-1]
    return np.ascontiguousarray((seen.transpose(2, 0, 1) - convention.mean) / convention.scale, np.float32)


def source_of(text: str) -> Source:
    """What an option names: a shipped judge (dlib, faceapi, landmarks68) or `NAME=FILE[,key=value...]`."""
    if text in _SHIPPED:
        network, convention = _SHIPPED[text]
        return Source(text, None, load_network(network).sha256, convention)
    return parse_source(text)


def open_judge(source: Source, choice: Choice, threads: int = 0) -> Judge:
    """Open a judge on the chosen backend. Raises BackendBroken when the file or its description is wrong."""
    network = _network(source) if source.path else load_network(_SHIPPED[source.name][0])
    try:
        session = choice.backend.open(network, choice.device, threads)
        judge = Judge(source.name, source.convention, source.sha256, session)
        _try(judge)
    except SetupError:
        raise
    except Exception as error:  # the runtimes raise nearly everything on a file that is not what was said
        raise BackendBroken(
            f"{source.path or source.name} can't be used as described: {type(error).__name__}: {error}",
            hint="Check input, output, channels and crop.",
        ) from error
    return judge


def _try(judge: Judge) -> None:
    blank = np.zeros((256, 256, 3), np.uint8)
    length = judge.ask([(blank, TEMPLATE.astype(np.float32))] * 2).shape[1]
    wanted = judge.convention.length
    if wanted is not None and length != wanted:
        raise ValueError(f"it answers {length} numbers a face, not {wanted}")


def _network(source: Source) -> Network:
    """A file as the backends take it. Its shapes are those of the convention; nothing is shipped with it."""
    path, how = source.path or Path(), source.convention
    _, _, _, side = how.crop
    given = TensorSpec(how.input, ("N", how.channels, side, side), "NCHW", None)
    length: Any = "L" if how.length is None else how.length
    return Network(
        name=source.name,
        version="",
        path=path,
        format=path.suffix.removeprefix(".").lower(),
        sha256=source.sha256,
        inputs=(given,),
        outputs=(TensorSpec(how.output, ("N", length), "NC", None),),
        licence="",
        licence_file="",
        source=str(path),
        made_by="",
        tolerance=0.0,
        golden=Path(),
    )
