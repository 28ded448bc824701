"""The torch module read from an ONNX file computes what ONNX says, with gradients and without surprises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epdcli.errors import WeightsError
from epdcli.networks import load_network, network_names

onnx = pytest.importorskip("onnx")
torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")
from epd_backends.onnx_graph import load_onnx  # noqa: E402


def model(
    nodes: list[Any], inputs: dict[str, list[Any]], constants: dict[str, np.ndarray], opset: int
) -> bytes:
    graph = onnx.helper.make_graph(
        nodes,
        "drawn",
        [onnx.helper.make_tensor_value_info(name, 1, shape) for name, shape in inputs.items()],
        [onnx.helper.make_tensor_value_info("y", 1, None)],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    sets = [onnx.helper.make_opsetid("", opset)]
    return bytes(onnx.helper.make_model(graph, opset_imports=sets, ir_version=8).SerializeToString())


def node(kind: str, *inputs: str, output: str = "y", **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, list(inputs), [output], **attributes)


FOUR = ["N", 8, "H", "W"]
WEIGHT = np.random.default_rng(3).normal(size=(6, 8, 3, 3)).astype(np.float32)
VECTOR = np.random.default_rng(4).uniform(0.5, 1.5, 8).astype(np.float32)


def numbers(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


CASES: dict[str, tuple[Any, dict[str, np.ndarray], int]] = {
    "conv, uneven pads": (node("Conv", "x", "w", pads=[0, 0, 1, 1], strides=[2, 2]), {"w": WEIGHT}, 17),
    "conv, same upper": (node("Conv", "x", "w", auto_pad="SAME_UPPER", strides=[2, 2]), {"w": WEIGHT}, 17),
    "conv, same lower": (node("Conv", "x", "w", auto_pad="SAME_LOWER", strides=[2, 2]), {"w": WEIGHT}, 17),
    "conv, groups": (node("Conv", "x", "w", group=2, dilations=[2, 2]), {"w": WEIGHT[:, :4]}, 17),
    "conv transpose": (
        node("ConvTranspose", "x", "w", strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1]),
        {"w": WEIGHT.transpose(1, 0, 2, 3).copy()},
        17,
    ),
    "max pool, ceil": (node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1), {}, 17),
    "max pool, same": (
        node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"),
        {},
        17,
    ),
    "average pool, ceil": (
        node("AveragePool", "x", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        {},
        17,
    ),
    "average pool, pads left out": (
        node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        {},
        17,
    ),
    "average pool, pads counted": (
        node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
        {},
        17,
    ),
    "batch normalisation": (
        node("BatchNormalization", "x", "a", "a", "a", "a", epsilon=1e-3),
        {"a": VECTOR},
        17,
    ),
    "instance normalisation": (node("InstanceNormalization", "x", "a", "a"), {"a": VECTOR}, 17),
    "depth to space, rows last": (node("DepthToSpace", "x", blocksize=2, mode="DCR"), {}, 17),
    "depth to space, columns last": (node("DepthToSpace", "x", blocksize=2, mode="CRD"), {}, 17),
    "resize": (
        node(
            "Resize",
            *("x", "", "s"),
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
        {"s": np.array([1, 1, 2, 3], np.float32)},
        17,
    ),
    "pad": (node("Pad", "x", "p"), {"p": numbers(0, 1, 2, 0, 0, 3, 0, -1)}, 17),
    "pad, old": (node("Pad", "x", pads=[0, 0, 1, 1, 0, 0, 2, 2], value=3.0), {}, 9),
    "slice": (
        node("Slice", "x", "a", "b", "c", "d"),
        {"a": numbers(1, -3), "b": numbers(2**62, -1), "c": numbers(1, 3), "d": numbers(2, 1)},
        17,
    ),
    "slice, old": (node("Slice", "x", starts=[1], ends=[5], axes=[1]), {}, 9),
    "clip": (node("Clip", "x", "a", "b"), {"a": np.float32(-0.5), "b": np.float32(0.25)}, 17),
    "clip, one side": (node("Clip", "x", "", "b"), {"b": np.float32(0.25)}, 17),
    "clip, old": (node("Clip", "x", min=-0.5, max=0.25), {}, 9),
    "reshape keeps a length": (node("Reshape", "x", "s"), {"s": numbers(0, 4, -1)}, 17),
    "flatten": (node("Flatten", "x", axis=2), {}, 17),
    "softmax over channels": (node("Softmax", "x", axis=1), {}, 17),
    "mean over all places": (node("GlobalAveragePool", "x"), {}, 17),
    "turned about": (node("Transpose", "x", perm=[0, 2, 3, 1]), {}, 17),
    "leaky": (node("LeakyRelu", "x", alpha=0.2), {}, 17),
    "slope a channel": (node("PRelu", "x", "a"), {"a": VECTOR.reshape(8, 1, 1)}, 17),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_operator_answers_as_onnx_runtime_does(case: tuple[Any, dict[str, np.ndarray], int]) -> None:
    step, constants, opset = case
    content = model([step], {"x": FOUR}, constants, opset)
    ours = load_onnx(content)
    theirs = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for shape in ((1, 8, 9, 12), (3, 8, 16, 7)):
        x = np.random.default_rng(5).normal(size=shape).astype(np.float32)
        wanted = theirs.run(None, {"x": x})[0]
        answer = ours(x=torch.from_numpy(x))["y"].numpy()
        assert answer.shape == wanted.shape
        np.testing.assert_allclose(answer, wanted, atol=2e-5, rtol=1e-5)


def test_shapes_are_computed_where_the_batch_and_size_are_free() -> None:
    steps = [
        node("Shape", "x", output="shape"),
        node("Gather", "shape", "zero", output="n", axis=0),
        node("Unsqueeze", "n", "zero_axis", output="n1"),
        node("Concat", "n1", "rest", output="wanted", axis=0),
        node("Reshape", "x", "wanted"),
    ]
    constants = {"zero": np.int64(0), "zero_axis": numbers(0), "rest": numbers(2, -1)}
    net = load_onnx(model(steps, {"x": FOUR}, constants, 17))
    assert net(x=torch.zeros(3, 8, 5, 4))["y"].shape == (3, 2, 80)
    assert net(x=torch.zeros(1, 8, 2, 2))["y"].shape == (1, 2, 16)


def test_gradients_reach_the_inputs_and_are_right() -> None:
    steps = [node("Conv", "x", "w", output="c", pads=[1, 1, 1, 1]), node("Sigmoid", "c")]
    net = load_onnx(model(steps, {"x": FOUR}, {"w": WEIGHT}, 17)).double()
    x = torch.randn(1, 8, 4, 4, dtype=torch.double, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(lambda value: net(x=value)["y"], x.requires_grad_())
    assert not list(net.parameters()), "nothing in it is ever trained"


@pytest.mark.parametrize("name", network_names())
def test_shipped_networks_run_under_autocast(name: str) -> None:
    network = load_network(name)
    inputs, outputs = network.golden_pair()
    net = load_onnx(network.path)
    tensors = {key: torch.from_numpy(value).requires_grad_() for key, value in inputs.items()}
    with torch.autocast("cpu", torch.bfloat16):
        answer = net(**tensors)
    sum(value.float().square().mean() for value in answer.values()).backward()
    for key, wanted in outputs.items():
        gap = np.abs(answer[key].detach().float().numpy() - wanted).max() / np.abs(wanted).max()
        assert gap < 0.15, f"{key} is off by {gap:.2f} of its largest value"
    assert all(torch.isfinite(tensor.grad).all() for tensor in tensors.values())


def test_weights_stored_as_float16_are_float32_once_read() -> None:
    cast = node("Cast", "half", output="w", to=1)
    content = model([cast, node("Conv", "x", "w")], {"x": FOUR}, {"half": WEIGHT.astype(np.float16)}, 17)
    assert {buffer.dtype for buffer in load_onnx(content).buffers()} == {torch.float32}


def test_an_unknown_operator_is_named(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(model([node("Erf", "x")], {"x": FOUR}, {}, 17))
    with pytest.raises(WeightsError, match="Erf"):
        load_onnx(path)


def test_what_is_no_onnx_file_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(b"\xff\xfe not a network")
    with pytest.raises(WeightsError, match=r"net\.onnx"):
        load_onnx(path)


def test_wrong_names_are_refused() -> None:
    with pytest.raises(TypeError, match="takes x, not picture"):
        load_onnx(model([node("Relu", "x")], {"x": FOUR}, {}, 17))(picture=torch.zeros(1, 8, 2, 2))
