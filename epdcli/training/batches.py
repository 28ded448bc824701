"""Batches: faces drawn as structures, with codes, ready before the step asks for them.

Batch number n is a function of the seed and n alone, so a resumed run sees what it would have seen.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from epdcli.faces.structure import draw, feather
from epdcli.model import Mask, Points
from epdcli.training.codes import TrainingCodes
from epdcli.training.data import Faces

_FEATURES = (slice(36, 42), slice(42, 48), slice(48, 60))  # eyes and mouth


@dataclass(frozen=True, eq=False)
class Batch:
    """`pixels` (N, 3, S, S) in -1..1; `context`, `code`, `expression` as the generator takes them; `own` (N,)
    says which rows are to be reconstructed; `mask` and `focus` (N, 1, S, S) in 0..1: what is replaced, and
    eyes and mouth within it; `source` (N, 128): R's embedding of the original.
    """

    pixels: Tensor
    context: Tensor
    code: Tensor
    expression: Tensor
    own: Tensor
    mask: Tensor
    focus: Tensor
    source: Tensor

    def to(self, device: torch.device) -> Batch:
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)}
        for name in ("pixels", "context"):
            moved[name] = moved[name].contiguous(memory_format=torch.channels_last)
        return Batch(**moved)


def training_batch(
    faces: Faces, codes: TrainingCodes, size: int, own_share: float, seed: tuple[int, int]
) -> Batch:
    """A random batch, half of it mirrored; its first rows (`own_share` of them) carry their own code. Same
    seed, same batch."""
    random = np.random.default_rng(seed)
    chosen = random.choice(np.flatnonzero(~faces.held_out), size, replace=False)
    own = np.arange(size) < round(size * own_share)
    code = [faces.embeddings[n] if o else codes.foreign(random) for n, o in zip(chosen, own, strict=True)]
    batch = assembled(faces, chosen, np.stack(code), own)
    return _mirrored(batch, torch.from_numpy(random.random(size) < 0.5))


def assembled(faces: Faces, chosen: np.ndarray, code: np.ndarray, own: np.ndarray) -> Batch:
    """The batch of the faces numbered `chosen`, with `code` (n, 128)."""
    structures = [draw(faces.crossing(n), faces.pixels[n]) for n in chosen]
    masks = [
        feather(s.hull) * _polygon(faces.quads[n], faces.size)
        for n, s in zip(chosen, structures, strict=True)
    ]
    focus = [_focus(s.landmarks, faces.size) * mask for s, mask in zip(structures, masks, strict=True)]
    pixels = np.stack([faces.pixels[n] for n in chosen]).transpose(0, 3, 1, 2)
    return Batch(
        pixels=torch.from_numpy(pixels / np.float32(127.5) - 1),
        context=torch.from_numpy(np.stack([s.context for s in structures])),
        code=torch.from_numpy(np.asarray(code, np.float32)),
        expression=torch.from_numpy(np.stack([s.expression for s in structures])),
        own=torch.from_numpy(np.asarray(own)),
        mask=torch.from_numpy(np.stack(masks))[:, None],
        focus=torch.from_numpy(np.stack(focus))[:, None],
        source=torch.from_numpy(faces.embeddings[chosen]),
    )


def _mirrored(batch: Batch, rows: Tensor) -> Batch:
    """The batch with these rows' pictures mirrored: R, the code and the expression know no left and right."""
    turned = {name: getattr(batch, name).clone() for name in ("pixels", "context", "mask", "focus")}
    for picture in turned.values():
        picture[rows] = picture[rows].flip(-1)
    return replace(batch, **turned)


def prefetched(make: Callable[[int], Batch], first: int, ahead: int = 3) -> Iterator[Batch]:
    """`make(first)`, `make(first + 1)`, ... for ever, made in a thread so that the device never waits.

    An exception of `make` is raised where the batch would have come.
    """
    ready: queue.Queue[Batch | BaseException] = queue.Queue(ahead)
    stopped = threading.Event()

    def put(item: Batch | BaseException) -> None:
        while not stopped.is_set():
            try:
                return ready.put(item, timeout=1)
            except queue.Full:
                continue

    def work() -> None:
        number = first
        try:
            while not stopped.is_set():
                put(make(number))
                number += 1
        except BaseException as error:  # handed over, to be raised in the loop
            put(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()


def _polygon(corners: Points, size: int) -> Mask:
    canvas = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(canvas, np.round(corners).astype(np.int32), 255)
    return np.asarray(canvas / np.float32(255), np.float32)


def _focus(landmarks: Points, size: int) -> Mask:
    canvas = np.zeros((size, size), np.uint8)
    for part in _FEATURES:
        cv2.fillConvexPoly(canvas, cv2.convexHull(np.round(landmarks[part]).astype(np.int32)), 255)
    side = 2 * (size // 64) + 1
    wider = cv2.dilate(canvas, np.ones((side, side), np.uint8))
    return np.asarray(cv2.blur(wider, (side, side)) / np.float32(255), np.float32)
