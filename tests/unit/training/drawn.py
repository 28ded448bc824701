"""Drawn faces in WebDataset tars, and small networks with the answers' shapes of the real ones."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from epdcli.training.frozen import FrozenNetworks


def drawn_face(number: int, size: int = 256) -> np.ndarray:
    """A pale oval with eyes and a mouth, out of focus; every face has its own colours, RGB."""
    draw = np.random.default_rng(number)
    background, skin = draw.integers(40, 120, 3), draw.integers(150, 220, 3)
    face = np.full((size, size, 3), background, np.uint8)
    cv2.ellipse(face, (128, 150), (66, 88), 0, 0, 360, skin.tolist(), -1)
    for x in (98, 158):
        cv2.ellipse(face, (x, 110), (16, 9), 0, 0, 360, (245, 245, 245), -1)
        cv2.circle(face, (x, 110), 7, (10, 10, 30), -1)
    cv2.ellipse(face, (128, 190), (30, 12), 0, 0, 360, (120, 10, 30), -1)
    cv2.line(face, (128, 120), (128, 150), (60, 30, 30), 9)
    return cv2.GaussianBlur(face, (0, 0), 16)


def write_shard(path: Path, count: int, first: int = 0) -> None:
    """`count` drawn faces; every third one is cut at the forehead, as UTKFace's are."""
    with tarfile.open(path, "w") as tar:
        for number in range(first, first + count):
            top = 60 if number % 3 == 2 else -20
            record = {
                "source": f"drawn/Person_{number}/1.jpg",
                "score": 0.9,
                "landmarks": [[98, 110], [158, 110], [128, 145], [103, 180], [153, 180]],
                "quad": [[-20, top], [276, top], [276, 276], [-20, 276]],
            }
            jpg = cv2.imencode(".jpg", cv2.cvtColor(drawn_face(number), cv2.COLOR_RGB2BGR))[1].tobytes()
            for suffix, data in (("jpg", jpg), ("json", json.dumps(record).encode())):
                info = tarfile.TarInfo(f"{number:06d}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


class _Identity(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("weight", torch.randn(128, 3 * 64) / 8)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        seen = nn.functional.adaptive_avg_pool2d(image / 127.5 - 1, 8).flatten(1)
        return {"embedding": seen @ self.weight.T}


class _Expression(nn.Module):
    def forward(self, image: Tensor) -> dict[str, Tensor]:
        features = (
            nn.functional.adaptive_avg_pool2d(image / 255, 7).mean(1, keepdim=True).expand(-1, 256, 7, 7)
        )
        logits = features[:, :7].mean(dim=(2, 3)) * torch.arange(7)
        return {"logits": logits, "probabilities": logits.softmax(1), "features": features}


class _Landmarks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        angles = np.linspace(np.pi, 0, 17)
        jaw = [(0.5 + 0.45 * np.cos(a), 0.35 + 0.6 * np.sin(a)) for a in angles]
        brows = [(x, 0.1) for x in (0.15, 0.2, 0.25, 0.3, 0.35, 0.65, 0.7, 0.75, 0.8, 0.85)]
        nose = [(0.5, 0.2 + 0.07 * n) for n in range(4)] + [(0.42 + 0.04 * n, 0.45) for n in range(5)]
        eyes = [
            (x + dx, 0.15 + dy)
            for x in (0.28, 0.72)
            for dx, dy in ((-0.11, 0), (-0.04, -0.06), (0.04, -0.06), (0.11, 0), (0.04, 0.06), (-0.04, 0.06))
        ]
        turn = np.linspace(np.pi, 3 * np.pi, 13)[:-1]
        outer = [(0.5 + 0.21 * np.cos(a), 0.71 + 0.09 * np.sin(a)) for a in turn]
        turn = np.linspace(np.pi, 3 * np.pi, 9)[:-1]
        inner = [(0.5 + 0.12 * np.cos(a), 0.71 + 0.04 * np.sin(a)) for a in turn]
        points = np.array(jaw + brows + nose + eyes + outer + inner, np.float32)
        self.register_buffer("points", torch.from_numpy(points.reshape(1, 136)))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        return {"landmarks": self.points + image.mean(dim=(1, 2, 3))[:, None] * 1e-6}


def drawn_networks() -> FrozenNetworks:
    torch.manual_seed(5)
    return FrozenNetworks(_Identity(), _Expression(), _Landmarks())
