"""Does a long run grow? One process's memory over thousands of small pictures.

    python -m benchmarks.memory [--pictures 5000] [--method blur] [--passes upright]

The public-domain portrait of `examples/` at 96 px, again and again through `Deidentifier.file`. Prints the
resident memory along the way, and its slope over the second half (least squares). Linux only.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from benchmarks.detection import PORTRAIT
from epdcli import Deidentifier, Options, Verdict
from epdcli.machine import resident_memory

_SIDE, _SAMPLES = 96, 100


def main(
    pictures: Annotated[int, typer.Option()] = 5000,
    method: Annotated[str, typer.Option()] = "blur",
    passes: Annotated[str, typer.Option()] = "upright",
) -> None:
    """Print the table and the slope."""
    counts, sizes = [], []
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.jpg"), Path(folder, "out.jpg")
        portrait = Image.open(PORTRAIT)
        portrait.resize((_SIDE, _SIDE * portrait.height // portrait.width)).save(source, quality=95)
        with Deidentifier(Options(method=method, passes=passes, seed=1, threads=1)) as deidentifier:
            for number in range(1, pictures + 1):
                record = deidentifier.file(source, target, f"{number}.jpg")
                if record.verdict is not Verdict.PASS:
                    raise typer.Exit(1)
                target.unlink()
                if number % max(1, pictures // _SAMPLES) == 0:
                    if (held := resident_memory()) is None:
                        raise typer.BadParameter("only Linux says what a process holds now")
                    counts.append(number)
                    sizes.append(held / 1024)
    for count, size in list(zip(counts, sizes, strict=True))[:: len(counts) // 10]:
        print(f"{count:6d} pictures  {size / 1024:8.1f} MB")
    half = len(counts) // 2
    slope = np.polyfit(counts[half:], sizes[half:], 1)[0]
    print(f"slope over the second half: {slope:.3f} kB a picture")


if __name__ == "__main__":
    typer.run(main)
