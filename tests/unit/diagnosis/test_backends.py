"""A backend is usable when every network answers right on it and its verdicts are everybody's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from epdcli.diagnosis import examination
from epdcli.diagnosis.backends import Judgement, Place, compared, tried
from epdcli.diagnosis.finding import Finding, State
from epdcli.networks import Network, Tensors, load_network

Answer = Callable[[Network], dict[str, NDArray[np.float32]]]


@dataclass
class Told:
    """A session that answers what it is told to."""

    network: Network
    answer: Answer
    device: str = "cpu"
    provider: str = "a told one"

    def run(self, inputs: Tensors) -> dict[str, NDArray[np.float32]]:
        return self.answer(self.network)

    def close(self) -> None:
        pass


@dataclass
class ToldBackend:
    answer: Answer
    name: str = "told"
    formats: tuple[str, ...] = ("onnx",)

    def probe(self) -> tuple[str, ...]:
        return ("cpu",)

    def open(self, network: Network, device: str, threads: int = 0) -> Told:
        return Told(network, self.answer, device)


def golden(network: Network) -> dict[str, NDArray[np.float32]]:
    return network.golden_pair()[1]


NETWORKS = [load_network(name) for name in ("landmarks68_faceapi", "dlib_resnet")]


def test_a_backend_that_answers_as_the_golden_pairs_is_one_line() -> None:
    (finding,) = tried(Place(ToldBackend(golden), "cpu"), NETWORKS)
    assert finding.state is State.OK and "2 of 2 networks" in finding.said and "a told one" in finding.said


@pytest.mark.parametrize("wrong", [1.5, np.nan])
def test_a_wrong_answer_names_the_network(wrong: float) -> None:
    def answer(network: Network) -> dict[str, NDArray[np.float32]]:
        factor = np.float32(wrong if network.name == "dlib_resnet" else 1)
        return {name: array * factor for name, array in golden(network).items()}

    good, bad = tried(Place(ToldBackend(answer), "cpu"), NETWORKS)
    assert (good.state, bad.state) == (State.OK, State.FAILED) and "dlib_resnet" in bad.subject


def test_a_backend_that_breaks_harms_its_own_lines_only() -> None:
    def answer(network: Network) -> dict[str, NDArray[np.float32]]:
        raise RuntimeError("no such kernel")

    findings = tried(Place(ToldBackend(answer), "cpu"), NETWORKS)
    assert [finding.said for finding in findings] == ["RuntimeError: no such kernel"] * 2


def test_verdicts_that_differ_name_the_backend() -> None:
    same = Judgement((True, False), (0.8, 0.2))
    (agreed,) = compared({"a on cpu": same, "b on cpu": Judgement((True, False), (0.81, 0.2))})
    assert agreed.state is State.OK and "within 0.01" in agreed.said
    (differing,) = compared({"a on cpu": same, "b on cpu": Judgement((False, False), (0.5, 0.2))})
    assert (differing.subject, differing.state) == ("b on cpu", State.FAILED)


def test_the_exit_code_says_whether_anything_is_left() -> None:
    failed = Finding("backends", "told on cpu", State.FAILED, "")
    nothing = Finding("backends", examination.NOTHING, State.FAILED, "")
    fine = Finding("packages", "Python", State.OK, "")
    assert examination.exit_code([fine, Finding("packages", "cv2", State.WARNING, "")]) == 0
    assert examination.exit_code([fine, failed]) == 1
    assert examination.exit_code([fine, failed, nothing]) == 3
