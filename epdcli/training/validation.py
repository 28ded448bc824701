"""Held-out faces: figures by the training networks, and a sheet to look at. No judge ever comes here."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from epdcli.training.batches import Batch, assembled
from epdcli.training.codes import TrainingCodes
from epdcli.training.data import Faces
from epdcli.training.frozen import FrozenNetworks, View
from epdcli.training.step import pasted

_SHEET_FACES = 12
_AT_ONCE = 16
_VIEWS = 4


def held_out_batches(faces: Faces, codes: TrainingCodes, most: int = 200, seed: int = 1) -> list[Batch]:
    """The held-out faces, each with a code of nobody; the same faces and codes at every call."""
    random = np.random.default_rng(seed)
    chosen = np.flatnonzero(faces.held_out)[:most]
    code = np.stack([codes.nobody(random) for _ in chosen]) if len(chosen) else np.zeros((0, 128))
    parts = [slice(n, n + _AT_ONCE) for n in range(0, len(chosen), _AT_ONCE)]
    return [assembled(faces, chosen[p], code[p], np.zeros(len(chosen[p]), bool)) for p in parts]


@torch.no_grad()
def figures(generator: nn.Module, batches: list[Batch], networks: FrozenNetworks) -> dict[str, float]:
    """Means over the held-out faces: cosine to the source and to the code, the share whose expression class
    stays (in the product's own crop, and through random views, the same at every call), and the mean distance
    of the 68 landmarks over that of the outer eye corners."""
    names = ("to_source", "to_code", "expression", "expression_in_views", "landmarks")
    rows: dict[str, list[float]] = {name: [] for name in names}
    for number, batch in enumerate(batches):
        out = pasted(generator, batch)
        embedding = networks.embeddings(out)
        rows["to_source"] += (embedding * batch.source).sum(1).tolist()
        rows["to_code"] += (embedding * batch.code).sum(1).tolist()
        same = networks.expressions(out)[0].argmax(1) == batch.expression.argmax(1)
        rows["expression"] += same.float().tolist()
        rows["expression_in_views"] += _kept_in_views(networks, batch.pixels, out, number)
        before, after = networks.points(batch.pixels), networks.points(out)
        eyes = (before[:, 36] - before[:, 45]).norm(dim=1, keepdim=True)
        rows["landmarks"] += ((before - after).norm(dim=2) / eyes).mean(1).tolist()
    return {name: round(float(np.mean(values)), 4) for name, values in rows.items()}


def _kept_in_views(networks: FrozenNetworks, before: Tensor, after: Tensor, seed: int) -> list[float]:
    kept = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for _ in range(_VIEWS):
            view = View.drawn(len(before), before.shape[-1])
            classes = [networks.expressions(faces, view)[0].argmax(1) for faces in (before, after)]
            kept += (classes[0] == classes[1]).float().tolist()
    return kept


@torch.no_grad()
def write_sheet(generator: nn.Module, batches: list[Batch], path: Path) -> None:
    """A PNG of fixed held-out faces: the original, the face of its own code's draw, and of a second one."""
    batch = batches[0]
    shown = slice(0, _SHEET_FACES)
    second = Batch(**{**vars(batch), "code": batch.code.flip(0)})
    rows = [batch.pixels, pasted(generator, batch), pasted(generator, second)]
    sheet = np.concatenate([_side_by_side(row[shown].cpu().numpy()) for row in rows], axis=0)
    cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))


def _side_by_side(pictures: NDArray[np.float32]) -> NDArray[np.uint8]:
    coloured = np.clip(np.round((pictures + 1) * 127.5), 0, 255).astype(np.uint8)
    return np.concatenate(list(coloured.transpose(0, 2, 3, 1)), axis=1)
