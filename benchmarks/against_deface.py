"""Compares `epd deidentify` with `deface` on the same pictures, whole processes, in turn.

    pip install deface onnxruntime
    python benchmarks/against_deface.py ../shared/data/lfw-dev/images --pictures 500
    python benchmarks/against_deface.py ../shared/data/wider-dev/images --pictures 115
    python benchmarks/against_deface.py --large examples/pictures/astronaut.jpg

Each round runs deface and right after it one way of epd (A B A B ...), so that other load meets both alike;
the median of the rounds' ratios is what counts. Interpreter, imports and the opening of networks are in the
time, and so are epd's verification and the check of every finished file; deface blurs and checks nothing.
Memory is taken in further runs, which are not timed: the processes' proportional set sizes together, at their
largest. Linux only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import cv2
import typer
from PIL import Image

_LARGE = (4000, 3000)  # pixels: 12 MP
_SUFFIXES = {".jpg", ".jpeg", ".png"}
_WAYS = {
    "blur": ["--method", "blur"],
    "blur-upright": ["--method", "blur", "--passes", "upright"],
    "generate": ["--method", "generate"],
}


@dataclass(frozen=True)
class Ran:
    """One run of a whole process: seconds, and how many pictures it wrote."""

    seconds: float
    written: int


def main(  # noqa: PLR0913, PLR0917  the options of the script are its parameters
    folders: Annotated[list[Path] | None, typer.Argument(help="Folders of pictures, each a set.")] = None,
    pictures: Annotated[int, typer.Option(help="At most so many of each, evenly spread.")] = 500,
    rounds: Annotated[int, typer.Option(help="Pairs of runs for each way.")] = 5,
    ways: Annotated[str, typer.Option(help="Of epd: blur, blur-upright, generate.")] = ",".join(_WAYS),
    jobs: Annotated[int, typer.Option(help="epd's --jobs; 0 for one a core.")] = 0,
    backend: Annotated[str, typer.Option(help="epd's --backend.")] = "auto",
    cores: Annotated[int, typer.Option(help="Let both have so many cores only; 0 for all.")] = 0,
    large: Annotated[
        Path | None, typer.Option(help="A portrait to enlarge to 12 MP, as a set of one.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every run to this file.")] = None,
) -> None:
    """Print the table of docs/performance.md."""
    if cores:
        os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))  # inherited by both
    print(f"{len(os.sched_getaffinity(0))} cores, {_version('deface')}, {_version('epd')}\n")
    print("| pictures | way | deface, pictures/s | epd | ratio (lowest, highest) | wrote | peak MB |")
    print("|---|---|---|---|---|---|---|")
    told = []
    for label, sources in _sets(folders or [], pictures, large):
        for way in ways.split(","):
            command = [*_WAYS[way], "--jobs", str(jobs), "--backend", backend]
            told.append({"set": label, "way": way, **_compared(sources, command, rounds)})
            print(_line(told[-1], len(sources)), flush=True)
    if json_file is not None:
        json_file.write_text(json.dumps(told, indent=1) + "\n")


def _sets(folders: Sequence[Path], most: int, large: Path | None) -> Iterator[tuple[str, list[Path]]]:
    for folder in folders:
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
        if not found:
            raise SystemExit(f"no picture in {folder}")
        count = min(most, len(found))
        chosen = [found[number * len(found) // count] for number in range(count)]
        yield folder.parent.name if folder.name == "images" else folder.name, chosen
    if large is not None:
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "large.jpg"
            Image.fromarray(_enlarged(large)).save(path, quality=92)
            yield f"{_LARGE[0]} x {_LARGE[1]}", [path]


def _enlarged(portrait: Path) -> cv2.typing.MatLike:
    """The portrait in the height of the large picture, its border repeated to the sides."""
    width, height = _LARGE
    with Image.open(portrait) as opened:
        pixels = cv2.cvtColor(cv2.imread(str(portrait)), cv2.COLOR_BGR2RGB)
        across = round(opened.width * height / opened.height)
    pixels = cv2.resize(pixels, (min(across, width), height), interpolation=cv2.INTER_CUBIC)
    left = (width - pixels.shape[1]) // 2
    return cv2.copyMakeBorder(pixels, 0, 0, left, width - pixels.shape[1] - left, cv2.BORDER_REPLICATE)


def _compared(sources: Sequence[Path], options: Sequence[str], rounds: int) -> dict[str, object]:
    theirs, ours = [], []
    for _ in range(rounds):
        theirs.append(_run(sources, None))
        ours.append(_run(sources, options))
    return {
        "deface": [ran.__dict__ for ran in theirs],
        "epd": [ran.__dict__ for ran in ours],
        "deface_peak_mb": _peak_mb(sources, None),
        "epd_peak_mb": _peak_mb(sources, options),
    }


def _line(told: dict, count: int) -> str:
    def paces(name: str) -> list[float]:
        return [count / ran["seconds"] for ran in told[name]]

    ratios = [ours / theirs for ours, theirs in zip(paces("epd"), paces("deface"), strict=True)]
    wrote = " / ".join(str(told[name][-1]["written"]) for name in ("deface", "epd"))
    cells = (
        f"{told['set']} ({count})",
        told["way"],
        f"{median(paces('deface')):.2f}",
        f"{median(paces('epd')):.2f}",
        f"{median(ratios):.2f} ({min(ratios):.2f}, {max(ratios):.2f})",
        wrote,
        f"{told['deface_peak_mb']:.0f} / {told['epd_peak_mb']:.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _run(sources: Sequence[Path], options: Sequence[str] | None) -> Ran:
    """Run deface (`options` None) or epd on fresh copies of the pictures."""
    with tempfile.TemporaryDirectory(prefix="against-deface-") as place:
        folder = Path(place)
        command = _prepared(sources, options, folder)
        begun = time.perf_counter()
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begun
        written = _written(folder, options)
    if ended.returncode not in (0, 1) or not written:  # 1: epd withheld a picture, which the table shows
        raise SystemExit(f"{command[0]} failed:\n{ended.stderr[-2000:]}")
    return Ran(seconds, written)


def _prepared(sources: Sequence[Path], options: Sequence[str] | None, folder: Path) -> list[str]:
    (folder / "in").mkdir()
    copies = [folder / "in" / f"{number:05}{path.suffix}" for number, path in enumerate(sources)]
    for source, copy in zip(sources, copies, strict=True):
        shutil.copyfile(source, copy)
    if options is None:
        return [_program("deface"), *(str(copy.relative_to(folder)) for copy in copies)]
    return [_program("epd"), "deidentify", "--quiet", *options, "in", "out"]


def _written(folder: Path, options: Sequence[str] | None) -> int:
    if options is None:
        return len(list((folder / "in").glob("*_anonymized.*")))
    return len(list((folder / "out").glob("*"))) if (folder / "out").is_dir() else 0


def _program(name: str) -> str:
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not installed: pip install {'epdcli' if name == 'epd' else name}")
    return found


def _version(name: str) -> str:
    shown = subprocess.run([_program(name), "--version"], capture_output=True, text=True, check=True).stdout
    return f"{name} {shown.strip()}"


def _peak_mb(sources: Sequence[Path], options: Sequence[str] | None) -> float:
    """The largest sum of the proportional set sizes of a run's processes, looked at every 50 ms."""
    with tempfile.TemporaryDirectory(prefix="against-deface-") as place:
        folder = Path(place)
        command = _prepared(sources, options, folder)
        started = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        peak = 0
        while started.poll() is None:
            peak = max(peak, sum(map(_proportional_kb, _family(started.pid))))
            time.sleep(0.05)
    return peak / 1000


def _family(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))


def _proportional_kb(pid: int) -> int:
    with suppress(OSError):  # it may have ended
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


if __name__ == "__main__":
    typer.run(main)
