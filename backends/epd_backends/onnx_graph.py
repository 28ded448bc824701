"""Reads an ONNX file into a torch module that computes the same, with gradients.

The project keeps its networks as ONNX only. The torch backend runs them through this module, and training
runs the frozen networks of its losses through it, so that nothing has to be stored twice. A converter from
elsewhere (onnx2torch) needs torchvision; an interpreter over forty operators needs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from epd_backends.onnx_operators import DESCRIBING_INPUTS, OPERATORS, Operator
from epdcli.errors import WeightsError


@dataclass(frozen=True)
class _Step:
    """One node: which operator, on which values; `finished` are the values nobody needs after it."""

    operator: Operator
    attributes: Mapping[str, Any]
    inputs: tuple[str, ...]
    output: str
    finished: tuple[str, ...]
    described: Mapping[int, Any]  # inputs that are constant descriptions, as Python values


class OnnxModule(nn.Module):
    """A frozen network read from an ONNX file.

    Called with its inputs by name (`net(image=x)`, or `net(**{"input.1": x})`), float32 tensors of any batch
    and any size the network allows; returns a dict of its outputs by name. Its weights are buffers: `.to()`
    moves them to a device or memory format, nothing in it is ever trained, and gradients flow through to the
    inputs. `input_names` and `output_names` stand in the file's order. Raises `TypeError` for other names.
    """

    def __init__(
        self,
        steps: Iterable[_Step],
        weights: Mapping[str, Tensor],
        scalars: Mapping[str, Tensor],
        input_names: tuple[str, ...],
        output_names: tuple[str, ...],
    ) -> None:
        super().__init__()
        self.input_names = input_names
        self.output_names = output_names
        self._steps = tuple(steps)
        self._scalars = dict(
            scalars
        )  # single numbers and whole numbers stay on the CPU: no waiting for a GPU
        self._buffer_names = {name: f"weight_{number}" for number, name in enumerate(weights)}
        for name, buffer in self._buffer_names.items():
            self.register_buffer(buffer, weights[name])

    def forward(self, **inputs: Tensor) -> dict[str, Tensor]:
        if inputs.keys() != set(self.input_names):
            raise TypeError(
                f"this network takes {', '.join(self.input_names)}, not {', '.join(inputs) or 'nothing'}"
            )
        values: dict[str, Any] = {"": None, **self._scalars, **inputs}
        values.update((name, getattr(self, buffer)) for name, buffer in self._buffer_names.items())
        for step in self._steps:
            arguments = [
                step.described[position] if position in step.described else values[name]
                for position, name in enumerate(step.inputs)
            ]
            values[step.output] = step.operator(step.attributes, *arguments)
            for name in step.finished:
                del values[name]
        return {name: values[name] for name in self.output_names}


def load_onnx(source: Path | bytes) -> OnnxModule:
    """Read an ONNX file (its path or its content) into a module on the CPU, in evaluation mode.

    What depends on constants only is computed here once (a float16 weight followed by a Cast becomes a
    float32 weight). Raises `WeightsError` when the file can't be read or uses an operator not known here.
    """
    path = "the network" if isinstance(source, bytes) else str(source)
    try:
        graph = (onnx.load_from_string(source) if isinstance(source, bytes) else onnx.load(str(source))).graph
    except Exception as error:  # protobuf raises its own, undocumented kinds
        raise WeightsError(f"{path} is not an ONNX file that can be read: {error}") from error
    constants = {tensor.name: _tensor(tensor) for tensor in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type != "Constant" and node.op_type not in OPERATORS:
            raise WeightsError(
                f"{path} uses the ONNX operator {node.op_type}, which the torch backend does not know.",
                hint="Use --backend onnxruntime or openvino.",
            )
        if all(name in constants or not name for name in node.input):
            constants[node.output[0]] = _folded(node, constants)
        else:
            nodes.append(node)
    output_names = tuple(value.name for value in graph.output)
    return OnnxModule(
        _steps(nodes, constants, output_names),
        *_weights_and_scalars(nodes, constants, output_names),
        tuple(value.name for value in graph.input if value.name not in constants),
        output_names,
    ).eval()


def _tensor(stored: onnx.TensorProto) -> Tensor:
    return torch.from_numpy(numpy_helper.to_array(stored).copy())


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    read = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in read.items()}


def _folded(node: onnx.NodeProto, constants: Mapping[str, Tensor]) -> Tensor:
    attributes = _attributes(node)
    if node.op_type == "Constant":
        return _tensor(attributes["value"])
    arguments = [constants[name] if name else None for name in node.input]
    return OPERATORS[node.op_type](attributes, *arguments)


def _steps(
    nodes: list[onnx.NodeProto], constants: Mapping[str, Tensor], output_names: tuple[str, ...]
) -> Iterable[_Step]:
    last_use = {name: number for number, node in enumerate(nodes) for name in node.input}
    kept = {*constants, *output_names, ""}
    for number, node in enumerate(nodes):
        yield _Step(
            operator=OPERATORS[node.op_type],
            attributes=_attributes(node),
            inputs=tuple(node.input),
            output=node.output[0],
            finished=tuple(sorted({n for n in node.input if last_use[n] == number and n not in kept})),
            described={
                position: constants[node.input[position]].tolist()
                for position in DESCRIBING_INPUTS.get(node.op_type, ())
                if position < len(node.input) and node.input[position] in constants
            },
        )


def _weights_and_scalars(
    nodes: list[onnx.NodeProto], constants: Mapping[str, Tensor], output_names: tuple[str, ...]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    used = [
        name
        for node in nodes
        for position, name in enumerate(node.input)
        if name in constants and position not in DESCRIBING_INPUTS.get(node.op_type, ())
    ]
    used += [name for name in output_names if name in constants]
    weights = {
        name: constants[name]
        for name in used
        if constants[name].is_floating_point() and constants[name].dim()
    }
    scalars = {name: constants[name] for name in used if name not in weights}
    return weights, scalars
