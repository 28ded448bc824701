"""An example of a backend: OpenCV's own module for networks, on the CPU."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.errors import DeviceNotAvailable
from epdcli.networks import Network, Tensors


class OpenCvBackend:
    name = "opencv"
    formats = ("onnx",)

    def probe(self) -> tuple[str, ...]:
        return ("cpu",)

    def open(self, network: Network, device: str, threads: int = 0) -> OpenCvSession:
        if device not in self.probe():
            raise DeviceNotAvailable(f"The backend opencv has no device {device}.", hint="It has: cpu.")
        if threads:
            cv2.setNumThreads(threads)  # of the whole process: a network has no setting of its own
        return OpenCvSession(network)


class OpenCvSession:
    device = "cpu"
    provider = f"OpenCV {cv2.__version__}"

    def __init__(self, network: Network) -> None:
        self._network, self._names = network, [spec.name for spec in network.outputs]
        self._opened: Any = cv2.dnn.readNetFromONNX(np.frombuffer(network.content(), np.uint8))

    def run(self, inputs: Tensors) -> dict[str, NDArray[np.float32]]:
        if self._opened is None:
            raise ValueError(f"the session of {self._network.name} is closed")
        self._network.check_inputs(inputs)
        for name, array in inputs.items():
            self._opened.setInput(np.ascontiguousarray(array), name)
        return dict(zip(self._names, self._opened.forward(self._names), strict=True))

    def close(self) -> None:
        self._opened = None
