"""What the machine itself can do: a large matrix product, and a large copy."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

_SIDE = 1536  # of the matrices on a processor: 7 GFLOP, too short to be interrupted every time
_CARD_SIDE = 8192
_COPIED = 1 << 28  # bytes, more than any cache holds
_TIMES = 12


@dataclass(frozen=True)
class Limits:
    """Operations a second of a float32 matrix product, and bytes a second of a copy, read and written.

    The best of several tries: whatever else runs can only hide what the machine is able to do.
    """

    operations: float
    bytes: float
    said: str

    def better(self, other: Limits) -> Limits:
        """The best of two measurements."""
        return Limits(max(self.operations, other.operations), max(self.bytes, other.bytes), self.said)

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
