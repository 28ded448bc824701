"""Adds a trained network to `epd_weights`, or replaces one. Needs the extras export and onnxruntime.

    python weights/add_network.py NET.onnx --name NAME --version 1.0 --licence MIT \
        --licence-file TEXT --source "where it is from" --made-by "how it was made"

Large weights are stored as float16 followed by a Cast to float32, which runtimes fold when they open the
file: half the size, computed in float32. The answers before and after, the batch and the free sizes are
checked, a golden input and output are written, and so is the entry of `manifest.json`.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import onnxruntime
import typer
from numpy.typing import NDArray

from half_precision import stored_in_half

WEIGHTS = Path(__file__).parent / "epd_weights"

Tensors = dict[str, NDArray[np.float32]]


def main(  # noqa: PLR0913, PLR0917 - the fields of a manifest entry
    file: Path,
    name: Annotated[str, typer.Option()],
    version: Annotated[str, typer.Option()],
    licence: Annotated[str, typer.Option()],
    licence_file: Annotated[Path, typer.Option(help="The licence's text, copied to licences/.")],
    source: Annotated[str, typer.Option()],
    made_by: Annotated[str, typer.Option()],
    tolerance: Annotated[float, typer.Option(help="Of the golden output's largest value.")] = 1e-3,
    shape: Annotated[list[str] | None, typer.Option(help="Another shape: input.1=N,3,32H,32W")] = None,
    bounds: Annotated[list[str] | None, typer.Option("--range", help="image=0,255")] = None,
    output: Annotated[list[str] | None, typer.Option(help="Keep these outputs only.")] = None,
    golden_size: Annotated[
        str, typer.Option(help="What the letters stand for in the golden pair.")
    ] = "N=2,H=2,W=3",
    keep_below: Annotated[int, typer.Option(help="Tensors of at most so many numbers stay float32.")] = 256,
    simplify: Annotated[bool, typer.Option(help="Fold constants and fuse scales into convolutions.")] = True,
) -> None:
    """Store FILE as the network NAME."""
    original = onnx.load(str(file))
    if output:
        _keep_outputs(original, output)
    stored = stored_in_half(_simplified(original) if simplify else _without_metadata(original), keep_below)
    onnx.checker.check_model(stored)

    ranges = {key: tuple(map(float, value.split(","))) for key, value in _pairs(bounds)}
    shapes = {key: [int(n) if n.isdigit() else n for n in value.split(",")] for key, value in _pairs(shape)}
    inputs = [_spec(value, shapes, ranges) for value in stored.graph.input]
    outputs = [_spec(value, shapes, ranges) for value in stored.graph.output]

    before, after = _runner(original), _runner(stored)
    letters = {key: int(value) for key, value in _pairs(golden_size.split(","))}
    for sizes in ({letter: count + 1 for letter, count in letters.items()}, letters):  # the golden pair last
        drawn = _drawn(inputs, sizes)
        reference, answer = before(drawn), after(drawn)
        for spec in outputs:
            gap = np.abs(reference[spec["name"]] - answer[spec["name"]]).max()
            largest = np.abs(reference[spec["name"]]).max()
            print(f"{sizes} {spec['name']}: differs by {gap:.2e} at most, largest value {largest:.3g}")

    path, golden = WEIGHTS / f"{name}.onnx", WEIGHTS / f"{name}.golden.npz"
    path.write_bytes(stored.SerializeToString(deterministic=True))
    arrays = {f"input {key}": value for key, value in drawn.items()}
    arrays |= {f"output {key}": value for key, value in answer.items()}
    np.savez_compressed(golden, allow_pickle=False, **arrays)
    (WEIGHTS / "licences" / f"{name}.txt").write_bytes(licence_file.read_bytes())
    entry: dict[str, Any] = {
        "version": version,
        "file": path.name,
        "format": "onnx",
        "sha256": _sha256(path),
        "inputs": inputs,
        "outputs": outputs,
        "licence": licence,
        "licence_file": f"licences/{name}.txt",
        "source": source,
        "made_by": made_by,
        "tolerance": tolerance,
        "golden": golden.name,
    }
    _write_entry(name, entry)
    print(f"{path.name}: {file.stat().st_size:,} bytes became {path.stat().st_size:,}")


def _pairs(options: list[str] | None) -> list[tuple[str, str]]:
    return [(key, value) for key, _, value in (option.partition("=") for option in options or [])]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _keep_outputs(model: onnx.ModelProto, names: list[str]) -> None:
    kept = [value for value in model.graph.output if value.name in names]
    del model.graph.output[:]
    model.graph.output.extend(kept)


def _simplified(model: onnx.ModelProto) -> onnx.ModelProto:
    """ONNX Runtime's basic rewriting, which stays within standard ONNX."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "simple.onnx")
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return _without_metadata(onnx.load(options.optimized_model_filepath))


def _without_metadata(model: onnx.ModelProto) -> onnx.ModelProto:
    """No names of source lines, no list of operator sets that nothing uses, weights no longer inputs."""
    clean = onnx.ModelProto()
    clean.CopyFrom(model)
    graph = clean.graph
    used = {node.domain for node in graph.node} | {""}
    sets = [item for item in clean.opset_import if item.domain in used]
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    del clean.opset_import[:], clean.metadata_props[:], graph.input[:], graph.value_info[:]
    clean.opset_import.extend(sets)
    graph.input.extend(inputs)
    for node in graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    return clean


def _spec(
    value: onnx.ValueInfoProto, shapes: dict[str, list[Any]], ranges: dict[str, tuple[float, ...]]
) -> dict[str, Any]:
    stated = [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
    shape = shapes.get(value.name, stated)
    return {
        "name": value.name,
        "shape": shape,
        "layout": "NCHW RGB" if len(shape) == 4 and shape[1] == 3 else {4: "NCHW", 2: "NC"}[len(shape)],
        "range": ranges.get(value.name),
    }


def _drawn(inputs: list[dict[str, Any]], letters: dict[str, int]) -> Tensors:
    """Deterministic inputs in each tensor's range: coarse blocks, which compress well, or vectors."""
    generator = np.random.default_rng(20)
    drawn = {}
    for spec in inputs:
        shape = [_length(size, letters) for size in spec["shape"]]
        low, high = spec["range"]
        if len(shape) == 4:
            coarse = generator.uniform(low, high, (*shape[:2], -(-shape[2] // 8), -(-shape[3] // 8)))
            values = coarse.repeat(8, axis=2).repeat(8, axis=3)[:, :, : shape[2], : shape[3]]
        else:
            values = generator.uniform(low, high, shape)
            values /= (
                values.sum(1, keepdims=True) if low == 0 else np.linalg.norm(values, axis=1, keepdims=True)
            )
        drawn[spec["name"]] = values.astype(np.float32)
    return drawn


def _length(size: int | str, letters: dict[str, int]) -> int:
    return size if isinstance(size, int) else int(size[:-1] or 1) * letters[size[-1]]


def _runner(model: onnx.ModelProto) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    content = model.SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    names = [value.name for value in model.graph.output]
    return lambda inputs: dict(zip(names, session.run(names, inputs), strict=True))


def _write_entry(name: str, entry: dict[str, Any]) -> None:
    path = WEIGHTS / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"networks": {}}
    manifest["networks"] = dict(sorted((manifest["networks"] | {name: entry}).items()))
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
