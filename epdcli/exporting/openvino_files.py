"""Networks as OpenVINO IR (a pair of .xml and .bin), their description inside; int8 by NNCF."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epdcli.errors import BackendNotInstalled
from epdcli.exporting.comparison import Run
from epdcli.networks import Network, Tensors
from epdcli.runtimes import load_backend

_TELEMETRY = "openvino_telemetry"


def runtime() -> Any:
    """The package `openvino`. Raises BackendNotInstalled, BackendBroken."""
    load_backend("openvino").probe()  # imports it without its telemetry
    import openvino

    return openvino


def model_of(content: bytes) -> Any:
    """An ONNX file's bytes as an OpenVINO model; dynamic sizes stay dynamic."""
    return runtime().Core().read_model(content, b"")


def in_int8(model: Any, inputs: Sequence[Tensors]) -> Any:
    """The model quantised by NNCF (post training), its ranges taken from `inputs`.

    Raises BackendNotInstalled when NNCF is missing.
    """
    with _without_telemetry():
        try:
            import nncf
        except ModuleNotFoundError as error:
            raise BackendNotInstalled(
                "int8 for OpenVINO needs the package nncf.", hint="Run: pip install nncf"
            ) from error
        nncf.set_log_level(logging.ERROR)
        faces = nncf.Dataset([dict(given) for given in inputs])
        with redirect_stdout(io.StringIO()):  # its progress bars go where our tables and JSON go
            return nncf.quantize(model, faces, subset_size=len(inputs))


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """NNCF reports every quantisation to its makers when it finds this package; it has a stub for without."""
    had = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # Python's way to say: not importable
    try:
        yield
    finally:
        del sys.modules[_TELEMETRY]
        if had is not None:
            sys.modules[_TELEMETRY] = had


def write(model: Any, path: Path, said: Mapping[str, str], *, half: bool) -> None:
    """Write `path` (.xml) and the .bin beside it; with `half` the weights in float16."""
    for name, value in said.items():
        model.set_rt_info(value, name.split("."))
    runtime().save_model(model, str(path), compress_to_fp16=half)


def opened(path: Path, network: Network) -> Run:
    """The written file, read and compiled for the CPU, computing in float32 where it isn't int8."""
    core = runtime().Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    request = core.compile_model(core.read_model(str(path)), "CPU", settings).create_infer_request()

    def run(inputs: Tensors) -> dict[str, NDArray[np.float32]]:
        request.infer({name: np.ascontiguousarray(array) for name, array in inputs.items()})
        return {spec.name: request.get_tensor(spec.name).data.copy() for spec in network.outputs}

    return run
