"""What the networks are really given: pictures go the product's own way, and every input is kept.

Exports are compared and calibrated on these, and benchmarks timed on them, so that none of it rests on drawn
noise. Nothing here is ever written to a file: some of the inputs are faces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epdcli.faces.alignment import align
from epdcli.faces.codes import SeededCodes, code_from
from epdcli.faces.detection import CenterFaceDetector
from epdcli.faces.verification import Verifier
from epdcli.methods.generate import Generate
from epdcli.model import Pixels
from epdcli.networks import Tensors, network_names
from epdcli.runtimes import Choice, Engine, Session

Inputs = Mapping[str, Sequence[Tensors]]  # by network: what each call was given


class _Heard:
    """A session that keeps what it is given."""

    def __init__(self, session: Session, kept: list[Tensors]) -> None:
        self._session, self._kept = session, kept
        self.device, self.provider = session.device, session.provider

    def run(self, inputs: Tensors) -> dict[str, NDArray[np.float32]]:
        self._kept.append({name: np.array(array) for name, array in inputs.items()})
        return self._session.run(inputs)

    def close(self) -> None:
        self._session.close()


class _ListeningEngine(Engine):
    def __init__(self, choice: Choice, folder: Path | None) -> None:
        super().__init__(choice, folder)
        self.heard: dict[str, list[Tensors]] = {}

    def session(self, name: str) -> Session:
        return _Heard(super().session(name), self.heard.setdefault(name, []))


def real_inputs(choice: Choice, frames: Iterable[Pixels], folder: Path | None = None) -> Inputs:
    """What each network is given while the faces of `frames` (H x W x 3, uint8, RGB) are replaced.

    By network, one mapping a call: float32, batches of at most 8 faces (4 copies of a picture for the
    detector). Networks that no face reached have an empty list, and those that are on no picture's way (only
    `epd evaluate` asks them) the input of their golden pair. Identity codes are those of seed 0.
    Raises WeightsError, BackendBroken.
    """
    with _ListeningEngine(choice, folder) as engine:
        detector, method = CenterFaceDetector(engine), Generate(engine)
        verifier = Verifier(engine.session("dlib_resnet"))
        for number, frame in enumerate(frames):
            faces = detector.detect(frame)
            seeds = [SeededCodes(0).seed(str(number), face, 0) for face in range(len(faces))]
            codes = [code_from(seed) for seed in seeds]
            method.replace([align(frame, face, method.size) for face in faces], codes)
            verifier.embed(frame, faces)
        asked = engine.heard
        return {n: asked.get(n, [engine.network(n).golden_pair()[0]]) for n in network_names(folder)}


def golden_inputs(folder: Path | None, choice: Choice, names: Iterable[str]) -> Inputs:
    """The drawn inputs of the golden pairs, for where there is no picture."""
    with Engine(choice, folder) as engine:
        return {name: [engine.network(name).golden_pair()[0]] for name in names}
