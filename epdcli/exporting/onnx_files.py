"""Networks as ONNX models: opset, names, dynamic batch, what they are; in half precision and in int8."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from epdcli.errors import SetupError, UsageError
from epdcli.exporting.comparison import Precision
from epdcli.networks import Network, Tensors, TensorSpec
from epdcli.runtimes import load_backend

OPSET = 17
_FIRST_OPSET_FOR_INT8 = 13  # QuantizeLinear by channels


def description(network: Network, precision: Precision) -> dict[str, str]:
    """What a file says of itself, under names that begin with `epd.`; tensors as JSON."""
    return {
        "epd.name": network.name,
        "epd.version": network.version,
        "epd.precision": precision.value,
        "epd.inputs": json.dumps([_described(spec) for spec in network.inputs]),
        "epd.outputs": json.dumps([_described(spec) for spec in network.outputs]),
        "epd.licence": network.licence,
        "epd.source": network.source,
        "epd.made_by": network.made_by,
        "epd.source_sha256": network.sha256,
        "epd.exported_by": f"epdcli {version('epdcli')}",
    }


def _described(spec: TensorSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "shape": list(spec.shape),
        "layout": spec.layout,
        "range": spec.range and list(spec.range),
    }


def prepared(network: Network, opset: int, answer: Mapping[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """The network in float32 throughout, with this opset and the first dimension of every tensor free.

    `answer` is one of its answers, for the sizes that its file leaves unsaid. Raises UsageError when it can't
    be said in that opset.
    """
    latest = onnx.defs.onnx_opset_version()
    if not 1 <= opset <= latest:
        raise UsageError(f"There is no ONNX opset {opset} here.", hint=f"They go to {latest}; 17 is usual.")
    model = with_folded_weights(onnx.load_from_string(network.content()))
    try:
        model = onnx.version_converter.convert_version(model, opset)
    except Exception as error:  # the converter raises RuntimeError and others, in C++'s words
        raise UsageError(
            f"{network.name} can't be said in ONNX opset {opset}: {error}", hint=f"Leave --opset at {OPSET}."
        ) from error
    model.ir_version = onnx.helper.find_min_ir_version_for(list(model.opset_import))
    model.producer_name, model.producer_version = "epdcli", version("epdcli")
    del model.graph.value_info[:]
    _free_batch(model, answer)
    return model


def with_folded_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose weights are what the stored ones are cast to: no Cast is left behind a constant."""
    folded = onnx.ModelProto()
    folded.CopyFrom(model)
    graph = folded.graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    casts = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in stored]
    weights = [_cast(stored[node.input[0]], node) for node in casts]
    nodes = [node for node in graph.node if node not in casts]
    used = {name for node in nodes for name in node.input} | {value.name for value in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*kept, *weights])
    return folded


def _cast(tensor: TensorProto, node: onnx.NodeProto) -> TensorProto:
    kind = onnx.helper.tensor_dtype_to_np_dtype(next(item.i for item in node.attribute if item.name == "to"))
    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(kind), node.output[0])


def _free_batch(model: onnx.ModelProto, answer: Mapping[str, NDArray[np.float32]]) -> None:
    inputs = [_sizes(value) for value in model.graph.input]
    for sizes in inputs:
        sizes[0].dim_param = "N"
    any_size = any(size.dim_param for sizes in inputs for size in sizes[1:])
    for value in model.graph.output:
        sizes = _sizes(value)
        sizes[0].dim_param = "N"
        for size, length in zip(sizes[1:], answer[value.name].shape[1:], strict=True):
            if not any_size:
                size.dim_value = length


def _sizes(value: onnx.ValueInfoProto) -> Any:
    return value.type.tensor_type.shape.dim


def in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model computing in float16, its inputs and outputs float32 as before.

    Raises BackendNotInstalled without ONNX Runtime, whose tool it is.
    """
    load_backend("onnxruntime").probe()  # imports it without its telemetry
    from onnxruntime.transformers.float16 import convert_float_to_float16

    return _in_order(convert_float_to_float16(model, keep_io_types=True))


def _in_order(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with every node behind those it needs: the tool above puts its casts at the end."""
    known = {value.name for value in model.graph.input} | {tensor.name for tensor in model.graph.initializer}
    waiting, ordered = list(model.graph.node), []
    while waiting:
        ready = [node for node in waiting if all(name in known or not name for name in node.input)]
        if not ready:
            raise SetupError("The export to float16 made a graph with a loop.")
        ordered += ready
        known |= {name for node in ready for name in node.output}
        waiting = [node for node in waiting if node not in ready]
    del model.graph.node[:]
    model.graph.node.extend(ordered)
    return model


def in_int8(model: onnx.ModelProto, inputs: Sequence[Tensors], opset: int) -> onnx.ModelProto:
    """The model with int8 weights (by channel) and activations, whose ranges `inputs` show.

    Static quantisation by ONNX Runtime's own tool, as QuantizeLinear and DequantizeLinear pairs. Raises
    UsageError when there is nothing to calibrate on.
    """
    if opset < _FIRST_OPSET_FOR_INT8:
        raise UsageError(
            f"int8 needs ONNX opset {_FIRST_OPSET_FOR_INT8} or later, not {opset}.",
            hint=f"Leave --opset at {OPSET}.",
        )
    load_backend("onnxruntime").probe()  # as above
    from onnxruntime.quantization import CalibrationDataReader, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Faces(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(inputs)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            given = next(self._left, None)
            return None if given is None else dict(given)

    with tempfile.TemporaryDirectory() as folder:
        plain, simple, small = (str(Path(folder) / f"{name}.onnx") for name in ("plain", "simple", "small"))
        onnx.save(model, plain)
        with _without_warnings():  # of constants that it leaves whole
            quant_pre_process(plain, simple, skip_symbolic_shape=True)
            quantize_static(simple, small, Faces(), per_channel=True)
        return onnx.load(small)


@contextmanager
def _without_warnings() -> Iterator[None]:
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def content(model: onnx.ModelProto, said: Mapping[str, str]) -> bytes:
    """The file, with `said` as its metadata, past the checker of ONNX. Raises SetupError with its words."""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, dict(said))
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        raise SetupError(f"{said['epd.name']}: the ONNX checker refuses the export: {error}") from error
    return bytes(model.SerializeToString(deterministic=True))


def write(path: Path, data: bytes) -> None:
    """Write and flush a file; it gets its final name elsewhere."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
