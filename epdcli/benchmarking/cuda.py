"""What only a CUDA card has: the way to it and back, and how busy it says it is."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from statistics import median
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_TIMES = 10


def transfer_ms(
    device: str, inputs: Mapping[str, NDArray[np.float32]], outputs: Mapping[str, NDArray[np.float32]]
) -> tuple[float, float] | None:
    """Milliseconds to bring inputs to the card and outputs back; None on other devices or without torch."""
    if not device.startswith("cuda"):
        return None
    with suppress(ImportError, RuntimeError):
        import torch

        there = [torch.from_numpy(np.array(array)).to(device) for array in outputs.values()]
        given = [torch.from_numpy(np.array(array)) for array in inputs.values()]

        def timed(work: Any) -> float:
            torch.cuda.synchronize(device)
            begun = time.perf_counter()
            work()
            torch.cuda.synchronize(device)
            return 1000 * (time.perf_counter() - begun)

        to = [timed(lambda: [array.to(device) for array in given]) for _ in range(_TIMES)]
        back = [timed(lambda: [array.cpu() for array in there]) for _ in range(_TIMES)]
        return median(to), median(back)
    return None


class Utilisation:
    """How busy the card was inside a `with` block, in per cent, as nvidia-smi says it; None elsewhere."""

    def __init__(self, device: str) -> None:
        self.percent: float | None = None
        self._card = device.partition(":")[2] or "0"
        self._asked = device.startswith("cuda") and shutil.which("nvidia-smi") is not None
        self._over = threading.Event()
        self._seen: list[float] = []

    def __enter__(self) -> Self:
        if self._asked:
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._asked:
            self._over.set()
            self._thread.join()
            self.percent = median(self._seen) if self._seen else None

    def _watch(self) -> None:
        query = [
            "nvidia-smi",
            "--query-gpu=utilization.gpu",
            "--format=csv,noheader,nounits",
            "-i",
            self._card,
        ]
        while not self._over.wait(0.2):
            with suppress(OSError, ValueError, subprocess.SubprocessError):
                shown = subprocess.run(query, capture_output=True, text=True, timeout=5, check=True).stdout
                self._seen.append(float(shown.split()[0]))
