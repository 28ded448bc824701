"""Every network of the pipeline into a folder: made, described, checked, compared, and only then named."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epdcli.batch.listing import listed
from epdcli.errors import UsageError
from epdcli.exporting import onnx_files, openvino_files
from epdcli.exporting.comparison import ALLOWED_STEPS, Difference, Precision, Run, compare
from epdcli.files import PARTIAL, refuse_addresses, rename, sha256_of, write_text
from epdcli.model import Pixels
from epdcli.network_inputs import Inputs, golden_inputs, real_inputs
from epdcli.networks import MANIFEST, Network, Tensors, load_network, network_names
from epdcli.pictures import read
from epdcli.runtimes import choose_backend, load_backend

CALIBRATED_ON = 64  # pictures, evenly spread over the folder: more change int8's ranges little
_EXAMPLES = Path(__file__).parents[2] / "examples" / "pictures"  # beside the package in a checkout only


class Format(StrEnum):
    ONNX = "onnx"
    OPENVINO = "openvino"

    @property
    def backend(self) -> str:
        """The backend that opens such files, to check them."""
        return "onnxruntime" if self is Format.ONNX else "openvino"


@dataclass(frozen=True)
class ExportSettings:
    """What to write, and where. `faces` and `calibration` are pictures or folders of them.

    `keep_failed`: keep files whose answers differ too much too, named NAME.failed.*, to be measured.
    """

    format: Format
    out: Path
    precision: Precision = Precision.FP32
    opset: int = onnx_files.OPSET
    faces: Path | None = None
    calibration: Path | None = None
    keep_failed: bool = False

    def __post_init__(self) -> None:
        if self.format is Format.OPENVINO and self.opset != onnx_files.OPSET:
            raise UsageError("An opset is ONNX's; OpenVINO has one of its own.", hint="Leave out --opset.")
        if self.precision is Precision.INT8 and self.calibration is None:
            raise UsageError(
                "int8 needs pictures of faces to calibrate on.", hint="Give a folder: --calibrate DIR"
            )
        if self.precision is not Precision.INT8 and self.calibration is not None:
            raise UsageError("Only int8 is calibrated.", hint="Add --int8, or leave out --calibrate.")


@dataclass(frozen=True)
class Export:
    """What became of one network: its files with their bytes (none where a difference is too large)."""

    network: str
    version: str
    files: Mapping[str, int]
    differences: tuple[Difference, ...]
    inputs: int

    @property
    def passed(self) -> bool:
        return all(difference.passed for difference in self.differences)


@dataclass(frozen=True)
class Comparison:
    """What exports are compared on: inputs by network, and in words where they are from."""

    inputs: Inputs
    words: str


def comparison_inputs(faces: Path | None) -> Comparison:
    """Real inputs from `faces`, by default from the example pictures, without these the golden ones.

    Raises UsageError when no face is found in `faces`.
    """
    choice = choose_backend("auto", "cpu")
    pictures = faces or (_EXAMPLES if _EXAMPLES.is_dir() else None)
    if pictures is None:
        golden = golden_inputs(None, choice, network_names())
        return Comparison(golden, "the golden inputs, which are drawn; give real faces with --faces DIR")
    inputs = real_inputs(choice, _frames(pictures))
    _refuse_faceless(inputs, pictures)
    count = sum(len(given["image"]) for given in inputs["appearance"])
    return Comparison(inputs, f"{count} face(s) of {pictures.name}")


def _frames(folder: Path, most: int | None = None) -> Iterator[Pixels]:
    sources = [source for source, _ in listed([folder])]
    step = max(1, len(sources) // most) if most else 1
    for source in sources[::step][:most]:
        yield from read(source).frames


def _refuse_faceless(inputs: Inputs, folder: Path) -> None:
    if not all(inputs.values()):
        raise UsageError(f"No face is found in {folder}.", hint="Give pictures with faces.")


def export(settings: ExportSettings, tell: Callable[[str], None]) -> Iterator[Export]:
    """Write every shipped network into `settings.out`, yielding each when it is done.

    A file gets its name only when its answers are those of the torch backend within the tolerance; licences
    lie beside. Raises BackendNotInstalled or BackendBroken when a runtime is missing, UsageError for an opset
    or a folder of pictures that won't do, SetupError when a file does not pass a checker.
    """
    refuse_addresses(settings.out)
    reference = load_backend("torch")
    reference.probe()
    load_backend(settings.format.backend).probe()
    comparison = comparison_inputs(settings.faces)
    tell(f"Compared with the torch backend on {comparison.words}.")
    calibration: Inputs = {}
    if settings.calibration is not None:
        frames = _frames(settings.calibration, CALIBRATED_ON)
        calibration = real_inputs(choose_backend("auto", "cpu"), frames)
        _refuse_faceless(calibration, settings.calibration)
    settings.out.mkdir(parents=True, exist_ok=True)
    written = {}
    for name in network_names():
        network = load_network(name)
        inputs = comparison.inputs[name]
        session = reference.open(network, "cpu")
        answer = session.run(inputs[0])
        with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=settings.out) as folder:
            path = _written(settings, network, answer, calibration.get(name, ()), Path(folder))
            run = _opened(settings.format, path, network)
            differences = tuple(compare(network, session.run, run, inputs, settings.precision))
            session.close()
            passed = all(difference.passed for difference in differences)
            if settings.keep_failed and not passed:
                _mark_as_failed(path)
            sizes = _released(Path(folder), settings.out) if passed or settings.keep_failed else {}
        if sizes:
            _copy_licence(network, settings.out)
        if passed:
            written[name] = settings.out / path.name
        yield Export(name, network.version, sizes, differences, len(inputs))
    if settings.format is Format.ONNX and written:
        _write_manifest(settings, written)


def _written(
    settings: ExportSettings,
    network: Network,
    answer: Mapping[str, NDArray[np.float32]],
    calibration: Sequence[Tensors],
    folder: Path,
) -> Path:
    model = onnx_files.prepared(network, settings.opset, answer)
    said = onnx_files.description(network, settings.precision)
    suffix = "" if settings.precision is Precision.FP32 else f".{settings.precision}"
    if settings.format is Format.OPENVINO:
        other = openvino_files.model_of(onnx_files.content(model, said))
        if settings.precision is Precision.INT8:
            other = openvino_files.in_int8(other, calibration)
        path = folder / f"{network.name}{suffix}.xml"
        openvino_files.write(other, path, said, half=settings.precision is Precision.FP16)
        return path
    if settings.precision is Precision.FP16:
        model = onnx_files.in_half(model)
    elif settings.precision is Precision.INT8:
        model = onnx_files.in_int8(model, calibration, settings.opset)
    path = folder / f"{network.name}{suffix}.onnx"
    onnx_files.write(path, onnx_files.content(model, said))
    return path


def _opened(format: Format, path: Path, network: Network) -> Run:
    if format is Format.OPENVINO:
        return openvino_files.opened(path, network)
    exported = replace(network, path=path, sha256=sha256_of(path))
    return load_backend(format.backend).open(exported, "cpu").run


def _mark_as_failed(path: Path) -> None:
    """Rename a file, or the pair of them, so that nobody takes it for one that passed."""
    for part in list(path.parent.iterdir()):
        part.rename(part.with_name(f"{path.stem}.failed{part.suffix}"))


def _released(folder: Path, out: Path) -> dict[str, int]:
    """Move the files that passed to their place; returns their bytes."""
    sizes = {path.name: path.stat().st_size for path in sorted(folder.iterdir())}
    for name in sizes:
        rename(folder / name, out / name)
    return sizes


def _copy_licence(network: Network, out: Path) -> None:
    (out / "licences").mkdir(exist_ok=True)
    shutil.copyfile(network.licence_file, out / "licences" / f"{network.name}.txt")


def _write_manifest(settings: ExportSettings, written: Mapping[str, Path]) -> None:
    """Make the folder a weights folder like the shipped one: manifest and golden pairs."""
    shipped = json.loads((load_network(next(iter(written))).path.parent / MANIFEST).read_text("utf-8"))
    entries = {}
    for name, path in written.items():
        network = load_network(name)
        entry = {**shipped["networks"][name], "file": path.name, "sha256": sha256_of(path)}
        entry |= {"licence_file": f"licences/{name}.txt", "precision": settings.precision.value}
        entry["made_by"] += f"; exported as {settings.precision} by epd export"
        entry["tolerance"] = max(network.tolerance, ALLOWED_STEPS / 255)
        if settings.precision is Precision.FP32:
            entry["tolerance"] = network.tolerance
        shutil.copyfile(network.golden, settings.out / network.golden.name)
        entries[name] = entry
    write_text(settings.out / MANIFEST, json.dumps({"networks": entries}, indent=2) + "\n")


def chosen_precision(fp16: bool, int8: bool) -> Precision:
    """The precision that two switches ask for. Raises UsageError when they exclude each other."""
    if fp16 and int8:
        raise UsageError("--fp16 and --int8 exclude each other.", hint="Export twice, into two folders.")
    return Precision.FP16 if fp16 else Precision.INT8 if int8 else Precision.FP32
