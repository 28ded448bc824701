"""The state of a run, on disk in one file, written beside and renamed."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from epdcli.training.discriminator import Discriminator
from epdcli.training.network import Generator
from epdcli.training.settings import Settings


@dataclass(eq=False)
class State:
    """Everything that changes while training. Random draws depend on the step's number only, so no random
    state belongs to it."""

    generator: Generator
    ema: Generator
    discriminator: Discriminator
    generator_adam: torch.optim.Adam
    discriminator_adam: torch.optim.Adam
    step: int = 0
    faces_seen: int = 0


def new_state(settings: Settings, device: torch.device) -> State:
    """A fresh run: networks in channels_last on `device`, Adam (.5, .99) for both."""
    torch.manual_seed(settings.seed)
    generator = Generator(settings.size)
    discriminator = Discriminator()
    for network in (generator, discriminator):
        network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return State(
        generator=generator,
        ema=copy.deepcopy(generator).requires_grad_(False).eval(),
        discriminator=discriminator,
        generator_adam=torch.optim.Adam(generator.parameters(), settings.rate, (0.5, 0.99)),
        discriminator_adam=torch.optim.Adam(
            discriminator.parameters(), settings.discriminator_rate, (0.5, 0.99)
        ),
    )


def save(state: State, settings: Settings, path: Path) -> None:
    """Write the checkpoint `path`; an interruption leaves the old one whole."""
    parts = {name: part.state_dict() for name, part in _parts(state).items()}
    beside = path.with_suffix(".part")
    torch.save(
        {
            **parts,
            "step": state.step,
            "faces_seen": state.faces_seen,
            "settings": dataclasses.asdict(settings),
        },
        beside,
    )
    beside.replace(path)


def restore(state: State, path: Path) -> dict[str, Any]:
    """Bring `state` to where the checkpoint was; the next step is the very step that would have come.

    Returns the settings that it was made with.
    """
    stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    for name, part in _parts(state).items():
        part.load_state_dict(stored[name])
    state.step, state.faces_seen = stored["step"], stored["faces_seen"]
    return dict(stored["settings"])


def _parts(state: State) -> dict[str, nn.Module | torch.optim.Adam]:
    return {
        "generator": state.generator,
        "ema": state.ema,
        "discriminator": state.discriminator,
        "generator_adam": state.generator_adam,
        "discriminator_adam": state.discriminator_adam,
    }
