"""Who a code makes, and what it leaves alone: two codes a face, and one code for all faces.

    python -m benchmarks.codes ../shared/data/lfw-dev/images --faces 200 --pose fsanet=pose_fsanet.onnx
        --emotion mx=expression_minixception.onnx --emotion faceapi

The largest face of each picture is generated three times, without retries or candidates: with two codes of
its own, and with one that all faces share. "Two people" are those whom dlib tells apart at the distance of
one in a thousand pairs of strangers; all faces are seen by the original's landmarks.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from epdcli.evaluation.judges import open_judge, source_of
from epdcli.evaluation.utility import same_class
from epdcli.faces.alignment import align
from epdcli.faces.codes import SeededCodes, code_from
from epdcli.faces.detection import Detector
from epdcli.faces.method import Method
from epdcli.faces.pasting import composite, to_picture
from epdcli.faces.verification import STRANGER_DISTANCE, Verifier, distances
from epdcli.model import Code, Face, Pixels, Points
from epdcli.runtimes import Engine, choose_backend, load_plugin

_CODES = SeededCodes(1)


Shown = list[tuple[Pixels, Face]]  # pictures (H x W x 3, uint8) and the face that counts in each


def main(
    images: Annotated[Path, typer.Argument()],
    emotion: Annotated[list[str], typer.Option(help="faceapi, or NAME=FILE.")],
    pose: Annotated[str, typer.Option(help="NAME=FILE, three angles in degrees.")],
    faces: Annotated[int, typer.Option()] = 200,
) -> None:
    """Print the figures."""
    choice = choose_backend("auto", "cpu")
    with Engine(choice) as engine:
        method: Method = load_plugin("epd.methods", "generate")(engine, None)
        verifier = Verifier(engine.session("dlib_resnet"))
        clear = largest_faces(images, load_plugin("epd.detectors", "centerface")(engine), faces)
        own, other = (
            [code_from(_CODES.seed(str(number), 0, attempt)) for number in range(len(clear))]
            for attempt in (0, 1)
        )
        shared = [code_from(_CODES.seed("all", 0, 0))] * len(clear)
        made = [generated(method, clear, codes) for codes in (own, other, shared)]
        whole = [n for n, new in enumerate(zip(*made, strict=True)) if all(new)]
        clear, one, two, alike = ([some[n] for n in whole] for some in (clear, *made))
        first, second, third = (embedded(verifier, some) for some in (one, two, alike))
        originals = embedded(verifier, clear)
    print(f"{len(clear)} faces; two codes give two people: {told_apart(first, second):.3f}")
    for title, new in (("codes of their own", first), ("one code for all", third)):
        pairs = distances(new, new)[np.triu_indices(len(new), 1)] <= STRANGER_DISTANCE
        print(
            f"{title}: told from the original {told_apart(originals, new):.3f}, one person {pairs.mean():.4f}"
        )
    for judge in [open_judge(source_of(text), choice) for text in emotion]:
        before, *after = (judge.ask(points(some)) for some in (clear, one, alike))
        own_code, one_code = (same_class(before, seen).mean() for seen in after)
        print(f"expression kept, {judge.name}: codes of their own {own_code:.3f}, one for all {one_code:.3f}")
    angles = open_judge(source_of(pose), choice)
    before, *after = (angles.ask(points(some)) for some in (clear, one, alike))
    own_code, one_code = (np.abs(before - seen).mean() for seen in after)
    print(f"head pose, degrees: codes of their own {own_code:.2f}, one for all {one_code:.2f}")


def largest_faces(images: Path, detector: Detector, count: int) -> Shown:
    """The largest face of pictures spread evenly over the folder."""
    paths = sorted(path for path in images.rglob("*") if path.is_file())
    shown = []
    for path in paths[:: max(1, len(paths) // count)][:count]:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        if found := detector.detect(pixels):
            shown.append((pixels, max(found, key=lambda face: face.box.width * face.box.height)))
    return shown


def generated(method: Method, clear: Shown, codes: Sequence[Code]) -> list[tuple[Pixels, Face] | None]:
    """The same pictures with new faces; None where the method makes none. One by one: within one picture no
    person stands in twice."""
    shown: list[tuple[Pixels, Face] | None] = []
    for (pixels, face), code in zip(clear, codes, strict=True):
        old = align(pixels, face, method.size)
        (made,) = method.replace([old], [code])
        new = made and composite(pixels, [to_picture(made, old.matrix, pixels.shape)])
        shown.append(None if new is None else (new, face))
    return shown


def embedded(verifier: Verifier, shown: Shown) -> NDArray[np.float32]:
    """dlib's embeddings (n, 128)."""
    return np.concatenate([verifier.embed(pixels, [face]) for pixels, face in shown])


def told_apart(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The share of rows (n, 128) that are farther apart than one in a thousand pairs of strangers."""
    return float((np.diag(distances(one, other)) > STRANGER_DISTANCE).mean())


def points(shown: Shown) -> list[tuple[Pixels, Points]]:
    """What a judge is asked about."""
    return [(pixels, face.landmarks) for pixels, face in shown]


if __name__ == "__main__":
    typer.run(main)
