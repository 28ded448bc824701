"""PyTorch, on the CPU or on a CUDA card. In float32 always."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epdcli.errors import BackendBroken, BackendNotInstalled, DeviceNotAvailable
from epdcli.networks import Network, Tensors


class TorchBackend:
    """Runs ONNX networks as torch modules (`epd_backends.onnx_graph`). Its devices: `cpu` and `cuda:N`."""

    name = "torch"
    formats = ("onnx",)

    def probe(self) -> tuple[str, ...]:
        torch = _imported()
        cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
        return ("cpu", *(f"cuda:{number}" for number in range(cards)))

    def open(self, network: Network, device: str, threads: int = 0) -> TorchSession:
        """`threads` is torch's own setting, for the whole process."""
        torch = _imported()
        if device not in self.probe():
            raise DeviceNotAvailable(
                f"PyTorch {torch.__version__} has no device {device} here.",
                hint="For CUDA, install a build for it: https://pytorch.org/get-started/locally",
            )
        if threads:
            torch.set_num_threads(threads)
        from epd_backends.onnx_graph import load_onnx

        module = load_onnx(network.content()).to(device)
        module = module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # stubs forget it
        used = {str(buffer.device) for buffer in module.buffers()}
        if used != {device}:
            raise DeviceNotAvailable(f"PyTorch put {network.name} on {', '.join(used)}, not on {device}.")
        return TorchSession(network, device, module)


class TorchSession:
    """A network as a torch module on its device."""

    def __init__(self, network: Network, device: str, module: Any) -> None:
        self.device = device
        self.provider = f"torch {device}"
        self._network = network
        self._module = module

    def run(self, inputs: Tensors) -> dict[str, NDArray[np.float32]]:
        import torch

        if self._module is None:
            raise ValueError(f"the session of {self._network.name} is closed")
        self._network.check_inputs(inputs)
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(enabled=True, benchmark=False, allow_tf32=False),
        ):
            tensors = {name: _on(array, self.device) for name, array in inputs.items()}
            answer = self._module(**tensors)
            return {name: value.float().contiguous().cpu().numpy() for name, value in answer.items()}

    def close(self) -> None:
        self._module = None


def _on(array: NDArray[np.float32], device: str) -> Any:
    import torch

    tensor = torch.from_numpy(np.ascontiguousarray(array)).to(device)
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


def _imported() -> Any:
    # Threads that spin while they wait for each other take the core that the last of them needs: beside one
    # busy program a network took sixty times as long. To be said before OpenMP is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import onnx  # noqa: F401 - reads the files
        import torch
    except ModuleNotFoundError as error:
        raise BackendNotInstalled(
            f"The torch backend needs the package {error.name}.", hint='Run: pip install "epdcli[torch]"'
        ) from error
    except Exception as error:
        raise BackendBroken(f"PyTorch is installed, but does not load: {error}") from error
    return torch
