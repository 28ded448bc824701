"""ONNX operators as small torch functions: `OPERATORS[name](attributes, *inputs) -> tensor`.

Only what the networks of this project use, each as the ONNX specification (opset 9 to 17) says, for two
spatial dimensions. All are differentiable where ONNX is, work under autocast and take any batch and size.
An input that the file left out is `None`. Inputs that describe rather than compute (a shape, pads, bounds)
arrive as Python lists or numbers when they are constant, see `DESCRIBING_INPUTS`, and as tensors otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

Attributes: TypeAlias = Mapping[str, Any]
Operator: TypeAlias = Callable[..., Tensor]

#: input positions that hold a description: turned into Python values once, when the file is read
DESCRIBING_INPUTS: Mapping[str, tuple[int, ...]] = {
    "Clip": (1, 2),
    "Pad": (1, 2),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "Slice": (1, 2, 3, 4),
    "Unsqueeze": (1,),
    "Squeeze": (1,),
}

_DTYPES = {1: torch.float32, 6: torch.int32, 7: torch.int64, 9: torch.bool, 10: torch.float16}


def _values(description: Any) -> Any:
    return description.tolist() if isinstance(description, Tensor) else description


def _described(attributes: Attributes, name: str, given: Any) -> Any:
    """Older opsets keep in an attribute what newer ones take as an input."""
    return attributes.get(name) if given is None else _values(given)


def _window_pads(attributes: Attributes, size: tuple[int, int], kernel: tuple[int, int]) -> list[int]:
    """Top, left, bottom, right, as `pads` says or `auto_pad` asks for."""
    match attributes.get("auto_pad", "NOTSET"):
        case "NOTSET":
            return list(attributes.get("pads", (0, 0, 0, 0)))
        case "VALID":
            return [0, 0, 0, 0]
        case same:
            strides, dilations = attributes.get("strides", (1, 1)), attributes.get("dilations", (1, 1))
            totals = [
                max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
                for n, k, s, d in zip(size, kernel, strides, dilations, strict=True)
            ]
            smaller, larger = [t // 2 for t in totals], [t - t // 2 for t in totals]
            return smaller + larger if same == "SAME_UPPER" else larger + smaller


def _padded(x: Tensor, pads: list[int], value: float) -> Tensor:
    top, left, bottom, right = pads
    return F.pad(x, (left, right, top, bottom), value=value) if any(pads) else x


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]


def _conv(attributes: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    top, left, bottom, right = pads = _window_pads(attributes, _size(x), _size(weight))
    symmetric = (top, left) == (bottom, right)
    return F.conv2d(
        x if symmetric else _padded(x, pads, 0.0),
        weight,
        bias,
        stride=attributes.get("strides", (1, 1)),
        padding=(top, left) if symmetric else (0, 0),
        dilation=attributes.get("dilations", (1, 1)),
        groups=attributes.get("group", 1),
    )


def _conv_transpose(attributes: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    if (top, left) != (bottom, right) or attributes.get("auto_pad", "NOTSET") != "NOTSET":
        raise NotImplementedError("ConvTranspose with uneven or automatic pads")
    return F.conv_transpose2d(
        x,
        weight,
        bias,
        stride=attributes.get("strides", (1, 1)),
        padding=(top, left),
        output_padding=attributes.get("output_padding", (0, 0)),
        groups=attributes.get("group", 1),
        dilation=attributes.get("dilations", (1, 1)),
    )


def _max_pool(attributes: Attributes, x: Tensor) -> Tensor:
    kernel = attributes["kernel_shape"]
    return F.max_pool2d(
        _padded(x, _window_pads(attributes, _size(x), kernel), -torch.inf),
        kernel,
        stride=attributes.get("strides", (1, 1)),
        dilation=attributes.get("dilations", (1, 1)),
        ceil_mode=bool(attributes.get("ceil_mode", 0)),
    )


def _average_pool(attributes: Attributes, x: Tensor) -> Tensor:
    kernel = attributes["kernel_shape"]
    top, left, bottom, right = _window_pads(attributes, _size(x), kernel)
    if (top, left) != (bottom, right):
        raise NotImplementedError("AveragePool with uneven pads")
    return F.avg_pool2d(
        x,
        kernel,
        stride=attributes.get("strides", (1, 1)),
        padding=(top, left),
        ceil_mode=bool(attributes.get("ceil_mode", 0)),
        count_include_pad=bool(attributes.get("count_include_pad", 0)),
    )


def _batch_normalization(
    attributes: Attributes, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor
) -> Tensor:
    return F.batch_norm(x, mean, variance, weight, bias, eps=attributes.get("epsilon", 1e-5))


def _instance_normalization(attributes: Attributes, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return F.instance_norm(x, weight=weight, bias=bias, eps=attributes.get("epsilon", 1e-5))


def _gemm(attributes: Attributes, a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    a = a.T if attributes.get("transA", 0) else a
    weight = b if attributes.get("transB", 0) else b.T
    alpha, beta = attributes.get("alpha", 1.0), attributes.get("beta", 1.0)
    if alpha == beta == 1.0 and (c is None or c.dim() == 1):
        return F.linear(a, weight, c)
    product = alpha * F.linear(a, weight)
    return product if c is None else product + beta * c


def _pad(attributes: Attributes, x: Tensor, pads: Any = None, value: Any = None, axes: Any = None) -> Tensor:
    if attributes.get("mode", "constant") != "constant" or axes is not None:
        raise NotImplementedError("Pad other than by a constant on all axes")
    pads = _described(attributes, "pads", pads)
    pairs = [(pads[axis], pads[axis + x.dim()]) for axis in range(x.dim())]
    return F.pad(
        x, [n for pair in reversed(pairs) for n in pair], value=_described(attributes, "value", value) or 0
    )


def _reshape(attributes: Attributes, x: Tensor, shape: Any) -> Tensor:
    copied = [
        x.shape[axis] if length == 0 and not attributes.get("allowzero", 0) else length
        for axis, length in enumerate(_values(shape))
    ]
    return x.reshape(copied)


def _resize(
    attributes: Attributes, x: Tensor, _roi: Any = None, scales: Any = None, sizes: Any = None
) -> Tensor:
    asked = (
        attributes.get("mode"),
        attributes.get("coordinate_transformation_mode"),
        attributes.get("nearest_mode"),
    )
    if asked != ("nearest", "asymmetric", "floor"):
        raise NotImplementedError(f"Resize as {asked}")
    if sizes is None:
        sizes = [int(n * scale) for n, scale in zip(x.shape, _values(scales), strict=True)]
    return F.interpolate(x, size=tuple(_values(sizes)[2:]), mode="nearest")


def _slice(
    attributes: Attributes,
    x: Tensor,
    starts: Any = None,
    ends: Any = None,
    axes: Any = None,
    steps: Any = None,
) -> Tensor:
    starts, ends = _described(attributes, "starts", starts), _described(attributes, "ends", ends)
    axes = _described(attributes, "axes", axes) or range(len(starts))
    for start, end, axis, step in zip(starts, ends, axes, _values(steps) or [1] * len(starts), strict=True):
        if step < 1:
            raise NotImplementedError("Slice backwards")
        length = x.shape[axis]
        first, last = (min(max(n + length if n < 0 else n, 0), length) for n in (start, end))
        x = x.narrow(axis, first, max(last - first, 0))
        if step > 1:
            x = x[(slice(None),) * (axis % x.dim()) + (slice(None, None, step),)]
    return x


def _depth_to_space(attributes: Attributes, x: Tensor) -> Tensor:
    block = attributes["blocksize"]
    if attributes.get("mode", "DCR") == "CRD":
        return F.pixel_shuffle(x, block)
    n, channels, height, width = x.shape
    split = x.reshape(n, block, block, channels // block**2, height, width)
    return split.permute(0, 3, 4, 1, 5, 2).reshape(n, channels // block**2, height * block, width * block)


def _gather(attributes: Attributes, x: Tensor, indices: Tensor) -> Tensor:
    axis = attributes.get("axis", 0) % x.dim()
    taken = x.index_select(axis, indices.reshape(-1).to(x.device))
    return taken.reshape(x.shape[:axis] + indices.shape + x.shape[axis + 1 :])


def _unsqueeze(attributes: Attributes, x: Tensor, axes: Any = None) -> Tensor:
    axes = _described(attributes, "axes", axes)
    for axis in sorted(axis % (x.dim() + len(axes)) for axis in axes):
        x = x.unsqueeze(axis)
    return x


def _squeeze(attributes: Attributes, x: Tensor, axes: Any = None) -> Tensor:
    axes = _described(attributes, "axes", axes)
    return x.squeeze() if axes is None else x.squeeze(tuple(axes))


def _clip(attributes: Attributes, x: Tensor, low: Any = None, high: Any = None) -> Tensor:
    return torch.clamp(x, _described(attributes, "min", low), _described(attributes, "max", high))


def _flatten(attributes: Attributes, x: Tensor) -> Tensor:
    axis = attributes.get("axis", 1)
    return x.reshape(int(torch.Size(x.shape[:axis]).numel()), -1)


def _div(_: Attributes, a: Tensor, b: Tensor) -> Tensor:
    return a / b if a.is_floating_point() else torch.div(a, b, rounding_mode="trunc")


OPERATORS: Mapping[str, Operator] = {
    "Abs": lambda _, x: x.abs(),
    "Add": lambda _, a, b: a + b,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_normalization,
    "Cast": lambda attributes, x: x.to(_DTYPES[attributes["to"]]),
    "Clip": _clip,
    "Concat": lambda attributes, *parts: torch.cat(parts, dim=attributes["axis"]),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "DepthToSpace": _depth_to_space,
    "Div": _div,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": lambda _, x: x.mean((2, 3), keepdim=True),
    "Identity": lambda _, x: x,
    "InstanceNormalization": _instance_normalization,
    "LeakyRelu": lambda attributes, x: F.leaky_relu(x, attributes.get("alpha", 0.01)),
    "MatMul": lambda _, a, b: a @ b,
    "MaxPool": _max_pool,
    "Mul": lambda _, a, b: a * b,
    "PRelu": lambda _, x, slope: torch.where(x < 0, x * slope, x),
    "Pad": _pad,
    "Relu": lambda _, x: F.relu(x),
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": lambda _, x: torch.tensor(x.shape, dtype=torch.int64),
    "Sigmoid": lambda _, x: torch.sigmoid(x),
    "Slice": _slice,
    "Softmax": lambda attributes, x: torch.softmax(x, attributes.get("axis", -1)),
    "Sqrt": lambda _, x: torch.sqrt(x),
    "Squeeze": _squeeze,
    "Sub": lambda _, a, b: a - b,
    "Tanh": lambda _, x: torch.tanh(x),
    "Transpose": lambda attributes, x: x.permute(*attributes["perm"]),
    "Unsqueeze": _unsqueeze,
}
