"""The generator: its start, its sizes and what it may cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import epd_weights

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from epdcli.faces.structure import CHANNELS  # noqa: E402
from epdcli.training.network import Generator, start_from, weights_of  # noqa: E402

PROTOTYPE = Path(__file__).parents[4] / "shared" / "nets" / "generator_prototype_128.onnx"


def drawn_inputs(size: int, channels: int = CHANNELS) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(3)
    code = draw.normal(size=(2, 128)).astype(np.float32)
    return {
        "context": draw.uniform(-1, 1, (2, channels, size, size)).astype(np.float32),
        "code": code / np.linalg.norm(code, axis=1, keepdims=True),
        "expression": draw.dirichlet(np.ones(7), 2).astype(np.float32),
    }


def answer(generator: Generator, inputs: dict[str, np.ndarray]) -> np.ndarray:
    with torch.no_grad():
        return generator(**{name: torch.from_numpy(value) for name, value in inputs.items()}).numpy()


@pytest.mark.skipif(not PROTOTYPE.exists(), reason="the shared folder with the prototype is not here")
def test_the_first_step_from_the_prototype_computes_what_the_prototype_computes() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    generator, inputs = Generator(), drawn_inputs(128)
    assert start_from(generator, weights_of(PROTOTYPE)) == []
    session = onnxruntime.InferenceSession(PROTOTYPE)
    (expected,) = session.run(["face"], {**inputs, "context": inputs["context"][:, :10]})
    assert np.abs(answer(generator, inputs) - expected).max() < 1e-4


def test_the_shipped_generator_is_taken_over_whole_although_it_is_stored_in_half_precision() -> None:
    shipped = Path(epd_weights.__file__).parent / "generator.onnx"
    assert start_from(Generator(), weights_of(shipped)) == []


def test_a_start_from_something_else_is_refused_instead_of_a_start_from_nothing() -> None:
    other = Path(epd_weights.__file__).parent / "landmarks68_faceapi.onnx"
    with pytest.raises(ValueError, match="not the weights of a generator"):
        start_from(Generator(), weights_of(other))


def test_growing_to_256_starts_as_the_small_network_enlarged() -> None:
    small, large = Generator(128), Generator(256)
    new = start_from(large, small.state_dict())
    assert new and all(name.startswith("border_") for name in new)
    inputs = drawn_inputs(256)
    inputs["context"][:, 7:10] = 0
    halved = {
        **inputs,
        "context": torch.nn.functional.avg_pool2d(torch.from_numpy(inputs["context"]), 2).numpy(),
    }
    enlarged = answer(small, halved).repeat(2, axis=2).repeat(2, axis=3)
    assert np.abs(answer(large, inputs) - enlarged).max() < 1e-4


@pytest.mark.parametrize(("size", "most_multiplications"), [(128, 0.8e9), (256, 6e9)])
def test_a_face_stays_within_the_promised_cost(size: int, most_multiplications: float) -> None:
    generator, counted = Generator(size), []

    def count(layer: torch.nn.Conv2d, _: object, output: torch.Tensor) -> None:
        counted.append(output[0].numel() * layer.weight[0].numel())

    for layer in generator.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(count)
    answer(generator, drawn_inputs(size))
    assert sum(counted) <= most_multiplications
    assert sum(p.numel() for p in generator.parameters()) <= 12e6


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="e2"):
        start_from(Generator(), Generator(widths=(40, 48, 128)).state_dict())
