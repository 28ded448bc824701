"""The inversion attack: a small U-Net learns to undo the tool on half of the people, is tried on the rest.

Eleven of fifteen published methods are partly reversible in this way (issue 12).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from epdcli import pictures
from epdcli.evaluation.judges import Judge
from epdcli.faces.alignment import FRAME, TEMPLATE_256, align

if TYPE_CHECKING:
    import torch

    from epdcli.evaluation.bench import Subject

INVERSION = "inversion"
SIDE = 128  # pixels of the aligned faces
_WIDTHS = (16, 32, 64)
_STEPS, _BATCH, _RATE = 400, 12, 3e-3

Faces = NDArray[np.uint8]  # n x SIDE x SIDE x 3


@dataclass(frozen=True)
class Effort:
    """How long the attacker trains; the defaults take one to three minutes a set on two cores."""

    steps: int = _STEPS
    batch: int = _BATCH


def aligned_faces(subject: Subject, number: int, chosen: NDArray[np.bool_]) -> Faces:
    """The main faces of the chosen pictures of a set, upright, by the originals' landmarks."""
    files = subject.sets[number].files
    return np.stack(
        [
            align(pictures.read(path).frames[0], subject.mains[i].face, SIDE).pixels
            for i in np.flatnonzero(chosen)
            if (path := files[i]) is not None
        ]
    )


def learn_to_invert(
    hidden: Faces, clear: Faces, seed: int, effort: Effort, advance: Callable[[int], None]
) -> torch.nn.Module:
    """A U-Net that was trained to paint `clear` from `hidden`, with the absolute difference as its loss."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = _unet()
        adam = torch.optim.Adam(network.parameters(), lr=_RATE)
        rates = torch.optim.lr_scheduler.CosineAnnealingLR(adam, effort.steps)
        random = np.random.default_rng(seed)
        for _ in range(effort.steps):
            drawn = random.integers(0, len(hidden), effort.batch)
            mirrored = slice(None, None, -1 if random.random() < 0.5 else 1)
            given, wanted = (_tensor(faces[drawn][:, :, mirrored]) for faces in (hidden, clear))
            loss = (network(given) - wanted).abs().mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
            rates.step()
            advance(1)
    return network.eval()


def restored(network: torch.nn.Module, hidden: Faces) -> Faces:
    """What the network makes of de-identified faces."""
    import torch

    with torch.inference_mode():
        parts = [network(_tensor(hidden[i : i + 16])) for i in range(0, len(hidden), 16)]
    levels = torch.cat(parts).clamp(-1, 1).permute(0, 2, 3, 1).numpy() * 127.5 + 127.5
    return np.rint(levels).astype(np.uint8)


def embeddings_of(judge: Judge, faces: Faces) -> NDArray[np.float32]:
    """A recogniser's answers on aligned faces, one at a time: (n, d)."""
    points = (TEMPLATE_256 * (SIDE / FRAME)).astype(np.float32)
    return np.concatenate([judge.ask([(face, points)]) for face in faces])


def _tensor(faces: Faces) -> torch.Tensor:
    import torch

    levels = np.ascontiguousarray(faces.transpose(0, 3, 1, 2), np.float32)
    return torch.from_numpy(levels / np.float32(127.5) - 1)  # (n, 3, SIDE, SIDE), -1..1


def _unet() -> torch.nn.Module:
    """Three scales from half the resolution down, 0.2 million parameters; it starts as the identity: its
    answer is added to its input."""
    import torch
    from torch.nn import functional as F

    class UNet(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = _block(4 * 3, _WIDTHS[0])
            self.down = torch.nn.ModuleList(_block(a, b, stride=2) for a, b in pairwise(_WIDTHS))
            self.up = torch.nn.ModuleList(_block(a + b, a) for a, b in pairwise(_WIDTHS))
            self.last = torch.nn.Conv2d(_WIDTHS[0], 4 * 3, 1)
            torch.nn.init.zeros_(self.last.weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            maps = [self.first(F.pixel_unshuffle(x, 2))]  # (n, 16, 64, 64), (n, 32, 32, 32), ...
            for block in self.down:
                maps.append(block(maps[-1]))
            y = maps.pop()
            for block in reversed(self.up):
                y = block(torch.cat([maps.pop(), F.interpolate(y, scale_factor=2.0)], dim=1))
            return x + F.pixel_shuffle(self.last(y), 2)

    return UNet()


def _block(before: int, after: int, stride: int = 1) -> torch.nn.Module:
    import torch

    return torch.nn.Sequential(
        torch.nn.Conv2d(before, after, 3, stride, 1), torch.nn.GroupNorm(4, after), torch.nn.SiLU(),
        torch.nn.Conv2d(after, after, 3, 1, 1), torch.nn.GroupNorm(4, after), torch.nn.SiLU(),
    )  # fmt: skip
