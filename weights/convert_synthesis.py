"""Writes MobileStyleGAN's synthesis network, an OpenVINO IR in the PyPI wheel random-face, as ONNX.

    python weights/convert_synthesis.py SynthesisNetwork.xml synthesis.onnx

Input `styles`, N x 23 x 512: one style for each layer, the coarsest first (in the original all are the same).
Output `image`, N x 3 x 1024 x 1024, RGB, -1 to 1 and a little beyond; with --endings also smaller pictures,
made by endings that distil_endings.py trained. The numbers are the original's; what is written otherwise,
because runtimes do it faster:

- a style scales what goes into a layer, so that all faces share one layer's weights; the scales before and
  after a wavelet are one;
- an inverse Haar wavelet is sums and differences of its four bands and a depth-to-space. The bands come out
  of four convolutions, because splitting channels costs a pass over them;
- noise that no picture shows (the last levels', 0.4 of a grey level of 255 at most) is left out, so that bias
  and leaky ReLU are part of the convolution.

The architecture: arXiv 2104.04767, https://github.com/bes-dev/MobileStyleGAN.pytorch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import typer
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from openvino_ir import Constants

Floats = NDArray[np.float32]

_STYLES, _STYLE_LENGTH = 23, 512
LEVELS = 7  # 8 x 8 to 512 x 512; the picture is twice as large
_SLOPE = 0.2  # of the endings' leaky ReLUs, as the network's own
_UNSEEN_NOISE = {"m.layers.4.conv2", "m.layers.5.conv2", "m.layers.6.conv1", "m.layers.6.conv2"}


def main(
    source: Path,
    target: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
    endings: Annotated[list[Path] | None, typer.Option(help="Trained endings (.npz).")] = None,
) -> None:
    """Read SOURCE, an .xml with its .bin beside it, and write TARGET."""
    trained = [dict(np.load(path, allow_pickle=False)) for path in endings or ()]
    model = synthesis(Constants.read(source), trained)
    onnx.checker.check_model(model)
    target.write_bytes(model.SerializeToString(deterministic=True))
    print(f"{target}: {len(model.graph.node)} nodes, {target.stat().st_size:,} bytes")


def synthesis(constants: Constants, endings: Sequence[Mapping[str, Floats]] = ()) -> onnx.ModelProto:
    """The whole network in float32, with the trained endings."""
    graph = _Graph(constants)
    features = graph.first()
    for level in range(LEVELS):
        features = graph.level(level, features)
    graph.image(*features)
    sides = {"image": 1024}
    for trained in endings:
        side = 16 << int(trained["level"])
        sides[f"image_{side}"] = side
        graph.ending(trained)
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "synthesis",
            [helper.make_tensor_value_info("styles", TensorProto.FLOAT, ["N", _STYLES, _STYLE_LENGTH])],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3, side, side])
                for name, side in sides.items()
            ],
            graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
    )


class _Graph:
    """The nodes and weights written so far. Features are a list: the bands of the next wavelet, or one."""

    def __init__(self, constants: Constants) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._constants = constants
        self._made: set[str] = set()

    def first(self) -> list[str]:
        """4 x 4: a constant, scaled, and the only full convolution."""
        constant = self._weight("input", self._constants["m.input.input"])
        (scale,) = self._scales("m.conv1.conv", style=0)
        return self._convolutions("m.conv1", self._scaled(constant, scale), bands=4, pads=[1, 1, 1, 1])

    def level(self, level: int, bands: list[str]) -> list[str]:
        """Features twice as large, from the bands of the level before."""
        name, style = f"m.layers.{level}", 3 * level + 1
        features = self._wavelet(name, list(map(self._scaled, bands, self._wavelet_scales(level))))
        features = self._depthwise(f"{name}.conv1", features)
        (features,) = self._convolutions(f"{name}.conv1", features)
        (scale,) = self._scales(f"{name}.conv2.conv", style + 2)
        features = self._depthwise(f"{name}.conv2", self._scaled(features, scale))
        return self._convolutions(f"{name}.conv2", features, bands=1 if level == LEVELS - 1 else 4)

    def ending(self, trained: Mapping[str, Floats]) -> None:
        """From the first convolution of one level on, at that level's size; a picture of twice its side."""
        first, side = int(trained["level"]), 8 << int(trained["level"])
        features = f"m.layers.{first}.conv1.0"
        for level in range(first, LEVELS):
            one = f"ending_{side}.{level}"
            if level > first:
                scales = self._node("Concat", self._wavelet_scales(level), f"{one}.scales", axis=1)
                kept = self._weight(f"{one}.kept", trained[f"{level}.kept"])
                features = self._scaled(
                    features, self._node("Gather", [scales, kept], f"{one}.scale", axis=1)
                )
                features = self._separable(f"{one}.0", features, trained, f"{level}.0")
            (scale,) = self._scales(f"m.layers.{level}.conv2.conv", 3 * level + 3)
            features = self._separable(f"{one}.1", self._scaled(features, scale), trained, f"{level}.1")
        (scale,) = self._scales(f"m.layers.{LEVELS - 1}.to_img.conv", style=_STYLES - 1)
        scaled = self._scaled(features, scale)
        pixels = self._convolution(f"ending_{side}", scaled, trained["image.weight"], trained["image.bias"])
        self._node("DepthToSpace", [pixels], f"image_{2 * side}", blocksize=2, mode="DCR")

    def _separable(self, name: str, features: str, trained: Mapping[str, Floats], key: str) -> str:
        features = self._depthwise_with(name, features, trained[f"{key}.depthwise"])
        total = self._convolution(name, features, trained[f"{key}.weight"], trained[f"{key}.bias"])
        if f"{key}.noise" in trained:
            noise = self._weight(f"{name}.noise", trained[f"{key}.noise"])
            total = self._node("Add", [total, noise], f"{name}.with_noise")
        return self._node("LeakyRelu", [total], name, alpha=_SLOPE)

    def image(self, features: str) -> None:
        """The last wavelet is linear in what the last convolution gives, so it is part of its weights."""
        name = f"m.layers.{LEVELS - 1}.to_img"
        weight, bias = self._constants[f"{name}.conv.weight"], self._constants[f"{name}.bias"].reshape(-1)
        (scale,) = self._scales(f"{name}.conv", style=_STYLES - 1)
        scaled = self._scaled(features, scale)
        pixels = self._convolution(name, scaled, _pixels(weight), _pixels(bias))
        self._node("DepthToSpace", [pixels], "image", blocksize=2, mode="DCR")

    def _wavelet_scales(self, level: int) -> list[str]:
        """One for each band: what comes before the wavelet times what comes after it."""
        name, style = f"m.layers.{level}", 3 * level + 1
        before = self._scales(f"{name}.up", style, bands=4, factor=0.5)
        (after,) = self._scales(f"{name}.conv1.conv", style + 1)
        return [self._scaled(scale, after) for scale in before]

    def _scales(self, name: str, style: int, bands: int = 1, factor: float = 1.0) -> list[str]:
        """N x C x 1 x 1, affine maps of one style: one for each band."""
        vector = self._node("Gather", ["styles", self._whole_numbers(style)], f"{name}.style", axis=1)
        factor *= self._constants.factor_after(f"{name}.modulation.bias")
        weights = bands_of(self._constants[f"{name}.modulation.weight"] * np.float32(factor), bands)
        biases = bands_of(self._constants[f"{name}.modulation.bias"].reshape(-1) * np.float32(factor), bands)
        scales = []
        for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            one = f"{name}.{number}"
            given = [
                vector,
                self._weight(f"{one}.style.weight", weight),
                self._weight(f"{one}.style.bias", bias),
            ]
            flat = self._node("Gemm", given, f"{one}.affine", transB=1)
            shape = self._whole_numbers(-1, len(bias), 1, 1)
            scales.append(self._node("Reshape", [flat, shape], f"{one}.scale"))
        return scales

    def _scaled(self, features: str, scale: str) -> str:
        return self._node("Mul", [features, scale], f"{features} scaled")

    def _wavelet(self, name: str, bands: list[str]) -> str:
        mean, vertical, horizontal, diagonal = bands
        kinds = ("Add", "Sub")  # at the even and at the odd rows, then columns
        means = [self._node(kind, [mean, vertical], f"{name}.means.{kind}") for kind in kinds]
        details = [self._node(kind, [horizontal, diagonal], f"{name}.details.{kind}") for kind in kinds]
        pixels = [
            self._node(kind, [row, detail], f"{row}.{kind}")
            for row, detail in zip(means, details, strict=True)
            for kind in kinds
        ]
        together = self._node("Concat", pixels, f"{name}.pixels", axis=1)
        return self._node("DepthToSpace", [together], f"{name}.upsampled", blocksize=2, mode="DCR")

    def _depthwise(self, name: str, features: str) -> str:
        return self._depthwise_with(name, features, self._constants[f"{name}.conv.weight_dw"])

    def _depthwise_with(self, name: str, features: str, kernels: Floats) -> str:
        kernels = kernels.reshape(-1, 1, 3, 3)
        given = [features, self._weight(f"{name}.depthwise.weight", kernels)]
        window = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
        return self._node("Conv", given, f"{name}.depthwise", group=len(kernels), **window)

    def _convolutions(self, name: str, features: str, bands: int = 1, **options: Any) -> list[str]:
        """One convolution for each band, with noise, bias and leaky ReLU."""
        layer = self._constants.layer_with_bias(f"{name}.bias")
        noise = None if name in _UNSEEN_NOISE else self._weight(f"{name}.noise", layer.noise)
        made = []
        for number, parts in enumerate(
            zip(bands_of(layer.weight, bands), bands_of(layer.bias, bands), strict=True)
        ):
            one = f"{name}.{number}"
            total = self._convolution(one, features, *parts, **options)
            if noise:
                total = self._node("Add", [total, noise], f"{one}.with_noise")
            made.append(self._node("LeakyRelu", [total], one, alpha=layer.slope))
        return made

    def _convolution(self, name: str, features: str, weight: Floats, bias: Floats, **options: Any) -> str:
        given = [features, self._weight(f"{name}.weight", weight), self._weight(f"{name}.bias", bias)]
        return self._node("Conv", given, f"{name}.sum", kernel_shape=weight.shape[2:], **options)

    def _node(self, kind: str, given: list[str], made: str, **attributes: Any) -> str:
        if made in self._made:  # an ending shares the network's scales
            return made
        self._made.add(made)
        self.nodes.append(helper.make_node(kind, given, [made], **attributes))
        return made

    def _weight(self, name: str, values: NDArray[Any]) -> str:
        if name in self._made:
            return name
        self._made.add(name)
        self.weights.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def _whole_numbers(self, *numbers: int) -> str:
        """A shape, or the number of a style."""
        values = np.array(numbers if len(numbers) > 1 else numbers[0], np.int64)
        return self._weight("x".join(map(str, numbers)), values)


def bands_of(values: Floats, count: int) -> list[Floats]:
    """Mean, vertical, horizontal, diagonal: all channels' means come first, then three details of each."""
    if count == 1:
        return [values]
    channels = len(values) // count
    return [values[:channels], *(values[channels + band :: count - 1] for band in range(count - 1))]


def _pixels(values: Floats) -> Floats:
    """What makes four pixels of each channel out of what makes its four bands."""
    mean, vertical, horizontal, diagonal = bands_of(values, 4)
    signs = [(vertically, horizontally) for vertically in (1, -1) for horizontally in (1, -1)]
    pixels = [mean + v * vertical + h * horizontal + v * h * diagonal for v, h in signs]
    return (np.concatenate(pixels) / 2).astype(np.float32)


if __name__ == "__main__":
    typer.run(main)
