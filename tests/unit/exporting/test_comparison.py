"""Differences are measured in the unit that matters for an output, and not-a-number never passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from epdcli.exporting.comparison import Precision, Run, compare
from epdcli.networks import Network, TensorSpec, load_network


def network(spec: TensorSpec) -> Network:
    return replace(load_network("dlib_resnet"), outputs=(spec,))


def answering(name: str, values: list[list[float]]) -> Run:
    return lambda inputs: {name: np.array(values, np.float32)}


def test_pictures_are_measured_in_255ths_of_their_range() -> None:
    face = network(TensorSpec("face", ("N", 2), "NC", (-1.0, 1.0)))
    (gap,) = compare(
        face, answering("face", [[0, 0]]), answering("face", [[0, 4 / 255]]), [{}], Precision.FP32
    )
    assert gap.largest == pytest.approx(2, abs=1e-4) and gap.mean == pytest.approx(1, abs=1e-4)


def test_answers_without_a_range_are_measured_by_their_largest() -> None:
    sizes = network(TensorSpec("sizes", ("N", 2), "NC", None))
    (gap,) = compare(
        sizes, answering("sizes", [[10, 0]]), answering("sizes", [[10, 1]]), [{}], Precision.FP32
    )
    assert gap.largest == pytest.approx(25.5) and not gap.passed


@pytest.mark.parametrize(("precision", "passed"), [(Precision.FP16, False), (Precision.INT8, True)])
def test_embeddings_are_measured_by_their_distance(precision: Precision, passed: bool) -> None:
    spec = TensorSpec("embedding", ("N", 2), "NC", None)
    (gap,) = compare(
        network(spec),
        answering("embedding", [[0, 0], [0, 0]]),
        answering("embedding", [[0.024, 0.032], [0, 0]]),
        [{}],
        precision,
    )
    assert gap.largest == pytest.approx(0.04) and gap.mean == pytest.approx(0.02) and gap.passed is passed


@pytest.mark.parametrize("wrong", [[[np.nan, 0.0]], [[0.0, 0.0], [0.0, 0.0]]])
def test_an_answer_that_is_none_never_passes(wrong: list[list[float]]) -> None:
    face = network(TensorSpec("face", ("N", 2), "NC", (-1.0, 1.0)))
    (gap,) = compare(face, answering("face", [[0, 0]]), answering("face", wrong), [{}], Precision.FP32)
    assert not gap.passed


def test_without_an_input_nothing_is_compared() -> None:
    face = network(TensorSpec("face", ("N", 2), "NC", (-1.0, 1.0)))
    with pytest.raises(ValueError, match="no input"):
        compare(face, answering("face", []), answering("face", []), [], Precision.FP32)
