"""Compares the CPU runtimes on the shipped networks: run time, start-up and installed size.

    python benchmarks/cpu_runtimes.py [--rounds 15] [--threads 2] [--backends openvino,onnxruntime,torch]

The runtimes take turns (A B C A B C ...), so that other load on the machine meets all of them alike; the
medians are shown. CenterFace also meets a series of sizes that changes with every call, as pictures do.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from statistics import median
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from epdcli.networks import Network
from epdcli.runtimes import Engine, choose_backend

_SQUARE = {"face_mesh": 192, "expression_faceapi": 112, "appearance": 224, "dlib_resnet": 150}
_DETECTOR_SIZES = ((640, 960), (256, 384), (1024, 1024))
_CHANGING = ((640, 960), (480, 736), (320, 480), (256, 384), (704, 512), (352, 608), (448, 448), (608, 800))
_START = """
import sys, time
begun = time.perf_counter()
from epdcli.machine import peak_memory
from epdcli.runtimes import Engine, choose_backend
with Engine(choose_backend(sys.argv[1], "cpu"), threads=int(sys.argv[2])) as engine:
    for name in ("centerface", "face_mesh", "expression_faceapi", "appearance", "dlib_resnet"):
        engine.session(name)
    taken = time.perf_counter() - begun
    print(taken, peak_memory() / 1e6)
"""

Call = Callable[[], object]


def main(
    rounds: Annotated[int, typer.Option()] = 15,
    threads: Annotated[int, typer.Option()] = 2,
    backends: Annotated[str, typer.Option()] = "openvino,onnxruntime,torch",
) -> None:
    """Print the tables of docs/performance.md."""
    names = backends.split(",")
    engines = {name: Engine(choose_backend(name, "cpu"), threads=threads) for name in names}
    print(f"| milliseconds, {threads} threads | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for title, calls in _cases(engines):
        print(f"| {title} | {' | '.join(f'{value:.1f}' for value in _in_turn(calls, rounds))} |", flush=True)
    starts = {name: _started(name, threads) for name in names}
    print(
        f"| import and open five networks, seconds | {' | '.join(f'{s:.2f}' for s, _ in starts.values())} |"
    )
    print(f"| resident by then, MB | {' | '.join(f'{mb:.0f}' for _, mb in starts.values())} |")
    print(f"| installed, MB | {' | '.join(f'{_installed(name):.0f}' for name in names)} |")


def _cases(engines: dict[str, Engine]) -> Iterator[tuple[str, list[Call]]]:
    some = next(iter(engines.values()))
    for batch in (1, 8):
        for name in _SQUARE:
            inputs = _inputs(some.network(name), batch)
            yield f"{name}, batch {batch}", [_call(engine, name, inputs) for engine in engines.values()]
    for height, width in _DETECTOR_SIZES:
        picture = _picture(height, width)
        calls = [_call(engine, "centerface", picture) for engine in engines.values()]
        yield f"centerface, {width} x {height}", calls
    pictures = [_picture(*size) for size in _CHANGING]
    yield (
        f"centerface, {len(pictures)} sizes in turn, each",
        [_series(engine, pictures) for engine in engines.values()],
    )


def _call(engine: Engine, name: str, inputs: dict[str, NDArray[np.float32]]) -> Call:
    session = engine.session(name)
    return lambda: session.run(inputs)


def _series(engine: Engine, pictures: list[dict[str, NDArray[np.float32]]]) -> Call:
    session = engine.session("centerface")

    def run() -> int:
        for picture in pictures:
            session.run(picture)
        return len(pictures)

    return run


def _in_turn(calls: list[Call], rounds: int) -> list[float]:
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds + 2):
        for call, times in zip(calls, taken, strict=True):
            begun = time.perf_counter()
            parts = call()
            seconds = time.perf_counter() - begun
            times.append(1000 * seconds / (parts if isinstance(parts, int) else 1))
    return [median(times[2:]) for times in taken]


def _inputs(network: Network, batch: int) -> dict[str, NDArray[np.float32]]:
    generator = np.random.default_rng(0)
    return {
        spec.name: generator.random([batch if size == "N" else int(size) for size in spec.shape], np.float32)
        for spec in network.inputs
    }


def _picture(height: int, width: int) -> dict[str, NDArray[np.float32]]:
    return {"input.1": np.random.default_rng(0).random((1, 3, height, width), np.float32) * 255}


def _started(name: str, threads: int) -> tuple[float, float]:
    runs = [
        subprocess.run(
            [sys.executable, "-c", _START, name, str(threads)], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(3)
    ]
    return median(float(seconds) for seconds, _ in runs), float(runs[-1][1])


def _installed(name: str) -> float:
    found = distribution(name)
    return sum(file.locate().stat().st_size for file in found.files or [] if file.locate().is_file()) / 1e6


if __name__ == "__main__":
    typer.run(main)
