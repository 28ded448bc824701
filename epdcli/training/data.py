"""Training faces: WebDataset tars in, measured faces out.

`prepare.py` of the shared data writes the tars: KEY.jpg, an aligned crop, and KEY.json with its source, five
landmarks and `quad`, the corners of the source picture in the crop (what lies outside is repeated border).
Everything that a step needs and that never changes is measured once and kept in a cache folder: pixels at
training size, the numbers that cross, R's embedding. A step then only draws.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from epdcli.errors import UsageError
from epdcli.faces.structure import Crossing, expression_crop, landmarks_from_network, what_crosses
from epdcli.model import Pixels
from epdcli.training.frozen import FrozenNetworks

_WHOLE_HEAD = np.array([(28, 20), (100, 20), (100, 116), (28, 116)], np.float32) / 128  # of the frame
_NUMBERS = ("landmarks", "expression", "means", "irises", "interiors", "detail", "glimpses")
_HELD_OUT_OF = 64  # one group in so many is never trained on


@dataclass(frozen=True, eq=False)
class Faces:
    """All measured faces; `pixels` (n, S, S, 3) uint8 is a memory map, the rest lies in memory.

    `numbers` holds the fields of `Crossing` by name, `quads` (n, 4, 2) in pixels of the frame, `embeddings`
    (n, 128) of unit length, `held_out` (n,) says which faces only measure.
    """

    pixels: NDArray[np.uint8]
    numbers: dict[str, NDArray[np.float32]]
    embeddings: NDArray[np.float32]
    quads: NDArray[np.float32]
    held_out: NDArray[np.bool_]

    @property
    def size(self) -> int:
        return int(self.pixels.shape[1])

    def crossing(self, number: int) -> Crossing:
        return Crossing(size=self.size, **{name: self.numbers[name][number] for name in _NUMBERS})


def measured_faces(
    shards: Path, cache: Path, size: int, networks: FrozenNetworks, cut_faces_kept: int = 5
) -> Faces:
    """The faces under `shards` at `size` pixels, from the cache if it was built from the same tars.

    All faces that hold the whole head are kept, and one in `cut_faces_kept` of the others, whose loss is
    masked where the picture ends. Raises `UsageError` where there are no tars.
    """
    tars = sorted(shards.glob("*.tar"))
    if not tars:
        raise UsageError(
            f"There are no .tar files in {shards}.", hint="docs/training.md says how to make them."
        )
    made_from = json.dumps([size, cut_faces_kept, *((tar.name, tar.stat().st_size) for tar in tars)])
    folder = cache / f"faces-{size}-{hashlib.sha256(made_from.encode()).hexdigest()[:12]}"
    if not folder.is_dir():
        building = folder.with_suffix(".part")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        samples = (sample for tar in tars for sample in read_shard(tar))
        _build(_kept(samples, cut_faces_kept), building, size, networks)
        building.rename(folder)
    return _load(folder)


def read_shard(tar: Path) -> Iterator[tuple[Pixels, dict[str, Any]]]:
    """The samples of one WebDataset tar, read once from front to back: RGB pixels and the JSON record."""
    waiting: dict[str, bytes] = {}
    with tarfile.open(tar) as archive:
        for member in archive:
            key, _, kind = member.name.rpartition(".")
            stored = archive.extractfile(member)
            if stored is None:
                continue
            waiting[kind] = stored.read()
            if {"jpg", "json"} <= waiting.keys():
                pixels = cv2.imdecode(np.frombuffer(waiting["jpg"], np.uint8), cv2.IMREAD_COLOR)
                if pixels is None:
                    raise UsageError(f"{tar} holds a picture that can't be decoded: {key}.jpg.")
                yield cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8), json.loads(waiting["json"])
                waiting = {}


def is_held_out(source: str) -> bool:
    """Whether a face only measures: decided by its person (`set/Person/file`) or else by its file."""
    group = source.rpartition("/")[0] if source.count("/") > 1 else source
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % _HELD_OUT_OF == 0


def _kept(
    samples: Iterable[tuple[Pixels, dict[str, Any]]], cut_faces_kept: int
) -> Iterator[tuple[Pixels, dict[str, Any]]]:
    cut = 0
    for pixels, record in samples:
        quad = np.array(record["quad"], np.float32) / pixels.shape[0]
        if not all(cv2.pointPolygonTest(quad, tuple(map(float, p)), False) >= 0 for p in _WHOLE_HEAD):
            cut += 1
            if cut % cut_faces_kept:
                continue
        yield pixels, record


def _build(
    samples: Iterator[tuple[Pixels, dict[str, Any]]], folder: Path, size: int, networks: FrozenNetworks
) -> None:
    measured: dict[str, list[Any]] = {name: [] for name in (*_NUMBERS, "embeddings", "quads", "held_out")}
    with (folder / "pixels.raw").open("wb") as raw:
        while group := tuple(islice(samples, 64)):
            for (pixels, record), numbers in zip(group, _measured(group, size, networks), strict=True):
                raw.write(numbers.pop("pixels").tobytes())
                numbers["quads"] = np.array(record["quad"], np.float32) * (size / pixels.shape[0])
                numbers["held_out"] = is_held_out(record["source"])
                for name, value in numbers.items():
                    measured[name].append(value)
    arrays: dict[str, Any] = {name: np.array(values) for name, values in measured.items()}
    np.savez(folder / "numbers.npz", size=np.array(size), **arrays)


def _measured(
    group: tuple[tuple[Pixels, dict[str, Any]], ...], size: int, networks: FrozenNetworks
) -> Iterator[dict[str, Any]]:
    faces = [
        cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8) for pixels, _ in group
    ]
    device = next(networks.identity.buffers()).device
    with torch.no_grad():
        crops = torch.from_numpy(np.stack([expression_crop(face) for face in faces])).to(device)
        points = networks.landmarks(image=crops)["landmarks"].cpu().numpy()
        expressions = networks.expression(image=crops)["probabilities"].cpu().numpy()
        signed = torch.from_numpy(np.stack(faces)).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1
        embeddings = networks.embeddings(signed).cpu().numpy()
    for face, output, expression, embedding in zip(faces, points, expressions, embeddings, strict=True):
        crossing = what_crosses(face, landmarks_from_network(output, size), expression)
        yield {
            "pixels": face,
            "embeddings": embedding,
            **{name: getattr(crossing, name) for name in _NUMBERS},
        }


def _load(folder: Path) -> Faces:
    with np.load(folder / "numbers.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    size = int(arrays["size"])
    return Faces(
        pixels=np.memmap(folder / "pixels.raw", np.uint8, "r").reshape(-1, size, size, 3),
        numbers={name: arrays[name] for name in _NUMBERS},
        embeddings=arrays["embeddings"],
        quads=arrays["quads"],
        held_out=arrays["held_out"],
    )
