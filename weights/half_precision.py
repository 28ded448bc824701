"""Float16 storage for float32 weights that changes a network's answers as little as it can.

Plain rounding moves every output channel by the sum of its weights' errors times the mean of what comes in,
and behind a ReLU that mean is never zero: most of the damage is such a shift. So the roundings of a channel
are chosen to cancel: a few of its weights, those that lie nearest the middle of two float16 numbers, go to
the other neighbour. Halves the largest error of dlib's embedding compared with plain rounding.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

_SMALL = 256  # biases and the like: nothing to gain
_SMALLEST, _LARGEST = 6.1e-5, 65504.0  # of float16, normal numbers


def stored_in_half(model: onnx.ModelProto, keep_below: int = _SMALL) -> onnx.ModelProto:
    """The model with its float32 weights as float16, each followed by a Cast back to float32.

    Tensors of at most `keep_below` numbers, and those that float16 can't hold, stay as they are.
    """
    channel_axes = _channel_axes(model)
    weights, casts = [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size <= keep_below or not _fits(values):
            weights.append(tensor)
            continue
        axis = channel_axes.get(tensor.name)
        half = values.astype(np.float16) if axis is None else _cancelling(values, axis)
        weights.append(numpy_helper.from_array(np.ascontiguousarray(half), f"{tensor.name}_float16"))
        casts.append(
            onnx.helper.make_node(
                "Cast", [f"{tensor.name}_float16"], [tensor.name], to=onnx.TensorProto.FLOAT
            )
        )
    stored = onnx.ModelProto()
    stored.CopyFrom(model)
    nodes = list(stored.graph.node)
    del stored.graph.node[:], stored.graph.initializer[:]
    stored.graph.node.extend([*casts, *nodes])
    stored.graph.initializer.extend(weights)
    return stored


def _channel_axes(model: onnx.ModelProto) -> dict[str, int]:
    """The axis of output channels of every weight that is multiplied with what comes in."""
    axes = {}
    for node in model.graph.node:
        transposed = any(item.name == "transB" and item.i for item in node.attribute)
        match node.op_type:
            case "Conv":
                axes[node.input[1]] = 0
            case "Gemm":
                axes[node.input[1]] = 0 if transposed else 1
            case "MatMul":
                axes[node.input[1]] = 1
    return axes


def _fits(values: NDArray[np.float32]) -> bool:
    return _SMALLEST < float(np.abs(values).max()) < _LARGEST


def _cancelling(values: NDArray[np.float32], axis: int) -> NDArray[np.float16]:
    """Float16 numbers next to `values` whose errors sum to almost nothing for each channel along `axis`."""
    rows = np.moveaxis(values, axis, 0)
    exact = rows.reshape(len(rows), -1).astype(np.float64)
    nearest = exact.astype(np.float16)
    error = nearest - exact
    other = np.nextafter(nearest, np.where(error > 0, -np.inf, np.inf).astype(np.float16))
    step = other.astype(np.float64) - nearest
    for channel in range(len(exact)):
        left = error[channel].sum()
        helps = np.flatnonzero(np.sign(step[channel]) == -np.sign(left))
        growth = (error[channel, helps] + step[channel, helps]) ** 2 - error[channel, helps] ** 2
        for position in helps[np.argsort(growth / np.abs(step[channel, helps]))]:
            if abs(left + step[channel, position]) < abs(left):
                nearest[channel, position] = other[channel, position]
                left += step[channel, position]
    return np.moveaxis(nearest.reshape(rows.shape), 0, axis)
