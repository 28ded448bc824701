"""OpenVINO: Intel's runtime, on the CPU, GPU or NPU as it names them. In float32 unless asked otherwise."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epdcli.errors import BackendBroken, BackendNotInstalled, DeviceNotAvailable
from epdcli.networks import Network, Tensors

_TELEMETRY = "openvino_telemetry"
_LARGE = 1_000_000  # values of an input, whose memory is worth giving back


class OpenVinoBackend:
    """Runs ONNX networks with OpenVINO. Its devices: `cpu`, and what OpenVINO lists, such as GPU.0 or NPU."""

    name = "openvino"
    formats = ("onnx",)

    def __init__(self) -> None:
        self._core: Any = None

    def probe(self) -> tuple[str, ...]:
        devices = sorted(self._opened_core().available_devices, key=lambda device: device != "CPU")
        return tuple("cpu" if device == "CPU" else device for device in devices)

    def open(self, network: Network, device: str, threads: int = 0) -> OpenVinoSession:
        if device not in self.probe():
            raise DeviceNotAvailable(f"OpenVINO has no device {device} here.", hint="See: epd backends")
        core = self._opened_core()
        wanted = _named(device)
        # Without the hint it computes in bfloat16 on some CPUs.
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if device == "cpu":
            # Pinned, every process of a run would compute on the same first core.
            settings["ENABLE_CPU_PINNING"] = "NO"
            if threads:
                settings["INFERENCE_NUM_THREADS"] = str(threads)
        compiled = core.compile_model(core.read_model(network.content(), b""), wanted, settings)
        used = compiled.get_property("EXECUTION_DEVICES")
        if [name.partition(".")[0] for name in used] != [wanted.partition(".")[0]]:
            raise DeviceNotAvailable(f"OpenVINO runs {network.name} on {', '.join(used)}, not on {wanted}.")
        return OpenVinoSession(network, device, compiled, f"OpenVINO {', '.join(used)}")

    def _opened_core(self) -> Any:
        if self._core is None:
            self._core = _imported().Core()
        return self._core


class OpenVinoSession:
    """A compiled network and its one inference request."""

    def __init__(self, network: Network, device: str, compiled: Any, provider: str) -> None:
        self.device = device
        self.provider = provider
        self._network = network
        self._compiled = compiled
        self._request = compiled.create_infer_request()
        self._holds_large = False

    def run(self, inputs: Tensors) -> dict[str, NDArray[np.float32]]:
        if self._request is None:
            raise ValueError(f"the session of {self._network.name} is closed")
        self._network.check_inputs(inputs)
        large = sum(array.size for array in inputs.values()) > _LARGE
        if self._holds_large and not large:
            self._compiled.release_memory()  # large inputs are over
        self._holds_large = large
        self._request.infer({name: np.ascontiguousarray(array) for name, array in inputs.items()})
        return {spec.name: self._request.get_tensor(spec.name).data.copy() for spec in self._network.outputs}

    def close(self) -> None:
        self._request = self._compiled = None


def _named(device: str) -> str:
    return "CPU" if device == "cpu" else device


def _imported() -> Any:
    """OpenVINO without its telemetry, which otherwise reports every import to its makers and leaves a client
    number in the user's home; it has a stub of its own for when that package is missing."""
    had = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # Python's way to say: not importable
    try:
        import openvino
    except ModuleNotFoundError as error:
        raise BackendNotInstalled(
            "OpenVINO is not installed.", hint='Run: pip install "epdcli[openvino]"'
        ) from error
    except Exception as error:
        raise BackendBroken(f"OpenVINO is installed, but does not load: {error}") from error
    finally:
        del sys.modules[_TELEMETRY]
        if had is not None:
            sys.modules[_TELEMETRY] = had
    return openvino
