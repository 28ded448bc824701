"""The networks of a weights folder: what `manifest.json` says of each, and files that are what it says."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from epdcli.errors import WeightsError

Tensors: TypeAlias = Mapping[str, NDArray[np.float32]]

MANIFEST = "manifest.json"
_DIMENSION = re.compile(r"(\d*)([A-Z])")


@dataclass(frozen=True)
class TensorSpec:
    """An input or output: its shape's entries are numbers, letters ("N") or multiples of one ("32H")."""

    name: str
    shape: tuple[int | str, ...]
    layout: str
    range: tuple[float, float] | None  # None: unbounded

    def bind(self, array: NDArray[np.float32], letters: Mapping[str, int]) -> dict[str, int]:
        """What the letters stand for in this array, given what they stand for already.

        Raises ValueError, in words, when the array is not float32 or its shape can't be this one.
        """
        if not isinstance(array, np.ndarray) or array.dtype != np.float32:
            raise ValueError(f"{self.name} must be a float32 array, not {_kind(array)}")
        wanted = " x ".join(map(str, self.shape))
        bound = dict(letters)
        if array.ndim != len(self.shape) or not all(
            map(_fits, self.shape, array.shape, [bound] * array.ndim)
        ):
            raise ValueError(f"{self.name} must be {wanted}, not {' x '.join(map(str, array.shape))}")
        return bound


@dataclass(frozen=True)
class Network:
    """One network of the weights, described completely; `content()` is its file, checked.

    tolerance: how far an output may lie from the golden one, as a part of the golden output's largest value
    (of 1 where that is smaller). golden: an .npz with `input NAME` and `output NAME` arrays.
    """

    name: str
    version: str
    path: Path
    format: str
    sha256: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    licence: str
    licence_file: str
    source: str
    made_by: str
    tolerance: float
    golden: Path

    def content(self) -> bytes:
        """The file's bytes. Raises WeightsError when they are missing or not those of the manifest."""
        return _checked(self.path, self.sha256)

    def check_inputs(self, inputs: Tensors) -> None:
        """Raises ValueError that says which input is missing, unknown or of a wrong type or shape."""
        names = [spec.name for spec in self.inputs]
        if set(inputs) != set(names):
            given = ", ".join(inputs) or "nothing"
            raise ValueError(f"{self.name} takes the inputs {', '.join(names)}, not {given}")
        letters: dict[str, int] = {}
        for spec in self.inputs:
            letters = spec.bind(inputs[spec.name], letters)

    def golden_pair(self) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
        """An input and the output that every runtime must give for it, within `tolerance`."""
        with np.load(self.golden, allow_pickle=False) as stored:
            return (
                {spec.name: stored[f"input {spec.name}"] for spec in self.inputs},
                {spec.name: stored[f"output {spec.name}"] for spec in self.outputs},
            )


def shipped_weights() -> Path:
    """The folder of the weights that came with the installation."""
    try:
        return Path(str(files("epd_weights")))
    except ModuleNotFoundError as error:
        raise WeightsError("The weights are not installed.", hint="Run: pip install epdcli") from error


def network_names(folder: Path | None = None) -> tuple[str, ...]:
    """The names of the networks in a weights folder, the shipped one by default."""
    return tuple(_entries(folder or shipped_weights()))


def load_network(name: str, folder: Path | None = None) -> Network:
    """The network `name` of a weights folder (the shipped one by default), its files checked by SHA-256.

    Raises WeightsError when the manifest can't be read, lacks the network or one of its fields (named), or
    when a file is missing or is not the one described.
    """
    folder = folder or shipped_weights()
    entries = _entries(folder)
    if name not in entries:
        raise WeightsError(
            f"{folder / MANIFEST} has no network {name!r}, only {', '.join(entries) or 'none'}."
        )
    network = _network(name, entries[name], folder)
    network.content()
    if not network.golden.is_file():
        raise WeightsError(f"{network.golden} is missing.", hint=_REINSTALL)
    return network


_REINSTALL = "Install again: pip install --force-reinstall epdcli"


def shipped_bank(folder: Path | None = None) -> tuple[Path, str]:
    """The file of the bank of people in a weights folder (the shipped one by default), and its SHA-256.

    Raises WeightsError when the manifest has none or lacks one of its fields.
    """
    folder = folder or shipped_weights()
    entry = _entries(folder, "banks").get("people", {})
    path, sha256 = (_required(entry, key, "bank people", folder) for key in ("file", "sha256"))
    return _inside(folder, str(path)), str(sha256)


def _entries(folder: Path, kind: str = "networks") -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))[kind])
    except FileNotFoundError as error:
        raise WeightsError(f"{path} is missing.", hint=_REINSTALL) from error
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} is not a manifest of networks: {error}", hint=_REINSTALL) from error


def _network(name: str, entry: Mapping[str, Any], folder: Path) -> Network:
    def required(key: str) -> Any:
        return _required(entry, key, f"network {name}", folder)

    def specs(key: str) -> tuple[TensorSpec, ...]:
        return tuple(_spec(item, f"{key} of network {name}", folder) for item in required(key))

    try:
        return Network(
            name=name,
            version=str(required("version")),
            path=_inside(folder, required("file")),
            format=str(required("format")),
            sha256=str(required("sha256")),
            inputs=specs("inputs"),
            outputs=specs("outputs"),
            licence=str(required("licence")),
            licence_file=_inside(folder, required("licence_file")).as_posix(),
            source=str(required("source")),
            made_by=str(required("made_by")),
            tolerance=float(required("tolerance")),
            golden=_inside(folder, required("golden")),
        )
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{folder / MANIFEST} describes network {name} wrongly: {error}") from error


def _spec(item: Mapping[str, Any], where: str, folder: Path) -> TensorSpec:
    name, shape, layout = (_required(item, key, where, folder) for key in ("name", "shape", "layout"))
    bounds = _required(item, "range", where, folder, may_be_null=True)
    low_high = None if bounds is None else (float(bounds[0]), float(bounds[1]))
    return TensorSpec(str(name), tuple(shape), str(layout), low_high)


def _required(
    entry: Mapping[str, Any], key: str, where: str, folder: Path, *, may_be_null: bool = False
) -> Any:
    if key not in entry or entry[key] in ("", []) or (entry[key] is None and not may_be_null):
        raise WeightsError(f"{folder / MANIFEST}: the field {key!r} of {where} is missing.", hint=_REINSTALL)
    return entry[key]


def _inside(folder: Path, name: str) -> Path:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ValueError(f"{name} lies outside the weights folder")
    return folder / name


def _checked(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path} can't be read: {error.strerror or error}.", hint=_REINSTALL) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsError(
            f"{path} is damaged or was changed: its SHA-256 is {found[:12]}..., not {sha256[:12]}...",
            hint=_REINSTALL,
        )
    return content


def _fits(wanted: int | str, length: int, letters: dict[str, int]) -> bool:
    """Whether a dimension can be this long; binds its letter as a side effect on `letters`."""
    if isinstance(wanted, int):
        return length == wanted
    match = _DIMENSION.fullmatch(wanted)
    if match is None:
        raise ValueError(f"{wanted!r} is no dimension")
    factor, letter = int(match[1] or 1), match[2]
    return (
        length > 0
        and length % factor == 0
        and letters.setdefault(letter, length // factor) == length // factor
    )


def _kind(value: object) -> str:
    return f"{value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
