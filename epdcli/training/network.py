"""The generator: structure and an identity code in, a face out.

A small U-Net over space-to-depth maps. Half resolution is the widest it ever works at; the identity code and
the expression go through an MLP into adaptive instance norms (AdaIN, Huang and Belongie 2017); the answer is
added to the blown-up colour means, because instance norm forgets the colour. Every size in the graph is fixed
when it is built, so that the exported file has no shape arithmetic in it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from epdcli.faces.structure import CHANNELS, LOW

_CODE_SCALE = 11.3  # about sqrt(128): a unit vector becomes numbers of size one
_EXPRESSION_SCALE, _EXPRESSION_SHIFT = 4.0, 0.6
# In use both count more than in training, as guidance does in diffusion models: two codes are more surely two
# people, and expressions are kept better. Measured in the model card.
_CODE_IN_USE, _EXPRESSION_IN_USE = 1.25, 1.5
_SLOPE = 0.2
_HALF = "_float16"  # the shipped file's names for tensors stored in half precision
_LIMIT = 1.05  # a little over -1..1, so that black and white keep a gradient


def _bend(x: Tensor) -> Tensor:
    return F.leaky_relu(x, _SLOPE)


def _parts(style: Tensor, width: int, count: int) -> list[Tensor]:
    """`count` slices of `width` channels, as maps of one pixel. Fixed numbers: the exported file then has
    plain Slices, which every runtime has, and no arithmetic with shapes."""
    return [style[:, n * width : (n + 1) * width, None, None] for n in range(count)]


class AdaptiveBlock(nn.Module):
    """x + shift + AdaIN(b(bend(AdaIN(a(x))))): the style gives two scales and three shifts less one."""

    def __init__(self, channels: int, style: int) -> None:
        super().__init__()
        self.channels = channels
        self.a = nn.Conv2d(channels, channels, 3, padding=1)
        self.b = nn.Conv2d(channels, channels, 3, padding=1)
        self.f = nn.Linear(style, 4 * channels)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        scale, shift, scale_b, shift_b = _parts(self.f(style), self.channels, 4)
        inner = _bend(F.instance_norm(self.a(x)) * (scale + 1) + shift)
        return x + F.instance_norm(self.b(inner)) * (scale_b + 1) + shift_b


class Generator(nn.Module):
    """`face = generator(context, code, expression)`.

    `context` (N, channels, S, S) as `faces.structure` draws it, `code` (N, 128) of unit length, `expression`
    (N, 7) probabilities; `face` (N, 3, S, S) in about -1..1, RGB. S is 128, or 256 with `size=256`: the same
    network at half the size, and a border around it that adds the fine lines (0.7 and 1.3 GMAC a face).
    `widths` are the channels at 1/2, 1/4 and 1/8 of 128 pixels, `narrow` those of the last half-resolution
    maps, `blocks` the adaptive blocks at 1/8. In use (`eval`) code and expression are emphasised.
    """

    def __init__(
        self,
        size: int = 128,
        channels: int = CHANNELS,
        widths: tuple[int, int, int] = (40, 64, 128),
        narrow: int = 32,
        blocks: int = 4,
        style: int = 256,
    ) -> None:
        super().__init__()
        if size not in (128, 256):
            raise ValueError(f"the generator is built for 128 or 256 pixels, not {size}")
        self.size = size
        fine, middle, deep = widths
        self.map = nn.Sequential(
            nn.Linear(128 + 7, style), nn.LeakyReLU(_SLOPE), nn.Linear(style, style), nn.LeakyReLU(_SLOPE)
        )
        self.e1 = nn.Conv2d(4 * channels, fine, 3, padding=1)
        self.e2 = nn.Conv2d(fine, middle, 3, stride=2, padding=1)
        self.e3 = nn.Conv2d(middle, deep, 3, stride=2, padding=1)
        self.bl = nn.ModuleList(AdaptiveBlock(deep, style) for _ in range(blocks))
        self.d1 = nn.Conv2d(deep, middle, 1)
        self.d2 = nn.Conv2d(2 * middle, middle, 3, padding=1)
        self.db = AdaptiveBlock(middle, style)
        self.d3 = nn.Conv2d(middle, narrow, 1)
        self.d4 = nn.Conv2d(narrow + fine, narrow, 3, padding=1)
        self.f = nn.Linear(style, 2 * narrow)
        self.d5 = nn.Conv2d(narrow, narrow, 3, padding=1)
        self.out = nn.Conv2d(narrow, 12, 3, padding=1)
        self.narrow = narrow
        if size == 256:
            self.border_in = nn.Conv2d(4 * channels, 24, 3, padding=1)
            self.border_mid = nn.Conv2d(narrow + 24, narrow, 3, padding=1)
            self.border_out = nn.Conv2d(narrow, 12, 3, padding=1)
            for parameter in self.border_out.parameters():
                nn.init.zeros_(parameter)

    def forward(self, context: Tensor, code: Tensor, expression: Tensor) -> Tensor:
        if not self.training:
            code, expression = code * _CODE_IN_USE, expression * _EXPRESSION_IN_USE
        style = self.map(
            torch.cat([code * _CODE_SCALE, expression * _EXPRESSION_SCALE - _EXPRESSION_SHIFT], dim=1)
        )
        small = context if self.size == 128 else F.avg_pool2d(context, 2)
        features = self._features(small, style)
        residual = F.pixel_shuffle(self.out(features), 2)
        if self.size == 256:
            border = _bend(self.border_in(_space_to_depth(context)))
            wide = torch.cat([F.interpolate(features, scale_factor=2.0, mode="nearest"), border], dim=1)
            fine = F.pixel_shuffle(self.border_out(_bend(self.border_mid(wide))), 2)
            residual = F.interpolate(residual, scale_factor=2.0, mode="nearest") + fine
        return (context[:, LOW] + residual.float()).clamp(-_LIMIT, _LIMIT)

    def _features(self, context: Tensor, style: Tensor) -> Tensor:
        """The maps at half of 128 pixels from which the face is drawn, (N, narrow, 64, 64)."""
        half = _bend(self.e1(_space_to_depth(context)))
        quarter = _bend(self.e2(half))
        x = _bend(self.e3(quarter))
        for block in self.bl:
            x = block(x, style)
        x = F.interpolate(_bend(self.d1(x)), scale_factor=2.0, mode="nearest")
        x = self.db(_bend(self.d2(torch.cat([x, quarter], dim=1))), style)
        x = F.interpolate(_bend(self.d3(x)), scale_factor=2.0, mode="nearest")
        x = _bend(self.d4(torch.cat([x, half], dim=1)))
        scale, shift = _parts(self.f(style), self.narrow, 2)
        return _bend(self.d5(x) * (scale + 1) + shift)


def _space_to_depth(x: Tensor) -> Tensor:
    return F.pixel_unshuffle(x, 2)


def weights_of(path: Path) -> dict[str, Tensor]:
    """The named float tensors of an exported generator (`.onnx`) or of a checkpoint (`.pt`: its EMA)."""
    if path.suffix == ".onnx":
        stored = onnx.load(str(path)).graph.initializer
        return {
            t.name.removesuffix(_HALF): torch.from_numpy(numpy_helper.to_array(t).astype(np.float32))
            for t in stored
        }
    return dict(torch.load(path, map_location="cpu", weights_only=True)["ema"])


def start_from(generator: Generator, weights: dict[str, Tensor]) -> list[str]:
    """Take over every tensor of the same name; returns the names that start new.

    A network with fewer input channels is widened: the new channels' weights start at zero, so that the first
    step computes exactly what the old network computed. Raises `ValueError` where shapes can't be reconciled,
    and where hardly anything has a name that is known: that would be a start from nothing.
    """
    own = generator.state_dict()
    if len(own.keys() & weights.keys()) < len(own) // 2:
        raise ValueError("these are not the weights of a generator")
    for name, tensor in own.items():
        if name not in weights:
            continue
        given = weights[name]
        if name in {"e1.weight", "border_in.weight"} and given.shape[1] < tensor.shape[1]:
            given = F.pad(given, (0, 0, 0, 0, 0, tensor.shape[1] - given.shape[1]))
        if given.shape != tensor.shape:
            raise ValueError(f"{name}: {tuple(given.shape)} does not fit {tuple(tensor.shape)}")
        tensor.copy_(given)
    return [name for name in own if name not in weights]
