"""Operations and bytes are counted by the formulas, from the graph alone."""

from __future__ import annotations

import numpy as np
import pytest

from epdcli.benchmarking.cost import Cost, cost_of
from epdcli.networks import load_network, network_names

onnx = pytest.importorskip("onnx")


def model(nodes: list, weights: dict[str, tuple[int, ...]], given: list, made: list) -> bytes:
    tensors = [
        onnx.numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in weights.items()
    ]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes, "drawn", [value("x", 1, given)], [value("y", 1, made)], initializer=tensors
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    return bytes(onnx.helper.make_model(graph, opset_imports=opset).SerializeToString())


def test_a_convolution_and_what_follows_it() -> None:
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["h"], pads=[1, 1, 1, 1]),
        onnx.helper.make_node("Relu", ["h"], ["y"]),
    ]
    content = model(nodes, {"w": (8, 3, 3, 3)}, ["N", 3, "H", "W"], ["N", 8, "H", "W"])
    made = 2 * 8 * 10 * 12
    moved = 4 * (2 * 3 * 10 * 12 + 8 * 27 + made)
    assert cost_of(content, {"x": (2, 3, 10, 12)}) == Cost(2 * made * 27 + made, moved)


def test_groups_and_transposed_convolutions() -> None:
    grouped = [onnx.helper.make_node("Conv", ["x", "w"], ["y"], group=4)]
    content = model(grouped, {"w": (4, 1, 1, 1)}, ["N", 4, 5, 5], ["N", 4, 5, 5])
    assert cost_of(content, {"x": (1, 4, 5, 5)}).operations == 2 * 100
    enlarging = [onnx.helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2])]
    content = model(enlarging, {"w": (4, 6, 2, 2)}, ["N", 4, 5, 5], ["N", 6, 10, 10])
    assert cost_of(content, {"x": (1, 4, 5, 5)}).operations == 2 * 100 * 24


def test_matrix_products() -> None:
    nodes = [onnx.helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)]
    content = model(nodes, {"w": (7, 5)}, ["N", 5], ["N", 7])
    assert cost_of(content, {"x": (3, 5)}) == Cost(2 * 3 * 7 * 5, 4 * (15 + 35 + 21))


@pytest.mark.parametrize("name", network_names())
def test_every_shipped_network_can_be_counted_and_grows_with_the_batch(name: str) -> None:
    network = load_network(name)
    shapes = {key: array.shape for key, array in network.golden_pair()[0].items()}
    two, four = (
        cost_of(network.content(), {key: (batch, *shape[1:]) for key, shape in shapes.items()})
        for batch in (2, 4)
    )
    assert 1.9 < four.operations / two.operations < 2.1
    assert two.bytes < four.bytes < 2 * two.bytes
