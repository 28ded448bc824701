"""ONNX Runtime, on the CPU or on a CUDA card (package onnxruntime-gpu). In float32 always."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epdcli.errors import BackendBroken, BackendNotInstalled, DeviceNotAvailable
from epdcli.networks import Network, Tensors

_PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_RELU = (  # an ONNX file: x (1) -> Relu -> y (1), opset 13
    b'\x08\x08:3\n\x0c\n\x01x\x12\x01y"\x04Relu\x12\x01gZ\x0f\n\x01x\x12\n\n\x08\x08\x01\x12\x04\n\x02'
    b"\x08\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\r"
)


class OnnxRuntimeBackend:
    """Runs ONNX networks with ONNX Runtime. Its devices: `cpu`, and `cuda:N` with onnxruntime-gpu."""

    name = "onnxruntime"
    formats = ("onnx",)

    def probe(self) -> tuple[str, ...]:
        onnxruntime = _imported()
        built_for_cuda = _PROVIDERS["cuda"] in onnxruntime.get_available_providers()
        cards = range(_cuda_cards() if built_for_cuda else 0)
        return ("cpu", *(f"cuda:{number}" for number in cards if _runs_on_cuda(onnxruntime, number)))

    def open(self, network: Network, device: str, threads: int = 0) -> OnnxRuntimeSession:
        onnxruntime = _imported()
        kind, _, number = device.partition(":")
        if device not in self.probe():
            raise DeviceNotAvailable(
                f"ONNX Runtime has no device {device} here.",
                hint='For CUDA: pip uninstall onnxruntime; pip install "epdcli[gpu]"',
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that spin while they wait use a core for nothing, and twice the time beside a busy program.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # its warnings name nodes nobody here knows
        provider: str | tuple[str, dict[str, str]] = _PROVIDERS[kind]
        if kind == "cuda":
            provider = _cuda(int(number))
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")  # or nodes slip away
        try:
            opened = onnxruntime.InferenceSession(network.content(), options, providers=[provider])
        except Exception as error:
            raise BackendBroken(f"ONNX Runtime can't run {network.name} on {device}: {error}") from error
        used = opened.get_providers()[0]
        if used != _PROVIDERS[kind]:
            raise DeviceNotAvailable(f"ONNX Runtime runs {network.name} with {used}, not on {device}.")
        return OnnxRuntimeSession(network, device, opened, used)


class OnnxRuntimeSession:
    """An open `InferenceSession`."""

    def __init__(self, network: Network, device: str, opened: Any, provider: str) -> None:
        self.device = device
        self.provider = provider
        self._network = network
        self._names = [spec.name for spec in network.outputs]
        self._session = opened

    def run(self, inputs: Tensors) -> dict[str, NDArray[np.float32]]:
        if self._session is None:
            raise ValueError(f"the session of {self._network.name} is closed")
        self._network.check_inputs(inputs)
        return dict(zip(self._names, self._session.run(self._names, dict(inputs)), strict=True))

    def close(self) -> None:
        self._session = None


def _imported() -> Any:
    """ONNX Runtime without its telemetry, which otherwise reports every import and session to its makers and
    leaves a device number in the user's home. Its versions spell the variable differently.
    """
    _refuse_both_packages()
    for variable in ("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"):
        os.environ.setdefault(variable, "1")
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise BackendNotInstalled(
            "ONNX Runtime is not installed.",
            hint='Run: pip install "epdcli[onnxruntime]", or for a CUDA card: pip install "epdcli[gpu]"',
        ) from error
    except Exception as error:
        raise BackendBroken(f"ONNX Runtime is installed, but does not load: {error}") from error
    onnxruntime.disable_telemetry_events()  # for Windows, where it is no variable
    return onnxruntime


def _cuda(number: int) -> tuple[str, dict[str, str]]:
    return _PROVIDERS["cuda"], {"device_id": str(number), "use_tf32": "0"}  # TF32: ten bits of mantissa


def _runs_on_cuda(onnxruntime: Any, number: int) -> bool:
    """Whether a network of one Relu really runs there: without cuDNN it would run on the CPU instead."""
    with suppress(Exception):
        onnxruntime.preload_dlls()  # finds CUDA and cuDNN of the packages nvidia-*
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(_RELU, options, providers=[_cuda(number)])
        return bool(session.get_providers()[0] == _PROVIDERS["cuda"])
    except Exception:  # whatever it raises, this card is of no use to it
        return False


def _refuse_both_packages() -> None:
    """The two packages put their files in the same folder: which one is there is then a matter of luck."""
    if _installed("onnxruntime") and _installed("onnxruntime-gpu"):
        raise BackendBroken(
            "onnxruntime and onnxruntime-gpu are installed together and overwrite each other.",
            hint="Run: pip uninstall -y onnxruntime onnxruntime-gpu, then pip install the one you want.",
        )


def _installed(distribution: str) -> bool:
    try:
        version(distribution)
    except PackageNotFoundError:
        return False
    return True


def _cuda_cards() -> int:
    """How many CUDA cards the driver shows; ONNX Runtime itself only says whether it was built for them."""
    import ctypes
    import sys

    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    return count.value if driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 else 0
