"""The three frozen networks whose answers the losses compare, and the crops they see.

The recogniser R is `mobilefacenet_ms1m`; the evaluation's judges never come here. R sees the faces shifted,
scaled, turned, blurred and noised at random, so that noise which nobody sees can't please it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from epdcli.faces.structure import crop_square

_RECOGNISER_CORNER, _RECOGNISER_SIDE = (32.8 / 256, 22.6 / 256), 190.4 / 256  # of the aligned frame


@dataclass(frozen=True, eq=False)
class FrozenNetworks:
    """R, the expression and the landmark network; inputs are faces (N, 3, S, S) in -1..1."""

    identity: nn.Module
    expression: nn.Module
    landmarks: nn.Module

    @staticmethod
    def load(identity: Path, expression: Path, landmarks: Path, device: torch.device) -> FrozenNetworks:
        from epd_backends.onnx_graph import load_onnx

        return FrozenNetworks(*(load_onnx(path).to(device) for path in (identity, expression, landmarks)))

    def embeddings(self, faces: Tensor, varied: bool = False) -> Tensor:
        """Unit embeddings (N, 128) of R; `varied` shows R a randomly disturbed copy."""
        seen = _recogniser_crop(faces, varied)
        if varied:
            seen = _blurred_and_noised(seen)
        return F.normalize(self.identity(image=(seen + 1) * 127.5)["embedding"].float(), dim=1)

    def expressions(self, faces: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities (N, 7) and features (N, 256, 7, 7)."""
        answer = self.expression(image=_small_crop(faces))
        return F.log_softmax(answer["logits"].float(), dim=1), answer["features"].float()

    def points(self, faces: Tensor) -> Tensor:
        """The 68 landmarks (N, 68, 2), 0..1 of the expression crop."""
        return self.landmarks(image=_small_crop(faces))["landmarks"].float().reshape(-1, 68, 2)


def _small_crop(faces: Tensor) -> Tensor:
    left, top, side = crop_square(faces.shape[-1])
    crop = faces[..., top : top + side, left : left + side]
    return (F.interpolate(crop, size=(112, 112), mode="bilinear", align_corners=False) + 1) * 127.5


def _recogniser_crop(faces: Tensor, varied: bool) -> Tensor:
    n = faces.shape[0]
    shift, scale, turn = torch.zeros(n, 2), torch.ones(n), torch.zeros(n)
    if varied:
        shift = torch.randn(n, 2) * 0.02
        scale = 1 + torch.randn(n) * 0.03
        turn = torch.randn(n) * math.radians(2)
    side = _RECOGNISER_SIDE * scale
    centre = torch.tensor(_RECOGNISER_CORNER) + _RECOGNISER_SIDE / 2
    where = 2 * centre - 1 + 2 * shift
    cosine, sine = side * torch.cos(turn), side * torch.sin(turn)
    rows = [torch.stack([cosine, -sine, where[:, 0]], 1), torch.stack([sine, cosine, where[:, 1]], 1)]
    theta = torch.stack(rows, 1).to(faces)
    grid = F.affine_grid(theta, [n, 3, 112, 112], align_corners=False)
    return F.grid_sample(faces, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _blurred_and_noised(seen: Tensor) -> Tensor:
    n, side = seen.shape[0], seen.shape[-1]
    soft = F.interpolate(F.avg_pool2d(seen, 2), size=(side, side), mode="bilinear", align_corners=False)
    amount = (torch.rand(n, 1, 1, 1) * (torch.rand(n, 1, 1, 1) < 0.5)).to(seen)
    strength = (torch.rand(n, 1, 1, 1) * 0.06).to(seen)
    return seen + amount * (soft - seen) + strength * torch.randn(seen.shape).to(seen)
