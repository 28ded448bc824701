"""An export says what it is, is free in its batch, and its weights are plain float32."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pytest

from epdcli.errors import UsageError
from epdcli.exporting import onnx_files
from epdcli.exporting.comparison import Precision
from epdcli.networks import Network, load_network
from tests.needs import needs


@pytest.fixture
def small() -> Network:
    return load_network("landmarks68_faceapi")


def prepared(network: Network, opset: int = onnx_files.OPSET) -> onnx.ModelProto:
    return onnx_files.prepared(network, opset, network.golden_pair()[1])


def test_no_cast_is_left_behind_a_weight(small: Network) -> None:
    model = prepared(small)
    assert "Cast" not in {node.op_type for node in model.graph.node}
    kinds = {tensor.data_type for tensor in model.graph.initializer}
    assert onnx.TensorProto.FLOAT16 not in kinds


def test_every_tensor_has_a_free_batch_and_its_own_size() -> None:
    graph = prepared(load_network("appearance")).graph
    shapes = {
        value.name: [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in [*graph.input, *graph.output]
    }
    assert shapes["image"] == ["N", 3, 224, 224] and shapes["identity"] == ["N", 128]
    assert {sizes[0] for sizes in shapes.values()} == {"N"}


def test_the_detectors_sides_stay_free() -> None:
    (value,) = prepared(load_network("centerface")).graph.input
    assert [size.dim_param for size in value.type.tensor_type.shape.dim] == ["N", "", "H", "W"]


def test_the_file_says_what_it_is(small: Network) -> None:
    said = onnx_files.description(small, Precision.FP32)
    model = onnx.load_from_string(onnx_files.content(prepared(small), said))
    read = {item.key: item.value for item in model.metadata_props}
    assert read["epd.licence"] == small.licence and read["epd.source_sha256"] == small.sha256
    (image,) = json.loads(read["epd.inputs"])
    assert image == {
        "name": "image",
        "shape": ["N", 3, 112, 112],
        "layout": "NCHW RGB",
        "range": [0.0, 255.0],
    }


@pytest.mark.parametrize("opset", [0, 999])
def test_an_opset_that_is_none_is_refused(small: Network, opset: int) -> None:
    with pytest.raises(UsageError, match=f"opset {opset}"):
        prepared(small, opset)


def test_other_opsets_can_be_asked_for(small: Network) -> None:
    for opset in (17, 21):
        assert [item.version for item in prepared(small, opset).opset_import] == [opset]


def test_an_opset_that_a_network_can_not_be_said_in_is_an_error_that_names_it(small: Network) -> None:
    with pytest.raises(UsageError, match=f"{small.name} can't be said in ONNX opset 11"):
        prepared(small, 11)


def test_int8_needs_an_opset_that_can_say_it(small: Network) -> None:
    with pytest.raises(UsageError, match="13 or later"):
        onnx_files.in_int8(prepared(small), [], 12)


def test_half_precision_keeps_float32_at_the_door(small: Network) -> None:
    needs("onnxruntime")
    model = onnx_files.in_half(prepared(small))
    onnx.checker.check_model(model, full_check=True)
    assert {value.type.tensor_type.elem_type for value in [*model.graph.input, *model.graph.output]} == {
        onnx.TensorProto.FLOAT
    }
    weights = [tensor for tensor in model.graph.initializer if len(tensor.dims) == 4 and tensor.dims[0] > 1]
    assert weights and {tensor.data_type for tensor in weights} == {onnx.TensorProto.FLOAT16}


def test_int8_has_weights_of_one_byte(small: Network) -> None:
    needs("onnxruntime")
    drawn = {"image": np.random.default_rng(0).uniform(0, 255, (2, 3, 112, 112)).astype(np.float32)}
    model = onnx_files.in_int8(prepared(small), [drawn], onnx_files.OPSET)
    weights = [tensor for tensor in model.graph.initializer if len(tensor.dims) == 4 and tensor.dims[0] > 1]
    assert weights and {tensor.data_type for tensor in weights} == {onnx.TensorProto.INT8}
