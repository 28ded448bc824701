"""Compares the network `synthesis` of `epd_weights` with the OpenVINO IR it came from, on every backend.

    python weights/check_synthesis.py random_face/data

The folder is the wheel's, with MappingNetwork and SynthesisNetwork. Styles are what the mapping network makes
of normal numbers. Needs OpenVINO, and the other backends to compare those.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from epdcli.errors import BackendNotInstalled
from epdcli.networks import load_network
from epdcli.runtimes import find_backends, load_backend

Floats = NDArray[np.float32]

_LAYERS, _COARSE = 23, 8


def main(
    data: Annotated[Path, typer.Argument(help="The folder of the two networks.")],
    count: Annotated[int, typer.Option(help="How many styles.")] = 10,
    seed: Annotated[int, typer.Option()] = 1,
    golden: Annotated[Path | None, typer.Option(help="Only write a golden input here (.npz).")] = None,
) -> None:
    """Print the largest and the root mean square difference in grey levels of 255."""
    styles = drawn_styles(data, count, seed)
    inputs = [np.repeat(style[None, None], _LAYERS, axis=1) for style in styles]
    if golden:  # the coarse layers of one person, the fine ones of another
        mixed = np.concatenate([inputs[0][:, :_COARSE], inputs[1][:, _COARSE:]], axis=1)
        np.savez_compressed(golden, allow_pickle=False, styles=mixed)
        return
    network = load_network("synthesis")
    original = _compiled(data / "SynthesisNetwork.xml")
    pictures = [original([style[None]])[0] for style in styles]
    for name in find_backends():
        backend = load_backend(name)
        try:
            backend.probe()
        except BackendNotInstalled as missing:
            print(f"{name}: {missing}")
            continue
        session = backend.open(network, "cpu")
        gaps = [
            127.5 * (session.run({"styles": given})["image"] - picture)
            for given, picture in zip(inputs, pictures, strict=True)
        ]
        largest = max(float(np.abs(gap).max()) for gap in gaps)
        rms = float(np.sqrt(np.mean([np.square(gap).mean() for gap in gaps])))
        print(f"{name}: {largest:.2f} at most, root mean square {rms:.3f}, of 255")
        session.close()


def drawn_styles(data: Path, count: int, seed: int) -> Floats:
    """Styles of people who do not exist, count x 512."""
    mapping = _compiled(data / "MappingNetwork.xml")
    noise = np.random.default_rng(seed).normal(size=(count, 1, 512)).astype(np.float32)
    return np.concatenate([mapping([one])[0] for one in noise])


def _compiled(network: Path) -> Any:
    import openvino

    core = openvino.Core()
    return core.compile_model(core.read_model(network), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


if __name__ == "__main__":
    typer.run(main)
