"""How far an exported network's answers lie from those of the one it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from epdcli.networks import Network, Tensors, TensorSpec

Run = Callable[[Tensors], dict[str, NDArray[np.float32]]]

ALLOWED_STEPS = 2.0  # of 255: what nobody sees in a picture, and the same part of every other answer
EMBEDDING = "embedding"


class Precision(StrEnum):
    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"


#: Euclidean; strangers are told apart at 0.539, so that the coarsest moves a distance by less than a tenth
ALLOWED_DISTANCE = {Precision.FP32: 0.001, Precision.FP16: 0.005, Precision.INT8: 0.05}


@dataclass(frozen=True)
class Difference:
    """The largest and mean difference of one output over all inputs, in `unit`, and the largest allowed."""

    output: str
    largest: float
    mean: float
    allowed: float
    unit: str

    @property
    def passed(self) -> bool:
        return self.largest <= self.allowed  # not-a-number passes nothing


def compare(
    network: Network, reference: Run, candidate: Run, inputs: Iterable[Tensors], precision: Precision
) -> list[Difference]:
    """Differences of each output of `network` between two ways to compute it, over all `inputs`.

    An embedding is measured by the Euclidean distance of each row; anything else in 255ths of its range, or
    where it has none, of its largest value there (of 1 where that is smaller). Raises ValueError when there
    is no input.
    """
    gaps: dict[str, list[NDArray[np.float64]]] = {spec.name: [] for spec in network.outputs}
    for given in inputs:
        wanted, found = reference(given), candidate(given)
        for spec in network.outputs:
            gaps[spec.name].append(_gaps(spec, wanted[spec.name], found[spec.name]))
    return [_difference(spec, gaps[spec.name], precision) for spec in network.outputs]


def _difference(spec: TensorSpec, gaps: list[NDArray[np.float64]], precision: Precision) -> Difference:
    if not gaps:
        raise ValueError(f"there is no input to compare {spec.name} on")
    values = np.concatenate([gap.ravel() for gap in gaps])
    is_embedding = spec.name == EMBEDDING
    return Difference(
        spec.name,
        float(values.max()),
        float(values.mean()),
        ALLOWED_DISTANCE[precision] if is_embedding else ALLOWED_STEPS,
        "Euclidean" if is_embedding else "of 255",
    )


def _gaps(spec: TensorSpec, wanted: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.float64]:
    if found.shape != wanted.shape:
        return np.array([np.inf])
    gap = found.astype(np.float64) - wanted
    if spec.name == EMBEDDING:
        return np.asarray(np.sqrt((gap**2).sum(axis=1)))
    low, high = spec.range or (0.0, max(1.0, float(np.abs(wanted).max())))
    return np.abs(gap) * (255 / (high - low))
