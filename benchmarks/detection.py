"""How well faces are found, and what it costs: the figures of docs/detection.md.

    python -m benchmarks.detection wider ../shared/data/wider-dev     recall by size, false faces a picture
    python -m benchmarks.detection turned                             the portrait at 7 scales and 24 angles
    python -m benchmarks.detection large [--deface]                   12 megapixels: seconds and memory

Each takes `--detector`, `--backend`, `--passes`, as `epd detect` does.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from PIL import Image

from epdcli.faces.detection import Detector
from epdcli.faces.detection_passes import DetectionSettings
from epdcli.model import Box, Face, Pixels
from epdcli.runtimes import Engine, choose_backend, load_plugin

SCALES = (0.25, 0.5, 1, 2, 4, 8, 12)
ANGLES = tuple(range(0, 360, 15))
# The portrait's face: CenterFace's box of it, upright at 2x, checked by eye (x, y, width, height).
PORTRAIT = Path(__file__).parent.parent / "examples" / "pictures" / "astronaut.jpg"
SIZES = ((40, np.inf), (20, 40))  # pixels of height

app = typer.Typer(help=__doc__, add_completion=False)
DetectorName = Annotated[str, typer.Option("--detector")]
BackendName = Annotated[str, typer.Option("--backend")]
PassesName = Annotated[str, typer.Option("--passes")]


@dataclass(frozen=True)
class Truth:
    """One labelled face; those that are not `counted` are neither missed nor false."""

    box: Box
    counted: bool


def shows(found: Box, true: Box) -> bool:
    """Whether a found box counts as that face: an intersection over union of .5 or more, or nine tenths of
    the true box covered by one at most three times its area."""
    shared = _shared(found, true)
    area, true_area = found.width * found.height, true.width * true.height
    return shared >= 0.5 * (area + true_area - shared) or (
        shared >= 0.9 * true_area and area <= 3 * true_area
    )


def _shared(one: Box, other: Box) -> float:
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(0.0, width) * max(0.0, height)


def read_truth(folder: Path) -> dict[str, list[Truth]]:
    """The boxes of a WIDER folder, by file name; invalid ones and those under 20 px aren't counted."""
    truth: dict[str, list[Truth]] = defaultdict(list)
    with (folder / "boxes.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            box = Box(*(float(row[name]) for name in ("x", "y", "w", "h")))
            truth[row["file"]].append(Truth(box, row["invalid"] == "0" and box.height >= SIZES[-1][0]))
    return dict(truth)


@dataclass(frozen=True)
class Score:
    """Counts over a set: faces found and labelled for each of `SIZES`, boxes that show no labelled face."""

    found: tuple[int, ...]
    labelled: tuple[int, ...]
    false: int
    pictures: int

    @property
    def recall(self) -> tuple[float, ...]:
        return tuple(f / max(n, 1) for f, n in zip(self.found, self.labelled, strict=True))

    @property
    def false_a_picture(self) -> float:
        return self.false / max(self.pictures, 1)


def score(answers: Sequence[tuple[list[Face], list[Truth]]]) -> Score:
    """Compare found faces with labelled ones, picture by picture."""
    found, labelled, false = [0] * len(SIZES), [0] * len(SIZES), 0
    for faces, truth in answers:
        false += sum(not any(shows(face.box, true.box) for true in truth) for face in faces)
        for true in truth:
            if true.counted:
                bin_ = next(n for n, (low, high) in enumerate(SIZES) if low <= true.box.height < high)
                labelled[bin_] += 1
                found[bin_] += any(shows(face.box, true.box) for face in faces)
    return Score(tuple(found), tuple(labelled), false, len(answers))


def turned(pixels: Pixels, face: Box, angle: float) -> tuple[Pixels, NDArray[np.float64]]:
    """The picture turned about its middle on a canvas that holds all of it, its border filled with grey; and
    the corners of `face` there, (4, 2)."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1.0)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = round(width * cos + height * sin), round(width * sin + height * cos)
    matrix[:, 2] += (np.array(size) - (width, height)) / 2
    corners = np.array(
        [(face.x + dx * face.width, face.y + dy * face.height) for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1))]
    )
    drawn = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(128, 128, 128))
    return drawn.astype(np.uint8), corners @ matrix[:, :2].T + matrix[:, 2]


def open_detector(name: str, backend: str, passes: str) -> Detector:
    engine = Engine(choose_backend(backend, "auto"))
    return load_plugin("epd.detectors", name)(engine, DetectionSettings(passes=passes))  # type: ignore[no-any-return]


@app.command()
def wider(
    folder: Path,
    detector: DetectorName = "centerface",
    backend: BackendName = "auto",
    passes: PassesName = "all",
) -> None:
    """Recall by height, and false faces a picture."""
    finder, truth = open_detector(detector, backend, passes), read_truth(folder)
    answers, seconds = [], []
    for name, boxes in truth.items():
        pixels = np.asarray(Image.open(folder / "images" / name).convert("RGB"))
        begun = time.perf_counter()
        answers.append((finder.detect(pixels), boxes))
        seconds.append(time.perf_counter() - begun)
    total = score(answers)
    for (low, high), found, labelled, share in zip(
        SIZES, total.found, total.labelled, total.recall, strict=True
    ):
        print(f"{low} to {high} px: {found} of {labelled} found, recall {share:.4f}")
    print(f"{total.false} false faces in {total.pictures} pictures, {total.false_a_picture:.2f} a picture")
    print(f"median {median(seconds):.3f} s a picture")


def portrait_face(pixels: Pixels, finder: Detector) -> Box:
    """The reference: the net's own answer on the upright portrait, without the margin that is added later."""
    from epdcli.faces.face_outline import MARGIN, PIXEL

    (face,) = finder.detect(pixels)
    width, height = ((side - 2 * PIXEL) / (1 + 2 * MARGIN) for side in face.box[2:])
    x, y = face.box.centre
    return Box(x - width / 2, y - height / 2, width, height)


def turned_portraits(
    finder: Detector, scales: Sequence[float], angles: Sequence[int]
) -> Iterator[tuple[float, int, list[Face], Box]]:
    """Every scale and angle: the faces found, and the smallest upright box of the turned face's oval."""
    portrait = np.asarray(Image.open(PORTRAIT).convert("RGB"))
    reference = portrait_face(portrait, finder)
    for scale in scales:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        scaled = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=method).astype(np.uint8)
        for angle in angles:
            drawn, corners = turned(scaled, Box(*(scale * edge for edge in reference)), angle)
            yield scale, angle, finder.detect(drawn), oval_box(corners)


