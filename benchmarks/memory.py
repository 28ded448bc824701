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

from epdcli import Deidentifier, Options, Verdict

PORTRAIT = Path(__file__).parent.parent / "examples" / "pictures" / "astronaut.jpg"
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
                    counts.append(number)
                    sizes.append(resident_kb())
    for count, size in list(zip(counts, sizes, strict=True))[:: len(counts) // 10]:
        print(f"{count:6d} pictures  {size / 1024:8.1f} MB")
    half = len(counts) // 2
    slope = np.polyfit(counts[half:], sizes[half:], 1)[0]
    print(f"slope over the second half: {slope:.3f} kB a picture")


def resident_kb() -> int:
    """Memory that this process has in RAM now (VmRSS of proc(5))."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    typer.run(main)
