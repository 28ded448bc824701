"""The same pictures through every backend, and whether they say the same: the README's table of results.

    python -m benchmarks.backends_agree ../shared/data/groups ../shared/data/wider-dev/images --out /tmp/runs
        [--backends openvino,onnxruntime,torch] [--jobs 2] [--seed 1] [--options "--passes upright"]

Prints a row for each folder and backend: pictures/s, verdicts, faces by method, distances, and what differs
from the first backend: verdicts, numbers of faces, methods, attempts, and boxes that moved by more than 1 px.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

Files = list[dict[str, Any]]


def main(
    folders: list[Path],
    out: Annotated[Path, typer.Option(help="Where the pictures and manifests go.")],
    backends: str = "openvino,onnxruntime,torch",
    jobs: int = 2,
    seed: int = 1,
    options: Annotated[str, typer.Option(help="More options of epd deidentify.")] = "",
) -> None:
    """Run every folder through every backend and compare the manifests."""
    print("| pictures | backend | verdicts | faces | retried | median distance | pictures/s | differs |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for folder in folders:
        first: Files | None = None
        for backend in backends.split(","):
            title = folder.parent.name if folder.name == "images" else folder.name
            manifest = _run(folder, out / f"{title}-{backend}", backend, jobs, seed, options)
            files = manifest["files"]
            print(_row(title, backend, manifest, differences(first or files, files)), flush=True)
            first = first or files


def _run(folder: Path, out: Path, backend: str, jobs: int, seed: int, options: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "epdcli", "deidentify", "--quiet", "--overwrite"]
    command += ["--backend", backend, "--jobs", str(jobs), "--seed", str(seed), *options.split()]
    subprocess.run([*command, str(folder), str(out)], check=False)
    return json.loads(out.with_name(out.name + ".manifest.json").read_text())  # type: ignore[no-any-return]


def _row(title: str, backend: str, manifest: dict[str, Any], differing: str) -> str:
    files, summary = manifest["files"], manifest["summary"]
    faces = [face for file in files for face in file["faces"]]
    methods = Counter(face["method"] for face in faces)
    verdicts = Counter(file["verdict"] for file in files)
    distances = [f["identity_distance"] for f in faces if f["method"] == "generated"]
    cells = [
        f"{title} ({len(files)})",
        backend,
        ", ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common()),
        f"{len(faces)}: " + ", ".join(f"{number} {method}" for method, number in methods.most_common()),
        str(sum(face["attempts"] > 1 for face in faces)),
        f"{median(distances):.2f}" if distances else "",
        f"{summary['pictures_per_second']:.1f}",
        differing,
    ]
    return f"| {' | '.join(cells)} |"


def differences(one: Files, other: Files) -> str:
    """What the manifests of one folder disagree on, in words; boxes are compared where the numbers agree."""
    verdicts = numbers = methods = attempts = moved = 0
    for a, b in zip(one, other, strict=True):
        verdicts += a["verdict"] != b["verdict"]
        if len(a["faces"]) != len(b["faces"]):
            numbers += 1
            continue
        for x, y in zip(a["faces"], b["faces"], strict=True):
            methods += x["method"] != y["method"]
            attempts += x["attempts"] != y["attempts"]
            moved += max(abs(p - q) for p, q in zip(x["box"], y["box"], strict=True)) > 1
    counts = {
        "verdicts": verdicts, "pictures' numbers of faces": numbers, "methods": methods,
        "attempts": attempts, "boxes": moved,
    }  # fmt: skip
    return ", ".join(f"{n} {what}" for what, n in counts.items() if n) or "nothing"


if __name__ == "__main__":
    typer.run(main)
