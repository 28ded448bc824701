"""One step: the discriminator's turn, then the generator's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from epdcli.training import losses
from epdcli.training.batches import Batch
from epdcli.training.checkpoint import State
from epdcli.training.discriminator import augmented
from epdcli.training.frozen import FrozenNetworks, View
from epdcli.training.settings import Settings


def train_step(state: State, batch: Batch, networks: FrozenNetworks, settings: Settings) -> dict[str, float]:
    """Advance `state` by one step and return its statistics, all plain numbers.

    Raises `FloatingPointError` at the first loss that is not a number; the state is then not advanced.
    """
    device = batch.pixels.device
    torch.manual_seed(settings.seed * 1_000_003 + state.step)
    alone = state.step < settings.discriminator_first
    with _autocast(device), torch.set_grad_enabled(not alone):
        out = pasted(state.generator, batch)
    seen = _discriminator_turn(state, batch, out.detach())
    if not alone:
        seen |= _generator_turn(state, batch, out, networks, settings)
        _follow(state.ema, state.generator, min(settings.ema, (state.step + 1) / (state.step + 10)))
    state.step += 1
    state.faces_seen += 0 if alone else batch.pixels.shape[0]
    return seen


def pasted(generator: nn.Module, batch: Batch) -> Tensor:
    """out = m * y + (1 - m) * x, (N, 3, S, S)."""
    face = generator(batch.context, batch.code, batch.expression).float()
    return batch.mask * face + (1 - batch.mask) * batch.pixels


def _discriminator_turn(state: State, batch: Batch, out: Tensor) -> dict[str, float]:
    with _autocast(out.device):
        (real, fake), context = augmented([batch.pixels, out], batch.context)
        logits_of_real = state.discriminator(real, context)[0].float()
        logits_of_fake = state.discriminator(fake, context)[0].float()
        loss = losses.discrimination(logits_of_real, logits_of_fake)
    _descend(loss, state.discriminator, state.discriminator_adam, clip=10.0)
    return {
        "discrimination": loss.item(),
        "real_less_fake": (logits_of_real.mean() - logits_of_fake.mean()).item(),
    }


def _generator_turn(
    state: State, batch: Batch, out: Tensor, networks: FrozenNetworks, settings: Settings
) -> dict[str, float]:
    weights = settings.weights
    with _autocast(out.device):
        terms = _terms(state, batch, out, networks, weights.margin)
    real = _ramp(state.step, settings.discriminator_first, settings.realism_over)
    identity = _ramp(state.step, settings.identity_from, settings.identity_over)
    ramps = {
        "realism": real,
        "features": real,
        "mean_features": real,
        "to_code": identity,
        "from_source": identity,
    }
    loss = torch.stack([getattr(weights, n) * ramps.get(n, 1.0) * term for n, term in terms.items()]).sum()
    for group in state.generator_adam.param_groups:
        group["lr"] = settings.rate * _ramp(state.step, settings.discriminator_first, settings.warm_up, 0.05)
    norm = _descend(loss, state.generator, state.generator_adam, settings.clip)
    return {"loss": loss.item(), "gradient": norm, **{name: term.item() for name, term in terms.items()}}


def _terms(
    state: State, batch: Batch, out: Tensor, networks: FrozenNetworks, margin: float
) -> dict[str, Tensor]:
    """Every term of the generator's loss by the name of its weight.

    The frozen networks take most of a step: the two small ones take turns, R sees the foreign rows only.
    """
    own, foreign, x = batch.own, ~batch.own, batch.pixels
    (real, fake), context = augmented([x, out], batch.context)
    with torch.no_grad():
        real_maps = state.discriminator(real, context)[1]
    logits, fake_maps = state.discriminator(fake, context)
    terms = {
        "realism": losses.realism(logits.float()),
        "light": losses.light_kept(out, x),
        "eyes_and_mouth": losses.eyes_and_mouth_kept(out, x, batch.focus),
    }
    if own.any():
        terms["reconstruction"] = losses.reconstruction(out[own], x[own], batch.mask[own], batch.focus[own])
        terms["features"] = losses.features_matched([m[own] for m in fake_maps], [m[own] for m in real_maps])
    if foreign.any():
        embedding = networks.embeddings(out[foreign], varied=True)
        terms["to_code"] = losses.identity_to_code(embedding, batch.code[foreign])
        terms["from_source"] = losses.identity_from_source(embedding, batch.source[foreign], margin)
        terms["mean_features"] = losses.mean_features_matched(
            [m[foreign] for m in fake_maps], [m[foreign] for m in real_maps]
        )
    view = View.drawn(len(x), x.shape[-1])
    if state.step % 2:
        with torch.no_grad():
            points = networks.points(x, view)
        terms["landmarks"] = losses.landmarks_kept(networks.points(out, view), points)
    else:
        with torch.no_grad():
            wanted, wanted_features = networks.expressions(x, view)
        log_probabilities, features = networks.expressions(out, view)
        terms["expression"] = losses.expression_kept(log_probabilities, wanted.exp())
        terms["expression_features"] = losses.expression_features_kept(features, wanted_features)
    return {name: term.float() for name, term in terms.items()}


def _descend(loss: Tensor, network: nn.Module, adam: torch.optim.Adam, clip: float) -> float:
    if not torch.isfinite(loss):
        raise FloatingPointError(f"the loss of {type(network).__name__} is {loss.item()}")
    parameters = list(network.parameters())
    gradients = torch.autograd.grad(loss, parameters, retain_graph=False)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    _average_over_processes(parameters)
    norm = float(nn.utils.clip_grad_norm_(parameters, clip))
    adam.step()
    return norm


def _average_over_processes(parameters: list[nn.Parameter]) -> None:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        for parameter in parameters:
            torch.distributed.all_reduce(parameter.grad, op=torch.distributed.ReduceOp.AVG)


def _follow(ema: nn.Module, generator: nn.Module, keep: float) -> None:
    with torch.no_grad():
        for slow, fast in zip(ema.parameters(), generator.parameters(), strict=True):
            slow.lerp_(fast, 1 - keep)


def _ramp(step: int, start: int, over: int, least: float = 0.0) -> float:
    return min(1.0, max(least, (step - start) / over if over else float(step >= start)))


def _autocast(device: torch.device) -> Any:
    """bf16 where the hardware multiplies it; elsewhere it is emulated and twenty times slower."""
    if device.type == "cuda":
        return torch.autocast("cuda", torch.bfloat16)
    return torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported())


def mean_statistics(steps: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of every statistic over the steps that had it, rounded for people."""
    names = sorted({name for step in steps for name in step})
    return {
        name: round(sum(values) / len(values), 4)
        for name in names
        if (values := [step[name] for step in steps if name in step])
    }
