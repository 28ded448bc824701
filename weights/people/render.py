"""Renders styles to pictures of 512 px; goes on where it was stopped. Needs openvino.

python weights/people/render.py RANDOM_FACE styles.npz FOLDER       # 0.42 s a face on two cores
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

_SIDE, _QUALITY = 512, 95


def main(random_face: Path, styles: Path, out: Path) -> None:
    """Write FOLDER/00000.jpg and so on for the STYLES."""
    draw = synthesis(random_face)
    out.mkdir(parents=True, exist_ok=True)
    with np.load(styles) as stored:
        drawn = stored["styles"]
    for number, style in enumerate(drawn):
        path = out / f"{number:05d}.jpg"
        if path.exists():
            continue
        partial = out / f"partial-{number:05d}.jpg"
        cv2.imwrite(str(partial), draw(style)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        partial.rename(path)


def synthesis(random_face: Path) -> Callable[[NDArray[np.floating]], NDArray[np.uint8]]:
    """Draws a style (512,) as a picture (512 x 512 x 3, RGB)."""
    import openvino

    core = openvino.Core()
    model = core.read_model(random_face / "random_face" / "data" / "SynthesisNetwork.xml")
    run = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def draw(style: NDArray[np.floating]) -> NDArray[np.uint8]:
        face = run([style[None].astype(np.float32)])[0][0].transpose(1, 2, 0)  # (1024, 1024, 3), -1..1
        pixels = ((face + 1) * 127.5).clip(0, 255).astype(np.uint8)
        return np.asarray(cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)

    return draw


if __name__ == "__main__":
    typer.run(main)
