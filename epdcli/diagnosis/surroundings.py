"""Python, packages, memory, disk, drivers: what the networks will find around them."""

from __future__ import annotations

import ctypes
import platform
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from epdcli import machine
from epdcli.diagnosis.finding import Finding, State

_SHOWN: tuple[str, ...] = (
    *("epdcli", "numpy", "opencv-python-headless", "pillow", "typer", "rich"),
    *("openvino", "onnxruntime", "onnxruntime-gpu", "torch", "onnx", "nncf"),
    *("dlib-bin", "pillow-heif", "imagecodecs", "tifffile", "matplotlib"),
)
#: packages that put their files into the same folder, so that the last one installed wins
_RIVALS = {
    "onnxruntime": (
        "onnxruntime",
        "onnxruntime-gpu",
        "onnxruntime-directml",
        "onnxruntime-openvino",
        "onnxruntime-silicon",
    ),
    "cv2": (
        "opencv-python",
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
    "dlib": ("dlib", "dlib-bin"),
}
_LITTLE_MEMORY, _LITTLE_DISK = 1 << 30, 1 << 30
_DRIVER_MISMATCH = 803  # CUDA_ERROR_SYSTEM_DRIVER_MISMATCH


def installed(names: Sequence[str]) -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def python_and_packages() -> list[Finding]:
    """Python's version, those of the packages that matter, and packages that overwrite each other."""
    where = f"{platform.python_version()}, {platform.system()} {platform.machine()}, {sys.prefix}"
    versions = ", ".join(f"{name} {number}" for name, number in installed(_SHOWN).items())
    names = [name for rivals in _RIVALS.values() for name in rivals]
    return [
        Finding("packages", "Python", State.OK, where),
        Finding("packages", "versions", State.OK, versions),
        *conflicts(installed(names)),
    ]


def conflicts(found: Mapping[str, str]) -> list[Finding]:
    """A finding for each folder that several of the packages `found` (name to version) claim."""
    findings = []
    for folder, rivals in _RIVALS.items():
        several = [name for name in rivals if name in found]
        if len(several) < 2:
            continue
        # Runtimes differ in what they can do; OpenCV's builds of one version only in their windows.
        harmless = folder == "cv2" and len({found[name] for name in several}) == 1
        findings.append(
            Finding(
                "packages",
                folder,
                State.WARNING if harmless else State.FAILED,
                f"{' and '.join(several)} are installed together and overwrite each other",
                f"Run: pip uninstall -y {' '.join(several)}, then pip install the one you want",
            )
        )
    return findings


def memory_and_disk(output: Path) -> list[Finding]:
    """Cores, memory and free disk, as far as this process may have them."""
    cores, held = machine.usable_cores(), machine.memory()
    free = held.available is None or held.available >= _LITTLE_MEMORY
    disks = {"here": machine.free_disk(output)}
    with suppress(FileNotFoundError):  # on Linux nothing needs it
        disks["temporary"] = machine.free_disk(Path(tempfile.gettempdir()))
    told = [f"{_gigabytes(size)} free ({name})" for name, size in disks.items()]
    roomy = min(disks.values()) >= _LITTLE_DISK
    return [
        Finding("machine", "cores", State.OK, f"{cores:g} of {machine.processor()}"),
        Finding(
            "machine",
            "memory",
            State.OK if free else State.WARNING,
            f"{_gigabytes(held.available)} free of {_gigabytes(held.total)}",
            "" if free else "Use --jobs 1 and --max-pixels",
        ),
        Finding(
            "machine",
            "disk",
            State.OK if roomy else State.WARNING,
            ", ".join(told if "temporary" in disks else [*told, "none (temporary)"]),
            "" if roomy else "Make room before a large run",
        ),
    ]


def _gigabytes(size: int | None) -> str:
    return "unknown" if size is None else f"{size / 1e9:.1f} GB"


@dataclass(frozen=True)
class Driver:
    """NVIDIA's driver: what its library answers. `error` is the code of cuInit, 0 for success."""

    loaded: bool = False
    error: int = 0
    cuda: int = 0  # the newest CUDA it serves, 1000 x major + 10 x minor
    cards: int = 0
    in_kernel: bool = False


def nvidia_driver() -> Driver:
    """Ask the driver's own library; nothing of CUDA has to be installed."""
    in_kernel = Path("/proc/driver/nvidia/version").exists()
    try:
        library = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return Driver(in_kernel=in_kernel)
    error = int(library.cuInit(0))
    newest, cards = ctypes.c_int(0), ctypes.c_int(0)
    library.cuDriverGetVersion(ctypes.byref(newest))
    if error == 0:
        library.cuDeviceGetCount(ctypes.byref(cards))
    return Driver(True, error, newest.value, cards.value, in_kernel)


def drivers(driver: Driver, devices: Mapping[str, Sequence[str]], torch_cuda: str | None) -> list[Finding]:
    """Whether the driver and the runtimes suit each other.

    `devices` are those of each backend that loads; `torch_cuda` is the CUDA that torch was built for.
    """
    if not driver.loaded:
        said = "NVIDIA's kernel module is loaded, its library libcuda is not found"
        hint = "Install the driver's libraries; in a container: run it with --gpus all"
        return [Finding("drivers", "NVIDIA", State.FAILED, said, hint)] if driver.in_kernel else []
    if driver.error:
        mismatch = driver.error == _DRIVER_MISMATCH
        said = f"the driver does not start (CUDA error {driver.error})"
        hint = (
            "The kernel module and the library differ: restart the machine" if mismatch else "See: nvidia-smi"
        )
        return [Finding("drivers", "NVIDIA", State.FAILED, said, hint)]
    findings = []
    newest = f"{driver.cuda // 1000}.{driver.cuda % 1000 // 10}"
    if torch_cuda and _number(torch_cuda) > driver.cuda:
        said = f"torch is built for CUDA {torch_cuda}, the driver serves up to {newest}"
        findings.append(
            Finding("drivers", "torch", State.FAILED, said, "Renew the driver or take an older torch")
        )
    without = [
        name
        for name in ("torch", "onnxruntime")
        if name in devices and not any(device.startswith("cuda") for device in devices[name])
    ]
    served = any(device.startswith("cuda") for found in devices.values() for device in found)
    hints = {
        "torch": "torch: a build for CUDA, https://pytorch.org/get-started/locally",
        "onnxruntime": 'onnxruntime: pip uninstall onnxruntime; pip install "epdcli[gpu]"',
    }
    said = f"{driver.cards} card(s), CUDA up to {newest}"
    if driver.cards and without:
        said += f"; {' and '.join(without)} can't use them"
    state = State.OK if served or not driver.cards else State.WARNING
    return [*findings, Finding("drivers", "NVIDIA", state, said, "; ".join(hints[name] for name in without))]


def _number(cuda: str) -> int:
    major, _, minor = cuda.partition(".")
    return 1000 * int(major) + 10 * int(minor.partition(".")[0] or 0)
