"""Settings of a training run, and the weight of every loss term."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Weights:
    """How much each term of `losses` counts; `margin` belongs to `identity_from_source`.

    The identity terms are kept low: at five times these weights R's cosines move faster, and the sheet shows
    painted brows and blotches.
    """

    reconstruction: float = 20
    landmarks: float = 45
    expression: float = 2
    expression_features: float = 4
    eyes_and_mouth: float = 6
    light: float = 3
    realism: float = 0.3
    features: float = 8
    mean_features: float = 1
    to_code: float = 3
    from_source: float = 6.0
    margin: float = 0.02


@dataclass(frozen=True)
class Settings:
    """What a run is made of. `identity_from` and `identity_over`: the step from which, and the number of
    steps over which, the identity terms come in (a warm start has them from the first step);
    `discriminator_first` steps train D alone, then `realism_over` steps bring its word in.
    """

    size: int = 128
    batch: int = 16
    own_share: float = 0.5
    rate: float = 2e-4
    discriminator_rate: float = 6e-4
    warm_up: int = 100
    discriminator_first: int = 0
    realism_over: int = 300
    identity_from: int = 350
    identity_over: int = 600
    ema: float = 0.995
    clip: float = 8.0
    seed: int = 0
    weights: Weights = field(default_factory=Weights)