def oval_box(corners: NDArray[np.float64]) -> Box:
    """The upright box of the ellipse inside a turned rectangle (4, 2)."""
    centre = corners.mean(axis=0)
    half = np.hypot((corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2)
    return Box(*(centre - half), *(2 * half))


def covered(faces: list[Face], true: Box) -> float:
    """The largest part of the true box that one found box covers, 0..1."""
    return max((_shared(face.box, true) / (true.width * true.height) for face in faces), default=0.0)


@app.command(name="turned")
def turned_command(
    detector: DetectorName = "centerface", backend: BackendName = "auto", passes: PassesName = "all"
) -> None:
    """The portrait at every scale and angle: how much of the face's box is covered."""
    finder = open_detector(detector, backend, passes)
    rows: dict[float, list[float]] = defaultdict(list)
    extra = 0
    for scale, angle, faces, true in turned_portraits(finder, SCALES, ANGLES):
        rows[scale].append(covered(faces, true))
        extra += max(0, len(faces) - 1)
        if rows[scale][-1] < 0.99:
            print(f"scale {scale}, angle {angle}: {rows[scale][-1]:.3f}, {len(faces)} found", flush=True)
    for scale, parts in rows.items():
        good = sum(part >= 0.99 for part in parts)
        print(f"{scale} x: least {min(parts):.3f}, {good} of {len(parts)} covered by 99 %")
    print(f"{extra} other boxes in {sum(map(len, rows.values()))} pictures")


@app.command()
def large(
    rounds: int = 3,
    deface: Annotated[bool, typer.Option("--deface")] = False,
    options: Annotated[str, typer.Option(help="of epd deidentify")] = "--method blur --jobs 1",
) -> None:
    """One portrait in 12 megapixels, the whole process: seconds and peak memory, taking turns with deface."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        portrait = Image.open(PORTRAIT).convert("RGB")
        portrait.resize((4000, 3000), Image.Resampling.LANCZOS).save(folder / "large.jpg", quality=92)
        epd = [sys.executable, "-m", "epdcli", "deidentify", "--overwrite", "-q", *options.split()]
        commands = {"epd": [*epd, str(folder / "large.jpg"), str(folder / "out.jpg")]}
        if deface:
            tool = str(Path(sys.executable).parent / "deface")
            commands["deface"] = [tool, str(folder / "large.jpg"), "-o", str(folder / "deface.jpg")]
        taken: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for _ in range(rounds):
            for title, command in commands.items():
                taken[title].append(_timed(command))
        for title, runs in taken.items():
            seconds, megabytes = median(s for s, _ in runs), max(m for _, m in runs)
            print(f"{title}: {seconds:.2f} s, at most {megabytes:.0f} MB")


def _timed(command: list[str]) -> tuple[float, float]:
    """Seconds and peak resident megabytes of a command, its own children included."""
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - begun, int(done.stdout) / 1000


if __name__ == "__main__":
    app()
