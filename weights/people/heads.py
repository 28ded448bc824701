"""Puts linear heads of ours on faceres: glasses, beard and a short identity. Needs onnx and scikit-learn.

    python weights/convert_faceres.py package faceres.onnx
    python weights/people/heads.py faceres.onnx FIRST_FACES labels.csv SECOND_FACES appearance.onnx

FIRST_FACES and SECOND_FACES are what `render.py` wrote; labels.csv says who of the first 902 has glasses or a
beard (looked at one by one). Glasses and beard are logistic regressions on the descriptor of unit length; in
eight folds they are right for 0.976 and 0.960 of the faces. `identity` (128) is the descriptor less its mean
over all faces, in its principal directions, each divided by the root of its spread: on 400 faces of lfw-dev
its cosine has an AUC of 0.9990 (descriptor: 0.9986) and a TPR at FMR 1e-3 of 0.894 (0.871).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
import typer
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from epdcli.faces.alignment import align
from epdcli.faces.detection import CenterFaceDetector
from epdcli.faces.detection_passes import DetectionSettings
from epdcli.model import Pixels
from epdcli.runtimes import Engine, choose_backend
from epdcli.synthetic.structure import SIZE, appearance_crop

Floats = NDArray[np.float32]

_DIRECTIONS = 128
_FLAGS = {"glasses": {"glasses", "sunglasses"}, "beard": {"beard"}}
_KEPT = ("age", "male")


def main(faceres: Path, first: Path, labels: Path, second: Path, out: Path) -> None:
    """Write OUT, which answers age, male, glasses, beard and identity."""
    model = onnx.load(str(faceres))
    numbers, descriptors = _described(model, first)
    others = _described(model, second)[1]
    every = np.concatenate([descriptors, others]).astype(np.float64)
    mean, spread = every.mean(axis=0), float(every.std(axis=0).mean())
    directions, strengths = np.linalg.svd(every - mean, full_matrices=False)[2:0:-1]
    basis = (directions[:_DIRECTIONS] / np.sqrt(strengths[:_DIRECTIONS])[:, None]).T
    heads = {"identity": (basis, -mean @ basis)}
    named = {int(row["number"]): set(row["flags"].split()) for row in csv.DictReader(labels.open())}
    known = [row for row, number in enumerate(numbers) if number in named]
    for name, flags in _FLAGS.items():
        answers = [bool(flags & named[numbers[row]]) for row in known]
        heads[name] = _border((descriptors[known] - mean) / spread, answers, mean, spread)
    onnx.save(_with_heads(model, heads), str(out))


def _described(model: onnx.ModelProto, folder: Path) -> tuple[list[int], Floats]:
    """Numbers and descriptors of unit length (n, 1024) of the pictures of a folder that show one face."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    numbers, found = [], []
    with Engine(choose_backend("auto", "cpu")) as engine:
        for number, face in aligned(folder, engine):
            numbers.append(number)
            found.append(session.run(["descriptor"], {"image": appearance_crop(face)[None]})[0][0])
    described = np.stack(found)
    return numbers, described / np.linalg.norm(described, axis=1, keepdims=True)


def aligned(folder: Path, engine: Engine) -> Iterator[tuple[int, Pixels]]:
    """Number and aligned face (256 x 256 x 3) of the pictures of a folder that show one large face."""
    detector = CenterFaceDetector(engine, DetectionSettings(passes="upright"))
    for path in sorted(folder.glob("*.jpg")):
        pixels = np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])
        faces = [face for face in detector.detect(pixels) if face.box.height > pixels.shape[0] / 3]
        if len(faces) == 1:
            yield int(path.stem), align(pixels, faces[0], SIZE).pixels


def _border(
    standardised: Floats, answers: list[bool], mean: Floats, spread: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (1024, 1) and offset (1,) of a logistic regression, in terms of the descriptor itself."""
    from sklearn.linear_model import LogisticRegression

    fit = LogisticRegression(C=0.02, max_iter=2000).fit(standardised, answers)
    weights = fit.coef_[0] / spread
    return weights[:, None], fit.intercept_ - mean @ weights


def _with_heads(
    model: onnx.ModelProto, heads: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
) -> onnx.ModelProto:
    """The model with the heads in place of the descriptor."""
    graph = model.graph
    outputs = {value.name: value for value in graph.output}
    for value in [value for name, value in outputs.items() if name not in _KEPT]:
        graph.output.remove(value)
    ones = np.ones((outputs["descriptor"].type.tensor_type.shape.dim[1].dim_value, 1), np.float32)
    graph.initializer.append(numpy_helper.from_array(ones, "ones"))
    # Unit length, in operators that every runtime of ours knows.
    graph.node.extend(
        [
            helper.make_node("Mul", ["descriptor", "descriptor"], ["squares"]),
            helper.make_node("MatMul", ["squares", "ones"], ["squared_length"]),
            helper.make_node("Sqrt", ["squared_length"], ["length"]),
            helper.make_node("Div", ["descriptor", "length"], ["unit"]),
        ]
    )
    for name, (weights, offset) in heads.items():
        graph.initializer.append(numpy_helper.from_array(weights.astype(np.float32), f"{name}_weights"))
        graph.initializer.append(numpy_helper.from_array(offset.astype(np.float32), f"{name}_offset"))
        answer = name if name == "identity" else f"{name}_odds"
        graph.node.append(helper.make_node("Gemm", ["unit", f"{name}_weights", f"{name}_offset"], [answer]))
        if answer != name:
            graph.node.append(helper.make_node("Sigmoid", [answer], [name]))
        graph.output.append(
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", weights.shape[1]])
        )
    onnx.checker.check_model(model)
    return model


if __name__ == "__main__":
    typer.run(main)
