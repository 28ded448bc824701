"""The discriminator: does this face look photographed, and does it fit its structure?

Four 4 x 4 stride-2 convolutions on the full-resolution picture, Kaiming initialisation, one logit for each
of 8 x 8 patches. It sees the structure beside the picture, so that a real-looking eye that looks elsewhere is
still wrong. Augmentation (Zhao et al. 2020) is applied to real and generated faces alike: the faces are few.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHOWN = slice(
    3, 14
)  # channels of the context that the discriminator sees: hull, lines, means, irises, interiors


class Discriminator(nn.Module):
    """`logits, features = discriminator(picture, context)`.

    `picture` (N, 3, S, S) in -1..1, `context` (N, C, S, S); `logits` (N, 1, s, s), `features` the four maps.
    """

    def __init__(self, widths: tuple[int, ...] = (48, 96, 160, 224)) -> None:
        super().__init__()
        inputs = (3 + SHOWN.stop - SHOWN.start, *widths[:-1])
        self.layers = nn.ModuleList(
            nn.Conv2d(given, width, 4, stride=2, padding=1)
            for given, width in zip(inputs, widths, strict=True)
        )
        self.judge = nn.Conv2d(widths[-1], 1, 3, padding=1)
        for layer in (*self.layers, self.judge):
            nn.init.kaiming_normal_(layer.weight, a=0.2)
            nn.init.zeros_(layer.bias)

    def forward(self, picture: Tensor, context: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = torch.cat([picture, context[:, SHOWN].to(picture.dtype)], dim=1)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.judge(x), features


def augmented(pictures: list[Tensor], context: Tensor, furthest: int = 8) -> tuple[list[Tensor], Tensor]:
    """The same random mirror, shift (whole batch), brightness and contrast (each row) for every tensor.

    One draw for all of `pictures`, so that paired features stay comparable.
    """
    n, size = context.shape[0], context.shape[-1]
    down, right = (int(v) for v in torch.randint(0, 2 * furthest + 1, (2,)))
    mirror = bool(torch.rand(()) < 0.5)
    light = (torch.rand(n, 1, 1, 1) * 0.3 - 0.15).to(context)
    contrast = (torch.rand(n, 1, 1, 1) * 0.4 + 0.8).to(context)

    def moved(x: Tensor) -> Tensor:
        padded = F.pad(x, (furthest,) * 4, mode="replicate")[..., down : down + size, right : right + size]
        return padded.flip(-1) if mirror else padded

    return [moved(p) * contrast + light for p in pictures], moved(context)
