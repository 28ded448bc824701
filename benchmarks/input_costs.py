"""What each number that crosses costs in re-identification: one input at a time silenced.

    python -m benchmarks.input_costs --data SHARDS --cache CACHE --generator runs/NAME/generator.onnx
        --identity-net mobilefacenet_ms1m.onnx --expression-net ... --landmark-net ...

The held-out faces' answers by the training networks when one field of `Crossing` is the mean of all training
faces in place of the face's own. The generator wasn't trained for that, so a difference is what it makes of
the input, not what a generator without it would do.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from epdcli.training.codes import TrainingCodes
from epdcli.training.data import Faces, measured_faces
from epdcli.training.frozen import FrozenNetworks
from epdcli.training.network import Generator, start_from, weights_of
from epdcli.training.validation import figures, held_out_batches


def main(
    data: Annotated[Path, typer.Option()],
    cache: Annotated[Path, typer.Option()],
    generator: Annotated[Path, typer.Option()],
    identity_net: Annotated[Path, typer.Option()],
    expression_net: Annotated[Path, typer.Option()],
    landmark_net: Annotated[Path, typer.Option()],
    size: Annotated[int, typer.Option()] = 128,
) -> None:
    """Print the table."""
    networks = FrozenNetworks.load(identity_net, expression_net, landmark_net, torch.device("cpu"))
    faces = measured_faces(data, cache, size, networks)
    network = Generator(size).eval()
    if new := start_from(network, weights_of(generator)):
        raise typer.BadParameter(f"the generator lacks {', '.join(new)}")
    codes = TrainingCodes(faces.embeddings[~faces.held_out])
    print("| silenced | cosine to the source | to the code | expression kept | in random views | landmarks |")
    print("|---|---|---|---|---|---|")
    for name in ("nothing", *faces.numbers):
        seen = faces if name == "nothing" else silenced(faces, name)
        answer = figures(network, held_out_batches(seen, codes), networks)
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in answer.values())} |", flush=True)


def silenced(faces: Faces, name: str) -> Faces:
    """The same faces, one of their numbers everywhere the mean of the training faces."""
    values = faces.numbers[name]
    mean = values[~faces.held_out].mean(axis=0, keepdims=True)
    changed = np.broadcast_to(mean, values.shape).astype(np.float32)
    return replace(faces, numbers={**faces.numbers, name: changed})


if __name__ == "__main__":
    typer.run(main)
