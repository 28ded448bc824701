"""Operations and bytes of a network, counted from its ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from epdcli.errors import BackendNotInstalled

if TYPE_CHECKING:
    import onnx

_FLOAT_BYTES = 4  # everything is computed in float32, however it is stored


@dataclass(frozen=True)
class Cost:
    """`operations`: additions and multiplications counted apart. `bytes`: the least that must be moved: each
    weight once, and what goes into and comes out of each convolution and matrix product (what lies between
    them can be fused into them)."""

    operations: int
    bytes: int


def cost_of(content: bytes, shapes: Mapping[str, Sequence[int]]) -> Cost:
    """The cost of one call of the network in an ONNX file, for inputs of these shapes.

    Nodes other than convolutions and matrix products count one operation for each number they give. Raises
    BackendNotInstalled without the package onnx, ValueError when a shape can't be inferred.
    """
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise BackendNotInstalled(
            "Counting operations needs the package onnx.", hint="Run: pip install onnx"
        ) from error
    model = onnx.load_from_string(content)
    for value in model.graph.input:
        for size, length in zip(value.type.tensor_type.shape.dim, shapes[value.name], strict=True):
            size.dim_value = length
    for value in model.graph.output:  # names of free sizes would contradict the numbers
        value.type.tensor_type.ClearField("shape")
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    known = {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in [*graph.input, *graph.value_info, *graph.output]
    }
    known |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    constant = {tensor.name for tensor in graph.initializer}
    operations = moved = 0
    for node in graph.node:
        if all(name in constant for name in node.input if name):
            constant.update(node.output)  # computed when the file is opened
            continue
        given = [_shape(known, name) for name in node.input if name]
        made = _shape(known, node.output[0])
        operations += _operations(node, given, made)
        if node.op_type in _HEAVY:
            moved += _FLOAT_BYTES * (sum(map(prod, given)) + prod(made))
    return Cost(operations, moved)


_HEAVY = {"Conv", "ConvTranspose", "Gemm", "MatMul"}


def _operations(node: onnx.NodeProto, given: list[list[int]], made: list[int]) -> int:
    match node.op_type:
        case "Conv":  # weight: out x in / groups x height x width
            return 2 * prod(made) * prod(given[1][1:])
        case "ConvTranspose":  # weight: in x out / groups x height x width
            return 2 * prod(given[0]) * prod(given[1][1:])
        case "Gemm":
            transposed = any(item.name == "transA" and item.i for item in node.attribute)
            return 2 * prod(made) * given[0][0 if transposed else 1]
        case "MatMul":
            return 2 * prod(made) * given[0][-1]
        case _:
            return prod(made)


def _shape(known: Mapping[str, list[int]], name: str) -> list[int]:
    if name not in known:
        raise ValueError(f"the shape of {name} can't be inferred")
    return known[name]
