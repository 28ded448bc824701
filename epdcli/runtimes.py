"""Runtimes that run the networks: the protocol they obey, the choice among them, and open networks.

Nobody above this module knows a runtime's name. `epdcli.plugins` finds them, group `epd.backends`; only
the one that is asked for is ever imported.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from epdcli.errors import BackendBroken, BackendNotInstalled, DeviceNotAvailable, SetupError
from epdcli.networks import Network, Tensors, load_network
from epdcli.plugins import BACKENDS, Plugin, find_plugins, load_plugin

__all__ = [
    "Backend",
    "Choice",
    "Engine",
    "Session",
    "choose_backend",
    "find_backends",
    "load_backend",
    "load_plugin",
]

AUTO = "auto"
CPU = "cpu"
BATCH = 8  # faces: on a CPU more gain nothing
#: what `auto` tries, in this order: a CUDA card where there is one, then the fastest on the CPU
ON_CUDA = ("torch", "onnxruntime")
ON_CPU = ("openvino", "onnxruntime", "torch")


class Session(Protocol):
    """An open network on a device, used by one thread at a time. The same input gives the same answer."""

    device: str  # as asked for: cpu, cuda:0, GPU, ...
    provider: str  # what really runs the nodes, as the runtime says

    def run(self, inputs: Tensors) -> dict[str, NDArray[np.float32]]:
        """Named float32 arrays in, named float32 arrays out. Raises ValueError for wrong names or shapes."""
        ...

    def close(self) -> None:
        """Give back what it holds; closing twice does nothing."""
        ...


class Backend(Protocol):
    """A runtime, found by entry point and made without arguments; it imports its runtime when asked to."""

    name: str
    formats: tuple[str, ...]

    def probe(self) -> tuple[str, ...]:
        """The devices that can be used here, `cpu` first. Raises BackendNotInstalled or BackendBroken."""
        ...

    def open(self, network: Network, device: str, threads: int = 0) -> Session:
        """Open a network on exactly this device in float32; `threads` 0 leaves the number to the runtime.

        Raises DeviceNotAvailable when it can't be that device, BackendBroken when the network won't run.
        """
        ...


@dataclass(frozen=True)
class Choice:
    """The backend and device to use, and in a sentence why."""

    backend: Backend
    device: str
    reason: str


def find_backends() -> Mapping[str, Plugin]:
    """Every declared backend by name; reads metadata, imports nothing."""
    return find_plugins(BACKENDS)


def load_backend(name: str) -> Backend:
    """The backend of that name, made but not probed. Raises BackendNotFound, ...NotInstalled, ...Broken."""
    made = load_plugin(BACKENDS, name)
    try:
        backend: Backend = made()
        complete = all(hasattr(backend, part) for part in ("name", "formats", "probe", "open"))
    except Exception as error:
        raise BackendBroken(f"The backend {name} can't be made: {type(error).__name__}: {error}") from error
    if not complete:
        raise BackendBroken(f"The backend {name} lacks one of name, formats, probe and open.")
    return backend


def devices_of(backend: Backend) -> tuple[str, ...]:
    """`backend.probe()`, whose unforeseen errors become BackendBroken."""
    try:
        return tuple(backend.probe())
    except SetupError:
        raise
    except Exception as error:
        raise BackendBroken(
            f"The backend {backend.name} is installed, but does not work: {type(error).__name__}: {error}"
        ) from error


def choose_backend(name: str = AUTO, device: str = AUTO) -> Choice:
    """The backend and device that a run uses.

    A named backend or device is used or is an error (BackendNotFound, BackendNotInstalled, BackendBroken,
    DeviceNotAvailable), never replaced. `auto` takes the first that works: on CUDA `ON_CUDA`, on the CPU
    `ON_CPU`, then other plug-ins by name; `reason` says what was chosen and what was passed over.
    """
    if name != AUTO:
        backend = load_backend(name)
        devices = devices_of(backend)
        if device != AUTO:
            return Choice(backend, _matching(device, devices, name), f"{name} on {device}, as asked")
        best = next((found for found in devices if found.startswith("cuda")), devices[0])
        return Choice(backend, best, f"{name} as asked, on {best}, its best of {', '.join(devices)}")
    passed_over: list[str] = []
    for candidate, wanted in _candidates(device):
        try:
            backend = load_backend(candidate)
            found = _matching(wanted, devices_of(backend), candidate)
        except SetupError as error:
            passed_over.append(f"{candidate} on {wanted}: {_short(error)}")
            continue
        why = f"; passed over {'; '.join(passed_over)}" if passed_over else ", the first choice"
        return Choice(backend, found, f"{candidate} on {found}{why}")
    raise (DeviceNotAvailable if device != AUTO else BackendNotInstalled)(
        f"No backend can be used{'' if device == AUTO else f' on {device}'}: "
        f"{'; '.join(passed_over) or 'none is declared'}.",
        hint="See: epd backends",
    )


def _candidates(device: str) -> Iterator[tuple[str, str]]:
    declared = find_backends()
    on_cpu = (*ON_CPU, *(name for name in declared if name not in ON_CPU))
    if device == AUTO:
        if _has_nvidia_driver():  # looked for first: probing for CUDA imports torch, which takes seconds
            yield from ((name, "cuda:0") for name in ON_CUDA if name in declared)
        yield from ((name, CPU) for name in on_cpu if name in declared)
    else:
        order = (*ON_CUDA, *on_cpu) if device.lower().startswith("cuda") else on_cpu
        yield from ((name, device) for name in dict.fromkeys(order) if name in declared)


def _matching(wanted: str, devices: tuple[str, ...], name: str) -> str:
    spelled = {device.lower(): device for device in devices}
    key = wanted.lower()
    found = spelled.get(key) or spelled.get(f"{key}:0") or spelled.get(f"{key}.0")
    if found is None:
        raise DeviceNotAvailable(
            f"The backend {name} has no device {wanted} here.", hint=f"It has: {', '.join(devices)}."
        )
    return found


def _short(error: SetupError) -> str:
    return error.message.rstrip(".")


def _has_nvidia_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


class Engine:
    """The networks of a run, opened one by one when first asked for and kept until `close()`.

    `folder` is a weights folder, the shipped one by default; `threads` 0 leaves the number to the runtime.
    `batch` is the number of faces that go through a network at once.
    One engine serves one thread at a time; make one for each thread or process.
    """

    def __init__(
        self,
        choice: Choice,
        folder: Path | None = None,
        threads: int = 0,
        batch: int = BATCH,
    ) -> None:
        self.choice = choice
        self.batch = batch
        self._folder = folder
        self._threads = threads
        self._networks: dict[str, Network] = {}
        self._sessions: dict[str, Session] = {}
        self._opening = Lock()

    def network(self, name: str) -> Network:
        """What the manifest says of a network, its file checked. Raises WeightsError."""
        if name not in self._networks:
            self._networks[name] = load_network(name, self._folder)
        return self._networks[name]

    def session(self, name: str) -> Session:
        """The open network. Raises WeightsError, BackendBroken or DeviceNotAvailable."""
        with self._opening:
            if name not in self._sessions:
                self._sessions[name] = self._open(self.network(name))
            return self._sessions[name]

    def _open(self, network: Network) -> Session:
        backend, device = self.choice.backend, self.choice.device
        if network.format not in backend.formats:
            raise BackendBroken(
                f"The backend {backend.name} does not read {network.format}, the format of {network.name}."
            )
        try:
            return backend.open(network, device, self._threads)
        except SetupError:
            raise
        except Exception as error:
            raise BackendBroken(
                f"The backend {backend.name} can't open {network.name} on {device}: "
                f"{type(error).__name__}: {error}"
            ) from error

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every network opened so far, by name."""
        return {name: self._networks[name].sha256 for name in sorted(self._sessions)}

    def providers(self) -> dict[str, str]:
        """What really runs every network opened so far, by name."""
        return {name: session.provider for name, session in sorted(self._sessions.items())}

    def close(self) -> None:
        """Close all sessions; closing twice does nothing."""
        while self._sessions:
            self._sessions.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
