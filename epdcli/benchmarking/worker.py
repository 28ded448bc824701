"""A process of its own for each backend and device, so that start and memory are that runtime's alone."""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from epdcli import machine, pictures
from epdcli.benchmarking.cuda import transfer_ms
from epdcli.benchmarking.limits import Limits, RuntimeProduct, limits_of
from epdcli.benchmarking.stages import Line, Timing
from epdcli.deidentifier import Deidentifier, Options
from epdcli.errors import BackendBroken, SetupError
from epdcli.network_inputs import Inputs, real_inputs
from epdcli.networks import MANIFEST, Tensors
from epdcli.runtimes import Choice, Engine, choose_backend, devices_of, find_backends, load_backend

DETECTOR = "centerface"

_STATED = "appearance"  # the network of a weights folder that is asked for device and precision


@dataclass(frozen=True)
class Subject:
    """What is measured: a backend on a device, with so many threads (0: its own choice)."""

    backend: str
    device: str
    threads: int = 0
    weights: Path | None = None


@dataclass(frozen=True)
class About:
    """What really runs, as the runtime says it."""

    runtime: str
    device: str
    provider: str
    precision: str


@dataclass(frozen=True)
class Call:
    """One call of a network on a batch: seconds, the shapes given, and the ways to a card and back."""

    seconds: float
    shapes: Mapping[str, tuple[int, ...]]
    transfer: tuple[float, float] | None = None


class _Bench:
    """What a worker does, one method a question."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._choice: Choice = choose_backend(subject.backend, subject.device)
        self._engine = Engine(self._choice, subject.weights, subject.threads)
        self._product: Deidentifier | None = None
        if subject.weights is None:  # the product runs the shipped weights only
            options = Options(backend=subject.backend, device=subject.device, threads=subject.threads, seed=1)
            self._product = Deidentifier(options)
        self._line: Line | None = None
        self._matrices: RuntimeProduct | None = None
        self._inputs: Inputs = {}
        self._batches: dict[tuple[str, int], Tensors] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="epd-benchmark-")

    def about(self) -> About:
        backend = self._choice.backend.name
        number = getattr(sys.modules.get(backend), "__version__", "").partition("-")[0]
        runtime = f"{backend} {number}".strip()
        if self._product is not None:
            used = self._product.description()
            return About(runtime, str(used["device"]), str(used["provider"]), "fp32")
        session = self._engine.session(_STATED)
        precision = _precision(self._engine.network(_STATED).path.parent / MANIFEST)
        return About(runtime, session.device, session.provider, precision)

    def whole(self, source: Path) -> float:
        """Seconds of the product itself on one file: retries, audits and repairs included."""
        if self._product is None:
            raise BackendBroken("The product is closed.")
        begun = time.perf_counter()
        self._product.file(source, Path(self._folder.name) / f"whole-{source.name}")
        return time.perf_counter() - begun

    def memory(self) -> int:
        """The most bytes held so far; the product's own while nothing else was asked."""
        return machine.peak_memory()

    def picture(self, source: Path) -> Timing:
        if self._product is not None:
            self._product.close()
            self._product = None
        self._line = self._line or Line(self._engine)
        return self._line.run(source, Path(self._folder.name) / source.name)

    def limits(self) -> Limits | None:
        """What this runtime's own matrix product reaches on the processor, or torch's on a card."""
        if self._choice.device != "cpu":
            return limits_of(self._choice.device)
        if self._matrices is None:
            try:
                self._matrices = RuntimeProduct(self._choice.backend, self._subject.threads)
            except SetupError:  # without onnx, or for a backend of another format
                return None
        return self._matrices.limits()

    def prepare(self, sources: Sequence[Path]) -> None:
        """Take the networks' real inputs from pictures."""
        frames = (pictures.read(source).frames[0] for source in sources)
        self._inputs = real_inputs(self._choice, frames, self._subject.weights)

    def network(self, name: str, batch: int, transfer: bool = False) -> Call:
        if (name, batch) not in self._batches:
            self._batches = {(name, batch): _batch(self._inputs[name], batch)}
        inputs = self._batches[name, batch]
        session = self._engine.session(name)
        begun = time.perf_counter()
        outputs = session.run(inputs)
        seconds = time.perf_counter() - begun
        ways = transfer_ms(session.device, inputs, outputs) if transfer else None
        return Call(seconds, {key: array.shape for key, array in inputs.items()}, ways)

    def close(self) -> None:
        for opened in (self._product, self._matrices):
            if opened is not None:
                opened.close()
        self._engine.close()
        self._folder.cleanup()


def _precision(manifest: Path) -> str:
    """The precision that an exported weights folder states; ours states none, being computed in float32."""
    return str(json.loads(manifest.read_text("utf-8"))["networks"][_STATED].get("precision", "fp32"))


def _batch(calls: Sequence[Tensors], batch: int) -> dict[str, NDArray[np.float32]]:
    """So many rows of what the network was given; pictures of the first call's size only."""
    first = calls[0]
    alike = [c for c in calls if all(c[name].shape[1:] == array.shape[1:] for name, array in first.items())]
    rows = {name: np.concatenate([call[name] for call in alike]) for name in first}
    return {name: np.ascontiguousarray(array[np.arange(batch) % len(array)]) for name, array in rows.items()}


def _serve(connection: Connection, subject: Subject) -> None:
    bench: _Bench | None = None
    try:
        bench = _Bench(subject)
        connection.send(bench.about())
        while (question := connection.recv()) is not None:
            name, arguments = question
            connection.send(getattr(bench, name)(*arguments))
    except (EOFError, KeyboardInterrupt):
        pass
    except SetupError as error:
        connection.send(error)
    except Exception as error:
        connection.send(
            BackendBroken(f"{subject.backend} on {subject.device}: {type(error).__name__}: {error}")
        )
    finally:
        if bench is not None:
            bench.close()


class Worker:
    """A running process; ask it what `_Bench` can answer. `opened` is how many seconds it took to start,
    import and open the networks. Raises the SetupError that stopped it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, subject), daemon=True)
        begun = time.perf_counter()
        self._process.start()
        theirs.close()
        self.about: About = self._answer()
        self.opened = time.perf_counter() - begun

    def ask(self, name: str, *arguments: object) -> Any:
        self._connection.send((name, arguments))
        return self._answer()

    def _answer(self) -> Any:
        try:
            answer = self._connection.recv()
        except EOFError:
            raise BackendBroken(
                f"The process of {self.subject.backend} on {self.subject.device} ended.",
                hint="Probably too little memory: give smaller numbers to --batch.",
            ) from None
        if isinstance(answer, SetupError):
            raise answer
        return answer

    def close(self) -> None:
        """End the process, whatever it does."""
        with suppress(OSError):  # it may have ended already
            self._connection.send(None)
        self._process.join(10)
        if self._process.is_alive():
            self._process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def devices_by_backend() -> dict[str, tuple[str, ...] | SetupError]:
    """The devices of every declared backend, or why there are none; to be asked in a process of its own."""
    found: dict[str, tuple[str, ...] | SetupError] = {}
    for name in find_backends():
        try:
            found[name] = devices_of(load_backend(name))
        except SetupError as error:
            found[name] = error
    return found
