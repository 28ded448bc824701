"""What the machine itself can do: a large matrix product, and a large copy."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from epdcli.errors import BackendNotInstalled
from epdcli.files import sha256_of
from epdcli.networks import Network, TensorSpec
from epdcli.runtimes import Backend

_SIDE = 1536  # of the matrices on a processor: 7 GFLOP, too short to be interrupted every time
_CARD_SIDE = 8192
_COPIED = 1 << 28  # bytes, more than any cache holds
_TIMES = 12


@dataclass(frozen=True)
class Limits:
    """Operations a second of a float32 matrix product, and bytes a second of a copy, read and written.

    The best of several tries and of several ways: whatever else runs, and a library that does not know the
    processor's newest instructions, can only hide what the machine is able to do.
    """

    operations: float
    bytes: float
    said: str

    def better(self, other: Limits) -> Limits:
        """The best of two measurements; of the two products the faster one is named."""
        faster = self if self.operations >= other.operations else other
        return Limits(faster.operations, max(self.bytes, other.bytes), faster.said)

    def seconds(self, operations: int, moved: int) -> float:
        """How long the work must take at least: computing and moving can overlap."""
        return max(operations / self.operations, moved / self.bytes)


def limits_of(device: str) -> Limits | None:
    """Measure them, on the processor or on a CUDA card (with torch; TF32 off); None where that can't be."""
    if device == "cpu":
        return _processor()
    with suppress(ImportError, RuntimeError):
        if device.startswith("cuda"):
            return _card(device)
    return None


def _processor() -> Limits:
    drawn = np.random.default_rng(0)
    a, b = (drawn.random((_SIDE, _SIDE), np.float32) for _ in range(2))
    product = np.empty_like(a)
    source = np.ones(_COPIED // 4, np.float32)
    target = np.zeros_like(source)
    return Limits(
        2 * _SIDE**3 / _seconds(lambda: np.matmul(a, b, out=product)),
        2 * _COPIED / _seconds(lambda: np.copyto(target, source)),
        f"NumPy, float32, {_SIDE} x {_SIDE} and {_COPIED >> 20} MiB",
    )


class RuntimeProduct:
    """A matrix product through a backend on the processor. NumPy's own may know fewer of the processor's
    instructions than the runtimes do, and nobody could reach more than a limit."""

    def __init__(self, backend: Backend, threads: int) -> None:
        """Raises BackendNotInstalled without the package onnx, and what the backend raises."""
        with tempfile.TemporaryDirectory() as folder:
            network = _matrix_product(Path(folder) / "product.onnx")
            self._session = backend.open(network, "cpu", threads)
        self._given = {"a": np.random.default_rng(1).random((_SIDE, _SIDE), np.float32)}
        self._name = backend.name

    def limits(self) -> Limits:
        """What it reaches; of copies it knows nothing."""
        seconds = _seconds(lambda: self._session.run(self._given))
        return Limits(2 * _SIDE**3 / seconds, 0.0, f"{self._name}, float32, {_SIDE} x {_SIDE}")

    def close(self) -> None:
        self._session.close()


def _matrix_product(path: Path) -> Network:
    """A network of one matrix product with a constant, as the layers of networks are."""
    try:
        from onnx import TensorProto, helper, numpy_helper
    except ModuleNotFoundError as error:
        raise BackendNotInstalled(
            "A matrix product through a runtime needs the package onnx.", hint="Run: pip install onnx"
        ) from error
    weights = np.random.default_rng(0).random((_SIDE, _SIDE), np.float32)
    sides = [_SIDE, _SIDE]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "w"], ["c"])],
        "product",
        [helper.make_tensor_value_info("a", TensorProto.FLOAT, sides)],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, sides)],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    inside, outside = (TensorSpec(name, (_SIDE, _SIDE), "NC", None) for name in ("a", "c"))
    return Network(
        name="matrix product",
        version="1",
        path=path,
        format="onnx",
        sha256=sha256_of(path),
        inputs=(inside,),
        outputs=(outside,),
        licence="",
        licence_file="",
        source="",
        made_by="",
        tolerance=0.0,
        golden=path,
    )


def _card(device: str) -> Limits:
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    a, b = (torch.rand(_CARD_SIDE, _CARD_SIDE, device=device) for _ in range(2))
    source = torch.ones(_COPIED, device=device)
    target = torch.zeros_like(source)

    def synchronised(work: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            work()
            torch.cuda.synchronize(device)

        return run

    return Limits(
        2 * _CARD_SIDE**3 / _seconds(synchronised(lambda: torch.matmul(a, b))),
        2 * 4 * _COPIED / _seconds(synchronised(lambda: target.copy_(source))),
        f"torch {torch.__version__}, float32, {_CARD_SIDE} x {_CARD_SIDE} and {4 * _COPIED >> 20} MiB",
    )


def _seconds(work: Callable[[], object]) -> float:
    work()
    taken = []
    for _ in range(_TIMES):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)
