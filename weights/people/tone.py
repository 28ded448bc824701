"""Puts the head `tone` on the appearance network: the lightness of a person's skin in ordinary light.

python weights/people/tone.py weights/epd_weights/people.bank APPEARANCE.onnx OUT.onnx

The lightness (L, 0..255) of the cheeks of a bank's people, whose light differs little, by ridge regression on
their 128 numbers of `identity`: the same person has the same tone in the shade.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import onnx
import typer
from onnx import TensorProto, helper, numpy_helper

RIDGE = 0.1


def main(
    bank: Annotated[Path, typer.Argument(help="A bank of people.")],
    network: Annotated[Path, typer.Argument(help="The appearance network, without this head.")],
    out: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
) -> None:
    """Fit the head and write OUT."""
    with np.load(bank) as people:
        identity, lightness = people["identity"].astype(np.float64), people["skin"][:, 0].astype(np.float64)
    rows = np.hstack([identity, np.ones((len(identity), 1))])
    weights = np.linalg.solve(rows.T @ rows + RIDGE * np.eye(rows.shape[1]), rows.T @ lightness)
    explained = 1 - np.var(lightness - rows @ weights) / np.var(lightness)
    model = onnx.load(str(network))
    graph = model.graph
    constants = {"weight": weights[:-1, None], "bias": weights[-1:], "ones": np.ones((len(weights) - 1, 1))}
    graph.initializer.extend(
        numpy_helper.from_array(value.astype(np.float32), f"tone.{name}") for name, value in constants.items()
    )
    graph.node.extend(  # of the identity at unit length
        [
            helper.make_node("Mul", ["identity", "identity"], ["tone.squared"]),
            helper.make_node("MatMul", ["tone.squared", "tone.ones"], ["tone.length_squared"]),
            helper.make_node("Sqrt", ["tone.length_squared"], ["tone.length"]),
            helper.make_node("Div", ["identity", "tone.length"], ["tone.identity"]),
            helper.make_node("Gemm", ["tone.identity", "tone.weight", "tone.bias"], ["tone"]),
        ]
    )
    graph.output.append(helper.make_tensor_value_info("tone", TensorProto.FLOAT, ["N", 1]))
    onnx.checker.check_model(model)
    onnx.save(model, str(out))
    print(f"{len(identity)} people: {explained:.2f} of the variance explained")


if __name__ == "__main__":
    typer.run(main)
