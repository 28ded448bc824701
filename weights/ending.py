"""An ending of the synthesis network as a torch module: its later levels at the size of an earlier one.

A level's features hold a picture of twice their side, but the network enlarges them to 512 pixels before they
become one of 1024. An ending leaves the enlarging out: every later level works on the means of what would be
its pixels, with the network's own weights at first, whose depthwise kernels are made coarser. That gives a
blurred picture without any training; training adds what the details of the wavelets say.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from convert_synthesis import LEVELS, bands_of
from openvino_ir import Constants

Floats = NDArray[np.float32]
Corners = list[tuple[int, int]]  # of crops of the features

_SLOPE = 0.2
_SEEN = 1e-3  # standard deviation of noise that is worth adding


class Ending(nn.Module):
    """Features (N x C x S x S) after the first convolution of `level`, S = 8 * 2**level, to N x 3 x 2S x 2S.

    `kept` says for each later level which channels it takes: of the bands one after the other, all means and
    some details. What the styles do is the network's and is not trained.
    """

    def __init__(self, constants: Constants, level: int, kept: Mapping[int, NDArray[np.int64]]) -> None:
        super().__init__()
        self.first, self.side, self.kept = level, 8 << level, dict(kept)
        self.firsts, self.seconds = nn.ModuleDict(), nn.ModuleDict()
        self.before, self.after, self.between = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for later in range(level, LEVELS):
            name, key, shrunk = f"m.layers.{later}", str(later), 2 ** (later - level)
            if later > level:
                channels = self.kept[later]
                means = constants[f"{name}.conv1.conv.modulation.weight"].shape[0]
                up, conv1 = _affine(constants, f"{name}.up", 4, 0.5), _affine(constants, f"{name}.conv1.conv")
                self.before[key] = _Affine(*(values[channels] for values in up))
                self.after[key] = _Affine(*(values[channels % means] for values in conv1))
                layer = constants.layer_with_bias(f"{name}.conv1.bias")
                weight = np.zeros((len(layer.weight), len(channels), 1, 1), np.float32)
                weight[:, :means] = layer.weight
                kernels = np.zeros((len(channels), 3, 3), np.float32)
                kernels[:, 1, 1] = 1
                kernels[:means] = _coarser(constants[f"{name}.conv1.conv.weight_dw"], shrunk)
                noise = _shrunk(layer.noise, self.side)
                self.firsts[key] = _Separable(kernels, weight, layer.bias, noise)
            self.between[key] = _Affine(*_affine(constants, f"{name}.conv2.conv"))
            layer = constants.layer_with_bias(f"{name}.conv2.bias")
            weight, bias = layer.weight, layer.bias
            if later + 1 in self.kept:
                weight, bias = (np.concatenate(bands_of(v, 4))[self.kept[later + 1]] for v in (weight, bias))
            kernels = _coarser(constants[f"{name}.conv2.conv.weight_dw"], shrunk)
            self.seconds[key] = _Separable(kernels, weight, bias, _shrunk(layer.noise, self.side))
        name = f"m.layers.{LEVELS - 1}.to_img"
        self.last = _Affine(*_affine(constants, f"{name}.conv"))
        weight, bias = (
            np.concatenate([bands_of(values, 4)[0] / 2] * 4)
            for values in (constants[f"{name}.conv.weight"], constants[f"{name}.bias"].reshape(-1))
        )
        self.weight, self.bias = _trained(weight), _trained(bias)

    def forward(self, features: Tensor, style: Tensor, corners: Corners | None = None) -> Tensor:
        """`corners` (top, left) where the features are crops."""
        for key, second in self.seconds.items():
            if key in self.firsts:
                features = features * (self.before[key](style) * self.after[key](style))
                features = self.firsts[key](features, corners)
            features = second(features * self.between[key](style), corners)
        bands_or_pixels = F.conv2d(features * self.last(style), self.weight, self.bias)
        count, _, height, width = bands_or_pixels.shape
        pixels = bands_or_pixels.view(count, 2, 2, 3, height, width).permute(0, 3, 4, 1, 5, 2)
        return pixels.reshape(count, 3, 2 * height, 2 * width)

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """What convert_synthesis.py writes into the ONNX file."""
        made: dict[str, NDArray[np.generic]] = {"level": np.array(self.first, np.int64)}
        made |= {f"{level}.kept": channels for level, channels in self.kept.items()}
        made |= {"image.weight": _array(self.weight), "image.bias": _array(self.bias)}
        for number, modules in enumerate((self.firsts, self.seconds)):
            for level, module in modules.items():
                assert isinstance(module, _Separable)
                made |= {f"{level}.{number}.{kind}": array for kind, array in module.arrays().items()}
        return made


class _Affine(nn.Module):
    """What a style does: N x 512 to N x C x 1 x 1."""

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Floats, bias: Floats) -> None:
        super().__init__()
        self.register_buffer("weight", _tensor(weight))
        self.register_buffer("bias", _tensor(bias))

    def forward(self, style: Tensor) -> Tensor:
        return F.linear(style, self.weight, self.bias)[:, :, None, None]


class _Separable(nn.Module):
    """A depthwise and a pointwise convolution, noise, leaky ReLU."""

    noise: Tensor | None

    def __init__(self, kernels: Floats, weight: Floats, bias: Floats, noise: Floats) -> None:
        super().__init__()
        self.depthwise, self.weight, self.bias = _trained(kernels[:, None]), _trained(weight), _trained(bias)
        self.register_buffer("noise", _tensor(noise) if noise.std() > _SEEN else None)

    def forward(self, features: Tensor, corners: Corners | None) -> Tensor:
        channels = len(self.depthwise)
        made = F.conv2d(
            F.conv2d(features, self.depthwise, padding=1, groups=channels), self.weight, self.bias
        )
        if self.noise is not None:
            size = made.shape[-1]
            places = corners or [(0, 0)]
            made = made + torch.cat([self.noise[:, :, y : y + size, x : x + size] for y, x in places])
        return F.leaky_relu(made, _SLOPE)

    def arrays(self) -> dict[str, Floats]:
        named = {"depthwise": self.depthwise, "weight": self.weight, "bias": self.bias, "noise": self.noise}
        return {name: _array(tensor) for name, tensor in named.items() if tensor is not None}


def _affine(constants: Constants, name: str, count: int = 1, factor: float = 1.0) -> tuple[Floats, Floats]:
    factor *= constants.factor_after(f"{name}.modulation.bias")
    weight, bias = constants[f"{name}.modulation.weight"], constants[f"{name}.modulation.bias"].reshape(-1)
    weight, bias = (np.concatenate(bands_of(values, count)) * np.float32(factor) for values in (weight, bias))
    return weight, bias


def _coarser(kernels: Floats, factor: int) -> Floats:
    """3 x 3 kernels that do to means of `factor` x `factor` pixels what these do to pixels, where these are
    alike."""
    near, far = (factor - 1) / factor, 1 / factor
    one = np.array([[far, 0, 0], [near, 1, near], [0, 0, far]], np.float32)
    return np.einsum("ij,cjk,lk->cil", one, kernels.reshape(-1, 3, 3), one)


def _shrunk(noise: Floats, side: int) -> Floats:
    size = noise.shape[-1] // side
    return noise.reshape(1, 1, side, size, side, size).mean((3, 5))


def _tensor(values: Floats) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32))


def _trained(values: Floats) -> nn.Parameter:
    return nn.Parameter(_tensor(values))


def _array(tensor: Tensor) -> Floats:
    return np.asarray(tensor.detach().numpy())
