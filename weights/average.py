"""The mean of two generators of which one was trained on from the other, for `add_network.py`.

    python weights/average.py weights/epd_weights/generator.onnx runs/mine/checkpoint.pt \\
        --share .4 --out mean.onnx

Each may be an exported generator or a checkpoint (its EMA weights). Averages often keep what the first did
well and have most of what the second learnt (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR
2022). Needs the extra train.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from epdcli.training.export import generator_with, write_onnx
from epdcli.training.network import weights_of


def main(
    first: Path,
    second: Path,
    out: Annotated[Path, typer.Option()],
    share: Annotated[float, typer.Option(min=0, max=1, help="Of the second.")] = 0.5,
) -> None:
    """Write `out`, what the product runs."""
    one, other = weights_of(first), weights_of(second)
    if different := sorted(one.keys() ^ other.keys()):
        raise SystemExit(f"Only one of them has {', '.join(different)}: they are no relatives.")
    mean = {name: (1 - share) * one[name].float() + share * other[name].float() for name in one}
    write_onnx(generator_with(mean, first), out)
    print(f"{out}: {1 - share:g} x {first} + {share:g} x {second}")


if __name__ == "__main__":
    typer.run(main)
