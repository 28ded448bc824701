"""From a checkpoint to the files that last: what the product runs, and what the next run starts from."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from epdcli.training.checkpoint import State
from epdcli.training.discriminator import Discriminator
from epdcli.training.network import Generator, start_from, weights_of


def export_generator(checkpoint: Path, path: Path) -> None:
    """Write the EMA weights of `checkpoint` (or of an exported generator) as ONNX, opset 17, dynamic batch.

    Inputs `context` (N, 17, S, S), `code` (N, 128), `expression` (N, 7); output `face` (N, 3, S, S); float32.
    """
    write_onnx(generator_with(weights_of(checkpoint), checkpoint), path)


def generator_with(weights: dict[str, Tensor], file: Path) -> Generator:
    """A generator of the size and inputs that `weights`, read from `file`, are for.

    Raises `ValueError` where some are missing.
    """
    size = 256 if "border_in.weight" in weights else 128
    generator = Generator(size, channels=weights["e1.weight"].shape[1] // 4)
    if new := start_from(generator, weights):
        raise ValueError(f"{file} lacks {', '.join(new)}")
    return generator


def write_onnx(generator: Generator, path: Path) -> None:
    """Trace `generator` on the CPU and write it beside `path`, then rename."""
    plain = Generator(generator.size, channels=generator.e1.in_channels // 4)
    plain.load_state_dict({name: tensor.cpu() for name, tensor in generator.state_dict().items()})
    size, channels = plain.size, plain.e1.in_channels // 4
    beside = path.with_suffix(".part")
    torch.onnx.export(
        plain.eval(),
        (torch.zeros(2, channels, size, size), torch.zeros(2, 128), torch.zeros(2, 7)),
        str(beside),
        input_names=["context", "code", "expression"],
        output_names=["face"],
        dynamic_axes={name: {0: "N"} for name in ("context", "code", "expression", "face")},
        opset_version=17,
        dynamo=False,
    )
    beside.replace(path)


def write_networks(state: State, folder: Path) -> None:
    """Write `generator.onnx` (the EMA weights) and `discriminator.pt` (in half precision), which the product
    has no use for, but a run that starts from this generator has."""
    write_onnx(state.ema, folder / "generator.onnx")
    halves = {name: tensor.cpu().half() for name, tensor in state.discriminator.state_dict().items()}
    beside = folder / "discriminator.part"
    torch.save(halves, beside)
    beside.replace(folder / "discriminator.pt")


def read_discriminator(discriminator: Discriminator, path: Path) -> None:
    """Take over a `discriminator.pt`, or the discriminator of a checkpoint.

    Raises `ValueError` where the file holds another network.
    """
    stored = torch.load(path, map_location="cpu", weights_only=True)
    try:
        discriminator.load_state_dict(stored.get("discriminator", stored))
    except RuntimeError as error:
        raise ValueError("these are not the weights of a discriminator") from error
