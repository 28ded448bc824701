"""Trains the endings of the synthesis network on its own pictures, shrunk: pairs that cost nothing.

    python weights/distil_endings.py pairs random_face/data synthesis.onnx PAIRS
    python weights/distil_endings.py train random_face/data PAIRS --level 4

`pairs` keeps features and pictures of people who do not exist (8 MB each); `train` writes
PAIRS/ending_LEVEL.npz for convert_synthesis.py, and goes on where it was stopped. Needs OpenVINO and PyTorch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor

from check_synthesis import drawn_styles
from convert_synthesis import LEVELS
from ending import Ending
from openvino_ir import Constants

_LEVELS = (3, 4, 5)  # that pictures of 128, 256 and 512 px are made of
_CROP = 64  # side of the features that are kept of a face, at a place of its own
_HELD_OUT = 32  # faces, of which the whole is kept
_SIDE = 512  # of the pictures
_BATCH = 4
_RIM = 6  # pixels of a crop that know too little of what lies around
_KEPT = {
    True: 0.75,
    False: 0.5,
}  # details for each mean: of the first level after the features, of the others

app = typer.Typer(add_completion=False)


@app.command()
def pairs(data: Path, network: Path, folder: Path, count: int = 640, seed: int = 5, threads: int = 2) -> None:
    """Run the NETWORK (synthesis.onnx) on COUNT styles of the mapping network in DATA."""
    folder.mkdir(parents=True, exist_ok=True)
    features = [f"m.layers.{level}.conv1.0" for level in _LEVELS]
    bands = [f"m.layers.{level - 1}.conv2.{band} scaled" for level in range(4, LEVELS) for band in range(4)]
    run = _opened(network, [*features, *bands, "image"], threads)
    styles = drawn_styles(data, count, seed)
    places = np.random.default_rng(seed).random((count, 2))
    np.savez(folder / "styles.npz", styles=styles, places=places)
    pictures = _created(folder / "pictures.npy", np.uint8, (count, _SIDE, _SIDE, 3))
    stored: dict[str, Any] = {}
    energy = {str(level): np.zeros(0) for level in range(4, LEVELS)}
    for face, style in enumerate(styles):
        made = run(style)
        for level, name in zip(_LEVELS, features, strict=True):
            whole = face < _HELD_OUT
            values = made[name] if whole else _crop(made[name], _corner(places[face], level))
            if face in (0, _HELD_OUT):
                rows = _HELD_OUT if whole else count - _HELD_OUT
                stored[name] = _created(_file(folder, level, whole), np.float16, (rows, *values.shape))
            stored[name][face if whole else face - _HELD_OUT] = values
        if face < _HELD_OUT:
            for later, sums in energy.items():
                names = [f"m.layers.{int(later) - 1}.conv2.{band} scaled" for band in range(4)]
                squares = np.concatenate([np.square(made[name]).mean((1, 2)) for name in names])
                energy[later] = squares + (sums if face else 0)
        pixels = np.clip((made["image"].transpose(1, 2, 0) + 1) * 127.5, 0, 255)
        pictures[face] = np.round(cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA))
    np.savez(folder / "energy.npz", allow_pickle=False, **energy)


@app.command()
def train(
    data: Path,
    folder: Path,
    level: Annotated[int, typer.Option(help="3: pictures of 128 px, 4: of 256, 5: of 512.")],
    minutes: Annotated[float, typer.Option(help="In all, those before an interruption counted.")] = 15,
    rate: float = 4e-3,
    threads: int = 2,
) -> None:
    """Train the ending that begins at LEVEL on the pairs in FOLDER."""
    torch.set_num_threads(threads)
    constants = Constants.read(data / "SynthesisNetwork.xml")
    faces = _Faces.read(folder, level)
    ending = Ending(constants, level, _kept(constants, folder, level))
    groups = [{"params": [p], "size": p.detach().square().mean().sqrt().item()} for p in ending.parameters()]
    optimizer = torch.optim.Adam(groups, lr=rate, betas=(0.9, 0.98))
    state, step, spent = folder / f"ending_{level}.pt", 0, 0.0
    if state.exists():
        saved = torch.load(state)
        ending.load_state_dict(saved["ending"])
        optimizer.load_state_dict(saved["optimizer"])
        step, spent = saved["step"], saved["spent"]
    print(f"at {step} steps: {faces.decibels(ending):.2f} dB", flush=True)
    generator = np.random.default_rng(step)
    told = last = time.monotonic()
    while spent < 60 * minutes:
        share = spent / (60 * minutes)
        for group in optimizer.param_groups:  # steps are a share of what a tensor holds
            group["lr"] = (
                rate * group["size"] * min(1, (step + 1) / 30) * (0.51 + 0.49 * np.cos(np.pi * share))
            )
        loss = faces.loss(ending, generator)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        step, now = step + 1, time.monotonic()
        spent, last = spent + min(now - last, 5), now  # not what it was stopped for
        if now - told > 60 or spent >= 60 * minutes:
            print(f"{step} steps, {spent:.0f} s: {faces.decibels(ending):.2f} dB", flush=True)
            _save(state, ending, optimizer, step, spent)
            told = last = time.monotonic()
    np.savez(folder / f"ending_{level}.npz", allow_pickle=False, **ending.arrays())


@dataclass(frozen=True)
class _Faces:
    """Pairs of one level: the first are whole and held out."""

    level: int
    styles: Tensor
    places: NDArray[np.float64]
    whole: NDArray[np.float16]
    crops: NDArray[np.float16]
    pictures: NDArray[np.uint8]  # of twice the features' side

    @classmethod
    def read(cls, folder: Path, level: int) -> _Faces:
        pictures, side = np.load(folder / "pictures.npy", mmap_mode="r"), 16 << level
        shrunk = folder / f"pictures_{side}.npy"
        if side < _SIDE and not shrunk.exists():
            small = [cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA) for one in pictures]
            np.save(shrunk, np.stack(small))
        with np.load(folder / "styles.npz") as stored:
            return cls(
                level,
                torch.from_numpy(stored["styles"]),
                stored["places"],
                np.load(_file(folder, level, whole=True), mmap_mode="r"),
                np.load(_file(folder, level, whole=False), mmap_mode="r"),
                pictures if side == _SIDE else np.load(shrunk, mmap_mode="r"),
            )

    def loss(self, ending: Ending, generator: np.random.Generator) -> Tensor:
        crops = np.sort(generator.choice(len(self.crops), _BATCH, replace=False))
        faces, side = crops + _HELD_OUT, 2 * self.crops.shape[-1]
        corners = [_corner(self.places[face], self.level) for face in faces]
        wanted = [
            self.pictures[face, 2 * top : 2 * top + side, 2 * left : 2 * left + side]
            for face, (top, left) in zip(faces, corners, strict=True)
        ]
        made = ending(_features(self.crops[crops]), self.styles[faces], corners)
        gap = (made - _picture(np.stack(wanted)))[:, :, _RIM:-_RIM, _RIM:-_RIM]
        return gap.square().mean() + 0.02 * gap.abs().mean()

    def decibels(self, ending: Ending, count: int = 12) -> float:
        """Mean peak signal to noise ratio of pictures of faces held out."""
        found = []
        with torch.inference_mode():
            for face in range(count):
                row = slice(face, face + 1)
                made = ending(_features(self.whole[row]), self.styles[row]).clamp(-1, 1)
                found.append((made - _picture(self.pictures[row])).square().mean().item() / 4)
        return float(np.mean(-10 * np.log10(found)))


def _kept(constants: Constants, folder: Path, level: int) -> Mapping[int, NDArray[np.int64]]:
    """Of each later level's input all means, and the details that count most in its first convolution."""
    kept = {}
    with np.load(folder / "energy.npz") as energy:
        for later in range(level + 1, LEVELS):
            name = f"m.layers.{later}.conv1"
            weight = constants.layer_with_bias(f"{name}.bias").weight
            means = weight.shape[1]
            reach = np.square(weight).sum((0, 2, 3)) * np.square(
                constants[f"{name}.conv.weight_dw"].reshape(means, -1)
            ).sum(1)
            counts = energy[str(later)] * np.tile(reach, 4)
            details = np.argsort(-counts[means:])[: int(_KEPT[later == level + 1] * means)] + means
            kept[later] = np.concatenate([np.arange(means), np.sort(details)])
    return kept


