"""The three frozen networks whose answers the losses compare, and the crops they see.

The recogniser R is `mobilefacenet_ms1m`; the evaluation's judges never come here. R sees the faces shifted,
scaled, turned, blurred and noised at random, so that noise which nobody sees can't please it. The small
networks see original and new face through the same random `View`, for the same reason: a shift of 1 px in 256
changes the expression class of one clear face in eleven, so what holds in one crop alone says little.
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

    def expressions(self, faces: Tensor, view: View | None = None) -> tuple[Tensor, Tensor]:
        """Log-probabilities (N, 7) and features (N, 256, 7, 7), as seen through `view`."""
        answer = self.expression(image=_small_crop(faces, view))
        return F.log_softmax(answer["logits"].float(), dim=1), answer["features"].float()

    def points(self, faces: Tensor, view: View | None = None) -> Tensor:
        """The 68 landmarks (N, 68, 2), 0..1 of the expression crop that `view` takes."""
        return self.landmarks(image=_small_crop(faces, view))["landmarks"].float().reshape(-1, 68, 2)


@dataclass(frozen=True, eq=False)
class View:
    """How the small networks look at a batch: `theta` (N, 2, 3) places the crop in the frame (for torch's
    `affine_grid`), `softness` and `greyness` (N, 1, 1, 1) in 0..1 mix in its blurred and its grey copy."""

    theta: Tensor
    softness: Tensor
    greyness: Tensor

    @staticmethod
    def drawn(n: int, size: int) -> View:
        """A random view of `n` faces of `size` pixels, by torch's global generator."""
        left, top, side = crop_square(size)
        corner = (left / size, top / size)
        theta = _placed(
            corner, side / size, torch.randn(n, 2) * 0.01, 1 + torch.randn(n) * 0.04, torch.randn(n)
        )
        soft, grey = (torch.rand(n, 1, 1, 1) * (torch.rand(n, 1, 1, 1) < 0.4) for _ in range(2))
        return View(theta, soft, grey)


def _small_crop(faces: Tensor, view: View | None) -> Tensor:
    if view is not None:
        seen = _sampled(faces, view.theta)
        seen = seen + view.softness.to(seen) * (_softened(seen) - seen)
        seen = seen + view.greyness.to(seen) * (seen.mean(dim=1, keepdim=True) - seen)
        return (seen + 1) * 127.5
    left, top, side = crop_square(faces.shape[-1])
    crop = faces[..., top : top + side, left : left + side]
    return (F.interpolate(crop, size=(112, 112), mode="bilinear", align_corners=False) + 1) * 127.5


def _recogniser_crop(faces: Tensor, varied: bool) -> Tensor:
    n = faces.shape[0]
    shift, scale, turn = torch.zeros(n, 2), torch.ones(n), torch.zeros(n)
    if varied:
        shift, scale, turn = torch.randn(n, 2) * 0.02, 1 + torch.randn(n) * 0.03, torch.randn(n) * 2
    return _sampled(faces, _placed(_RECOGNISER_CORNER, _RECOGNISER_SIDE, shift, scale, turn))


def _placed(
    corner: tuple[float, float], side: float, shift: Tensor, scale: Tensor, degrees: Tensor
) -> Tensor:
    """The square with this corner and side (units of the frame), moved by `shift` (n, 2), as (n, 2, 3)."""
    turn = degrees * math.radians(1)
    where = 2 * (torch.tensor(corner) + side / 2) - 1 + 2 * shift
    cosine, sine = side * scale * torch.cos(turn), side * scale * torch.sin(turn)
    rows = [torch.stack([cosine, -sine, where[:, 0]], 1), torch.stack([sine, cosine, where[:, 1]], 1)]
    return torch.stack(rows, 1)


def _sampled(faces: Tensor, theta: Tensor) -> Tensor:
    grid = F.affine_grid(theta.to(faces), [faces.shape[0], 3, 112, 112], align_corners=False)
    return F.grid_sample(faces, grid, mode="bilinear", padding_mode="border", align_corners=False)


def _softened(seen: Tensor) -> Tensor:
    side = seen.shape[-1]
    return F.interpolate(F.avg_pool2d(seen, 2), size=(side, side), mode="bilinear", align_corners=False)


def _blurred_and_noised(seen: Tensor) -> Tensor:
    n = seen.shape[0]
    amount = (torch.rand(n, 1, 1, 1) * (torch.rand(n, 1, 1, 1) < 0.5)).to(seen)
    strength = (torch.rand(n, 1, 1, 1) * 0.06).to(seen)
    return seen + amount * (_softened(seen) - seen) + strength * torch.randn(seen.shape).to(seen)
