"""Do new faces resemble anybody they were trained on? Each one's nearest training face, beside real people's.

    python -m benchmarks.resemblance --data SHARDS --cache CACHE --generator runs/NAME/generator.onnx
        --identity-net mobilefacenet_ms1m.onnx --expression-net ... --landmark-net ... [--faces 1000]

Held-out faces get codes of nobody; R embeds the results; the largest cosine to any training face is taken.
Beside it: the same for the codes themselves and for real held-out faces, whose people are not in training. R
was in the training, so these are its words about its own space; the evaluation's `existence` asks others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from numpy.typing import NDArray

from epdcli.training.batches import assembled
from epdcli.training.codes import TrainingCodes
from epdcli.training.data import measured_faces
from epdcli.training.frozen import FrozenNetworks
from epdcli.training.network import Generator, start_from, weights_of
from epdcli.training.step import pasted

_AT_ONCE = 20


def main(
    data: Annotated[Path, typer.Option()],
    cache: Annotated[Path, typer.Option()],
    generator: Annotated[Path, typer.Option()],
    identity_net: Annotated[Path, typer.Option()],
    expression_net: Annotated[Path, typer.Option()],
    landmark_net: Annotated[Path, typer.Option()],
    faces: Annotated[int, typer.Option()] = 1000,
    size: Annotated[int, typer.Option()] = 128,
) -> None:
    """Print the table."""
    networks = FrozenNetworks.load(identity_net, expression_net, landmark_net, torch.device("cpu"))
    known = measured_faces(data, cache, size, networks)
    network = Generator(size).eval()
    if new := start_from(network, weights_of(generator)):
        raise typer.BadParameter(f"the generator lacks {', '.join(new)}")
    codes, draw = TrainingCodes(known.embeddings[~known.held_out]), np.random.default_rng(0)
    held_out, training = np.flatnonzero(known.held_out), known.embeddings[~known.held_out]
    made, drawn = [], []
    with torch.no_grad():
        for _ in range(-(-faces // _AT_ONCE)):
            code = np.stack([codes.nobody(draw) for _ in range(_AT_ONCE)])
            batch = assembled(known, draw.choice(held_out, _AT_ONCE), code, np.zeros(_AT_ONCE, bool))
            made.append(networks.embeddings(pasted(network, batch)).numpy())
            drawn.append(code)
    strangers = np.sort((known.embeddings[held_out] @ training.T).ravel())
    bound = strangers[-(len(strangers) // 1000)]
    print(f"one in a thousand pairs of strangers is over {bound:.3f}")
    rows = {
        "new faces": np.concatenate(made),
        "their codes": np.concatenate(drawn),
        "real held-out faces": known.embeddings[held_out],
    }
    print("| whose | number | nearest training face: median | 95 % | largest |")
    print("|---|---|---|---|---|")
    for title, embeddings in rows.items():
        nearest = nearest_cosines(embeddings, training)
        middle, high, most = np.percentile(nearest, [50, 95, 100])
        print(f"| {title} | {len(nearest)} | {middle:.3f} | {high:.3f} | {most:.3f} |")


def nearest_cosines(embeddings: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """The largest cosine of each row (n, 128) with any of `others` (m, 128), all of unit length: (n,)."""
    return np.asarray((embeddings @ others.T).max(axis=1), np.float32)


if __name__ == "__main__":
    typer.run(main)