def _opened(network: Path, names: list[str], threads: int) -> Any:
    import openvino

    core = openvino.Core()
    model = core.read_model(network)
    outputs = {name: output for node in model.get_ops() for output in node.outputs() for name in output.names}
    cut = openvino.Model([outputs[name] for name in names], model.get_parameters())
    cut.reshape({"styles": [1, 23, 512]})
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads}
    request = core.compile_model(cut, "CPU", settings).create_infer_request()

    def run(style: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        request.infer([np.repeat(style[None, None], 23, axis=1)])
        return {name: request.get_output_tensor(number).data[0] for number, name in enumerate(names)}

    return run


def _corner(place: NDArray[np.float64], level: int) -> tuple[int, int]:
    top, left = (place * ((8 << level) - _CROP + 1)).astype(int)
    return int(top), int(left)


def _crop(features: NDArray[np.float32], corner: tuple[int, int]) -> NDArray[np.float32]:
    top, left = corner
    return features[:, top : top + _CROP, left : left + _CROP]


def _file(folder: Path, level: int, whole: bool) -> Path:
    return folder / f"features_{level}_{'whole' if whole else 'crops'}.npy"


def _created(path: Path, kind: Any, shape: tuple[int, ...]) -> Any:
    return np.lib.format.open_memmap(path, "w+", kind, shape)


def _features(values: NDArray[np.float16]) -> Tensor:
    tensor = torch.from_numpy(values.astype(np.float32))
    return tensor.contiguous(memory_format=torch.channels_last)


def _picture(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32)) / 127.5 - 1


def _save(path: Path, ending: Ending, optimizer: torch.optim.Optimizer, step: int, spent: float) -> None:
    part = path.with_suffix(".part")
    state = {"ending": ending.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "spent": spent}
    torch.save(state, part)
    part.replace(path)


if __name__ == "__main__":
    app()
