"""Turns MediaPipe's face mesh (PyPI mediapipe 0.10.14) into ONNX, and keeps 68 of its 468 points.

    pip download --no-deps mediapipe==0.10.14 && unzip mediapipe-0.10.14-*.whl -d mediapipe_wheel
    cp mediapipe_wheel/mediapipe/modules/face_landmark/face_landmark.tflite .
    python weights/convert_face_mesh.py face_landmark.tflite face_mesh.onnx

Licence: Apache-2.0, The MediaPipe Authors. Y. Kartynnik et al., "Real-time Facial Surface Geometry from
Monocular Video on Mobile GPUs", 2019. OpenVINO reads the .tflite file; its graph is written node by node.

Input `image`: N x 3 x 192 x 192, RGB, 0..255. Outputs: `landmarks`, x and y of each point in the order of
iBUG-68, 0..1 of the crop (N x 136), and `face`, the probability that there is one (N x 1).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import openvino
import typer
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SHA256 = "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814"
SIDE = 192
# The points of the mesh that lie where iBUG's 68 do, in their order: jaw, brows, nose, eyes, lips.
IBUG = [
    162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
    71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87,
]  # fmt: skip
POINTS, COORDINATES = 468, 3  # x, y and depth of each

Array = NDArray[np.float32]


def main(
    file: Annotated[Path, typer.Argument(help="face_landmark.tflite of the wheel.")],
    out: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
) -> None:
    """Convert FILE to OUT."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if digest != SHA256:
        raise typer.BadParameter(f"{file} has the SHA-256 {digest}, not that of mediapipe 0.10.14")
    model = converted(openvino.Core().read_model(file))
    onnx.checker.check_model(model)
    onnx.save(model, str(out))


def converted(model: Any) -> onnx.ModelProto:
    """The mesh (an openvino.Model) as an ONNX model."""
    graph = _Graph()
    graph.write("Div", ["image", graph.constant("levels", np.array(255))], "scaled")
    for operator in model.get_ordered_ops():
        graph.take(operator)
    graph.write("Flatten", [graph.answers[COORDINATES * POINTS]], "points", axis=1)
    graph.write("Div", ["points", graph.constant("side", np.array(SIDE))], "landmarks")
    graph.write("Flatten", [graph.answers[1]], "logit", axis=1)
    graph.write("Sigmoid", ["logit"], "face")
    shapes: dict[str, list[str | int]] = {"landmarks": ["N", 2 * len(IBUG)], "face": ["N", 1]}
    drawn = helper.make_graph(
        graph.nodes,
        "face_mesh",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        graph.constants,
    )
    return helper.make_model(drawn, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class _Graph:
    """ONNX nodes and constants as they are written; everything is N x C x H x W, as OpenVINO has it."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.answers: dict[int, str] = {}  # by how many numbers they have
        self._names: dict[str, str] = {}  # of the ONNX tensor that an operator became
        self._values: dict[str, Array] = {}  # of the operators that depend on no input

    def take(self, operator: Any) -> None:
        """Translate one operator, whose inputs have been taken."""
        name, kind = operator.get_friendly_name(), operator.get_type_name()
        sources = [given.get_source_output().get_node().get_friendly_name() for given in operator.inputs()]
        if kind == "Constant":
            self._values[name] = np.asarray(operator.get_data())
        elif kind == "Parameter":
            self._names[name] = "scaled"
        elif sources and all(source in self._values for source in sources):
            self._values[name] = _FOLDED[kind](*(self._values[source] for source in sources))
        elif kind == "Result":
            self.answers[int(np.prod(operator.get_input_shape(0)))] = self._names[sources[0]]
        elif kind == "Transpose":  # between N x H x W x C, which the file has, and ours
            self._names[name] = self._names[sources[0]]
        else:
            self._names[name] = self._written(kind, sources, operator.get_attributes(), f"t{len(self.nodes)}")

    def _written(self, kind: str, sources: list[str], given: dict[str, Any], output: str) -> str:
        if kind in {"Convolution", "GroupConvolution"}:
            weight = self._values[sources[1]]
            groups = weight.shape[0] if kind == "GroupConvolution" else 1
            weight = self._kept(weight.reshape(-1, *weight.shape[-3:]))
            pads = [*given["pads_begin"], *given["pads_end"]]
            inputs = [self._names[sources[0]], self.constant(f"{output}.weight", weight)]
            return self.write("Conv", inputs, output, group=groups, strides=list(given["strides"]), pads=pads)
        if kind == "MaxPool":
            sizes = {"kernel_shape": list(given["kernel"]), "strides": list(given["strides"])}
            return self.write(kind, [self._names[sources[0]]], output, **sizes)
        if kind == "Pad":
            before, after = (self._values[source] for source in sources[1:3])
            pads = self.constant(f"{output}.pads", np.concatenate([before, after]), np.int64)
            return self.write(kind, [self._names[sources[0]], pads], output)
        if kind not in {"Add", "PRelu"}:
            raise NotImplementedError(f"{kind} is not among the mesh's operators")
        inputs = [self._names.get(source) or self._slice(source, output) for source in sources]
        return self.write(kind, inputs, output)

    def _slice(self, source: str, output: str) -> str:
        """A constant of a bias or slope, 1 x C x 1 x 1, as it is written: C x 1 x 1."""
        value = self._kept(self._values[source].reshape(-1, 1, 1))
        return self.constant(f"{output}.constant", value)

    @staticmethod
    def _kept(value: Array) -> Array:
        """Of the last layer's rows, x, y and depth of 468 points, x and y of the 68."""
        if len(value) != COORDINATES * POINTS:
            return value
        wanted = [COORDINATES * point + axis for point in IBUG for axis in (0, 1)]
        return value[wanted]

    def constant(self, name: str, value: NDArray[Any], dtype: Any = np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype), name))
        return name

    def write(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output


# What the file does to constants before it uses them.
_FOLDED: dict[str, Callable[..., Array]] = {
    "Convert": lambda value: value.astype(np.float32),
    "Unsqueeze": lambda value, axes: np.expand_dims(value, tuple(np.atleast_1d(axes).astype(int))),
    "Reshape": lambda value, shape: value.reshape([n or value.shape[i] for i, n in enumerate(shape)]),
    "Transpose": lambda value, order: value.transpose(order.astype(int)),
}


if __name__ == "__main__":
    typer.run(main)
