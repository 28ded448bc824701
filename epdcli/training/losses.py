"""Every term of the generator's and the discriminator's loss, each a pure function of tensors.

The formulation: `out = m * y + (1 - m) * x`; R(out) is to be the code's and not x's, everything else stays.
Means are over the rows given; pictures are (N, 3, S, S) in -1..1, masks (N, 1, S, S) in 0..1.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

_ENOUGH = 0.72  # cosine to the code beyond which only adversarial noise would be gained

_POINT_WEIGHTS = torch.cat(
    [
        torch.full((17,), 0.6),  # jaw
        torch.full((10,), 1.5),  # brows
        torch.full((9,), 1.0),  # nose
        torch.full((12,), 2.5),  # eyes
        torch.full((20,), 2.5),  # mouth
    ]
)


def identity_to_code(embedding: Tensor, code: Tensor) -> Tensor:
    """Identity similarity to the code, pulled up: hinge max(0, .72 - cos(R(out), z))."""
    return F.relu(_ENOUGH - (embedding * code).sum(dim=1)).mean()


def identity_from_source(embedding: Tensor, source: Tensor, margin: float) -> Tensor:
    """Identity similarity to the original, pushed under the margin: max(0, cos(R(out), R(x)) - margin)."""
    return F.relu((embedding * source).sum(dim=1) - margin).mean()


def expression_kept(log_probabilities: Tensor, wanted: Tensor) -> Tensor:
    """Emotion similarity: the Kullback-Leibler divergence of the seven probabilities from the original's."""
    return F.kl_div(log_probabilities, wanted, reduction="batchmean")


def expression_features_kept(features: Tensor, wanted: Tensor) -> Tensor:
    """Emotion similarity, deeper: L1 on the expression network's 7 x 7 features, over their mean size."""
    return (features - wanted).abs().mean() / wanted.abs().mean().clamp_min(1e-4)


def landmarks_kept(points: Tensor, wanted: Tensor) -> Tensor:
    """Expression, gaze and pose: L1 on 68 points (0..1 of the crop), eyes and mouth weighing most."""
    weights = _POINT_WEIGHTS.to(points)[None, :, None]
    return ((points - wanted).abs() * weights).mean()


def reconstruction(out: Tensor, original: Tensor, mask: Tensor, focus: Tensor) -> Tensor:
    """Where z = R(x), out is x: L1 in the mask, eyes and mouth counted three times."""
    weight = mask * (1 + 2 * focus)
    return ((out - original).abs() * weight).sum() / (3 * weight.sum()).clamp_min(1)


def eyes_and_mouth_kept(out: Tensor, original: Tensor, focus: Tensor) -> Tensor:
    """Gaze and teeth: L1 of the colours at half resolution, in the eyes and the mouth only."""
    difference = F.avg_pool2d(out - original, 2).abs().mean(dim=1, keepdim=True)
    where = F.avg_pool2d(focus, 2)
    return (difference * where).sum() / where.sum().clamp_min(1)


def light_kept(out: Tensor, original: Tensor) -> Tensor:
    """Light and skin tone: L1 of the means of 8 x 8 blocks of the frame."""
    side = out.shape[-1] // 8
    return (F.avg_pool2d(out, side) - F.avg_pool2d(original, side)).abs().mean()


def realism(logits_of_generated: Tensor) -> Tensor:
    """Real looks: what the discriminator says of the generated faces, raised (hinge form)."""
    return -logits_of_generated.mean()


def features_matched(generated: list[Tensor], real: list[Tensor]) -> Tensor:
    """Real looks where z = R(x): the discriminator sees the same in both, map by map."""
    pairs = zip(generated, real, strict=True)
    return torch.stack([(g - r.detach()).abs().mean() for g, r in pairs]).mean()


def mean_features_matched(generated: list[Tensor], real: list[Tensor]) -> Tensor:
    """Real looks with a foreign code: the deep maps' channel means agree over the batch. Weak on purpose:
    the strong form copies the identity back."""
    pairs = list(zip(generated, real, strict=True))[-2:]
    return torch.stack(
        [(g.mean(dim=(0, 2, 3)) - r.detach().mean(dim=(0, 2, 3))).abs().mean() for g, r in pairs]
    ).mean()


def discrimination(logits_of_real: Tensor, logits_of_generated: Tensor) -> Tensor:
    """The discriminator's own hinge loss: real over 1, generated under -1."""
    return F.relu(1 - logits_of_real).mean() + F.relu(1 + logits_of_generated).mean()
