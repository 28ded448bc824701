"""Does a second detector, which the product doesn't know, find the new faces where it found the old ones?

    python -m benchmarks.found_again ../shared/data/lfw-dev/images OUT --detector scrfd_2.5g.onnx

OUT is a folder of `epd deidentify`, its manifest beside it. Counted are faces that the manifest calls
generated and that SCRFD (arXiv:2105.04714) finds in the source: again when one found in the output overlaps
it by an IoU of .5 or more. Score and overlap as InsightFace uses them (.5, NMS .4).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import onnxruntime
import typer
from numpy.typing import NDArray
from PIL import Image

from epdcli.faces.candidates import overlaps
from epdcli.model import Pixels

_STRIDES, _ANCHORS, _SCORE, _SAME, _AGAIN = (8, 16, 32), 2, 0.5, 0.4, 0.5
_SMALLEST_SIDE = 640  # smaller pictures are enlarged to it, as InsightFace does: the network needs it

Boxes = NDArray[np.float32]  # (n, 4): x, y, width, height


class Scrfd:
    """The network and how its answers are read."""

    def __init__(self, path: Path) -> None:
        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def boxes(self, pixels: Pixels) -> Boxes:
        """Faces found in a picture (H x W x 3, uint8, RGB)."""
        scale = max(1.0, _SMALLEST_SIDE / max(pixels.shape[:2]))
        seen = cv2.resize(pixels, None, fx=scale, fy=scale)
        height, width = (-(-side // 32) * 32 for side in seen.shape[:2])
        canvas = np.zeros((height, width, 3), np.float32)
        canvas[: seen.shape[0], : seen.shape[1]] = seen
        blob = ((canvas - 127.5) / 128).transpose(2, 0, 1)[None]
        answers = self._session.run(None, {"input.1": blob})
        found = [
            _decoded(answers[level].ravel(), answers[level + len(_STRIDES)], stride, height, width)
            for level, stride in enumerate(_STRIDES)
        ]
        scores, boxes = (np.concatenate(part) for part in zip(*found, strict=True))
        kept = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), _SCORE, _SAME)
        return (boxes[np.asarray(kept, int).ravel()] / scale).astype(np.float32)


def _decoded(
    scores: NDArray[np.float32], sides: NDArray[np.float32], stride: int, height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Scores (n,) and boxes (n, 4) of one level: each anchor says how far left, top, right and bottom lie."""
    rows, columns = np.mgrid[: height // stride, : width // stride] * stride
    centres = np.repeat(np.stack([columns.ravel(), rows.ravel()], axis=1), _ANCHORS, axis=0)
    corner = centres - sides[:, :2] * stride
    return scores, np.concatenate([corner, centres + sides[:, 2:] * stride - corner], axis=1)


def main(
    originals: Annotated[Path, typer.Argument()],
    deidentified: Annotated[Path, typer.Argument()],
    detector: Annotated[Path, typer.Option()],
) -> None:
    """Print the share, of the largest face of each picture and of all."""
    scrfd = Scrfd(detector)
    record = json.loads(deidentified.with_name(f"{deidentified.name}.manifest.json").read_text())
    main_faces, all_faces = [], []
    for picture in record["files"]:
        if picture["output"] is None:
            continue
        before = scrfd.boxes(_pixels(originals / picture["source"]))
        after = scrfd.boxes(_pixels(deidentified / picture["output"]))
        generated = np.array([f["box"] for f in picture["faces"] if f["method"] == "generated"], np.float32)
        replaced = [box for box in before if _meets(box, generated)]
        again = [_meets(box, after) for box in replaced]
        all_faces += again
        if replaced:
            main_faces.append(again[int(np.argmax([box[2] * box[3] for box in replaced]))])
    for title, found in (("largest generated face", main_faces), ("all generated faces", all_faces)):
        print(f"{title}: found again {np.mean(found):.4f} of {len(found)}")


def _meets(box: Boxes, others: Boxes) -> bool:
    return len(others) > 0 and bool((overlaps(box, others)[0] >= _AGAIN).any())


def _pixels(path: Path) -> Pixels:
    return np.asarray(Image.open(path).convert("RGB"))


if __name__ == "__main__":
    typer.run(main)
