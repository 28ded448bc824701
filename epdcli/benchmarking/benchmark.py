"""The whole measurement: workers one after the other, then in turn, so that other load meets all alike."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import version
from math import ceil
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from epdcli import machine
from epdcli.batch.listing import listed
from epdcli.benchmarking.cost import Cost, cost_of
from epdcli.benchmarking.cuda import Utilisation
from epdcli.benchmarking.limits import Limits, limits_of
from epdcli.benchmarking.rows import Kind, Row, as_json, row
from epdcli.benchmarking.stages import STAGES, Timing
from epdcli.benchmarking.worker import DETECTOR, Call, Subject, Worker, devices_by_backend
from epdcli.errors import BackendNotFound, BackendNotInstalled, SetupError, UsageError
from epdcli.faces.detection_passes import BATCH
from epdcli.networks import load_network, network_names, shipped_bank
from epdcli.synthetic.bank import read_bank

_WARM_UP = 2
_LONGEST_SECONDS = 20.0  # for one network and batch: slow ones get fewer rounds, never under _FEWEST
_FEWEST = 3
_MOST_PICTURES = 50
_SOME = (40, 700, 1500)  # people of the bank
_EXAMPLES = Path(__file__).parents[2] / "examples" / "pictures"  # beside the package in a checkout only


@dataclass(frozen=True)
class BenchmarkSettings:
    """What to measure. Empty `backends` and `devices`: all that work here. `rounds`: runs of each network,
    and of each stage on the pictures together. `weights`: a folder that `epd export onnx` wrote."""

    backends: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    batches: tuple[int, ...] = (1, 8)
    pictures: Path | None = None
    rounds: int = 15
    threads: int = 0
    weights: Path | None = None

    def __post_init__(self) -> None:
        if not self.batches or min(self.batches) < 1 or self.rounds < 1:
            raise UsageError("Batches and rounds are at least 1.", hint="For example: --batch 1,8,64")


@dataclass(frozen=True)
class Report:
    """Everything measured in a run. `limits` by device; `passed_over` says why a backend is missing."""

    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    limits: Mapping[str, Limits]
    rows: Sequence[Row]
    passed_over: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        limits = {
            device: {
                "operations_per_second": limit.operations,
                "bytes_per_second": limit.bytes,
                "measured": limit.said,
            }
            for device, limit in self.limits.items()
        }
        return {
            "machine": self.machine,
            "settings": self.settings,
            "limits": limits,
            "rows": as_json(self.rows),
            "passed_over": self.passed_over,
        }


def benchmark(settings: BenchmarkSettings, tell: Callable[[str], None]) -> Report:
    """Measure; `tell` hears how it goes on.

    Raises UsageError for a folder without pictures, SetupError when a backend or device that was asked for
    can't be used, or when none can.
    """
    subjects, passed_over = _subjects(settings)
    rows: list[Row] = []
    with ExitStack() as running:
        sources = _sources(settings.pictures, running)
        workers = []
        for subject in subjects:
            tell(f"starting {subject.backend} on {subject.device}")
            begun = time.perf_counter()
            workers.append(running.enter_context(Worker(subject)))
            workers[-1].ask("whole" if settings.weights is None else "picture", sources[0])
            rows.append(
                row(Kind.START, "to the first picture", workers[-1].about, [time.perf_counter() - begun])
            )
        rows += _pictures(workers, sources, settings, tell)
        limits = _limits(workers, {})
        for worker in workers:
            worker.ask("prepare", sources)
        calls = {}
        for name, batch in _cases(settings):
            tell(f"{name}, batch {batch}")
            calls[name, batch] = _in_turn(workers, name, batch, settings.rounds)
            limits = _limits(workers, limits)
        for (name, batch), (taken, busy) in calls.items():
            cost = _cost(name, taken[0][0], settings.weights)
            for worker, own, percent in zip(workers, taken, busy, strict=True):
                limit = limits.get(worker.about.device)
                rows.append(_network_row(worker, name, batch, own, percent, cost, limit))
    return Report(_machine(), _said(settings, sources), limits, rows, passed_over)


def _sources(folder: Path | None, running: ExitStack) -> list[Path]:
    folder = folder or (_EXAMPLES if _EXAMPLES.is_dir() else _people(running))
    found = [source for source, _ in listed([folder])]
    if not found:
        raise UsageError(f"No picture found in {folder}.", hint="Give a folder of pictures with faces.")
    return found[:: ceil(len(found) / _MOST_PICTURES)]


def _people(running: ExitStack) -> Path:
    """A folder with a picture of three of the shipped bank's people, for as long as `running` is open."""
    folder = Path(running.enter_context(TemporaryDirectory(prefix="epd-benchmark-")))
    bank = read_bank(*shipped_bank())
    Image.fromarray(np.hstack([bank.picture(number) for number in _SOME])).save(folder / "people.png")
    return folder


def _subjects(settings: BenchmarkSettings) -> tuple[list[Subject], dict[str, str]]:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(devices_by_backend).result()  # so that this process imports no runtime
    unknown = [name for name in settings.backends if name not in found]
    if unknown:
        raise BackendNotFound(f"There is no backend {unknown[0]}.", hint=f"Known: {', '.join(found)}.")
    subjects, passed_over = [], {}
    for name in settings.backends or tuple(found):
        devices = found[name]
        if isinstance(devices, SetupError):
            if settings.backends:
                raise devices
            passed_over[name] = str(devices)
            continue
        for device in settings.devices or devices:
            if settings.backends or device in devices:
                subjects.append(Subject(name, device, settings.threads, settings.weights))
            else:
                passed_over[f"{name} on {device}"] = f"it has {', '.join(devices)} only"
    if not subjects:
        told = "; ".join(f"{name}: {why}" for name, why in passed_over.items())
        raise BackendNotInstalled(f"No backend can be used: {told}.", hint="See: epd doctor")
    return subjects, passed_over


def _pictures(
    workers: Sequence[Worker],
    sources: Sequence[Path],
    settings: BenchmarkSettings,
    tell: Callable[[str], None],
) -> Iterator[Row]:
    """Rows of the whole product and of each stage. The workers take turns at each picture."""
    rounds = ceil(settings.rounds / len(sources))
    wholes: list[list[float]] = [[] for _ in workers]
    timings: list[list[Timing]] = [[] for _ in workers]
    peaks = [0] * len(workers)
    if settings.weights is None:
        for number in range(rounds + 1):
            tell(f"the whole product, {'warm-up' if number == 0 else f'round {number} of {rounds}'}")
            _each_in_turn(workers, "whole", sources, wholes if number else None)
        peaks = [worker.ask("memory") for worker in workers]
    for number in range(rounds + 1):
        tell(f"stages, {'warm-up' if number == 0 else f'round {number} of {rounds}'}")
        _each_in_turn(workers, "picture", sources, timings if number else None)
    for worker, taken, seconds, peak in zip(workers, timings, wholes, peaks, strict=True):
        faces = sum(timing.faces for timing in taken) / len(taken)
        if seconds:
            megabytes = round(peak / 1e6, 1)
            yield _paced(Kind.WHOLE, "epd deidentify -j 1", worker, seconds, faces, peak_memory_mb=megabytes)
        for stage in STAGES:
            yield _paced(Kind.STAGE, stage, worker, [timing.seconds[stage] for timing in taken], faces)
        along = [sum(timing.seconds.values()) for timing in taken]
        yield _paced(Kind.STAGE, "all stages", worker, along, faces)


def _each_in_turn(
    workers: Sequence[Worker], question: str, sources: Sequence[Path], kept: list[list[Any]] | None
) -> None:
    """Ask about every picture, A B A B; the answers are added to those of each worker."""
    for source in sources:
        for number, worker in enumerate(workers):
            answer = worker.ask(question, source)
            if kept is not None:
                kept[number].append(answer)


def _paced(kind: Kind, name: str, worker: Worker, seconds: Sequence[float], faces: float, **more: Any) -> Row:
    """A row of pictures with `faces` faces each on average, and the paces that its median makes."""
    made = row(kind, name, worker.about, seconds, **more)
    return _with_paces(made, faces)


def _with_paces(made: Row, faces: float) -> Row:
    a_second = 1000 / made.median_ms if made.median_ms else 0.0
    return replace(made, pictures_per_second=round(a_second, 3), faces_per_second=round(faces * a_second, 3))


def _limits(workers: Sequence[Worker], before: Mapping[str, Limits]) -> dict[str, Limits]:
    """The best limits seen of each device: by each worker on it, the processor's copies measured here."""
    tries = [(worker.about.device, worker.ask("limits")) for worker in workers]
    if any(device == "cpu" for device, _ in tries):
        tries.append(("cpu", limits_of("cpu")))
    found = dict(before)
    for device, measured in tries:
        if measured is not None:
            found[device] = found.get(device, measured).better(measured)
    return found


def _cases(settings: BenchmarkSettings) -> Iterator[tuple[str, int]]:
    """Networks and batches; the detector's no larger than the product makes them."""
    for name in network_names():
        yield from ((name, batch) for batch in settings.batches if name != DETECTOR or batch <= BATCH)


def _in_turn(
    workers: Sequence[Worker], name: str, batch: int, rounds: int
) -> tuple[list[list[Call]], list[float | None]]:
    """The calls of each worker, A B A B, without the warm-up; and how busy each one's card was at the end."""
    calls: list[list[Call]] = [[] for _ in workers]
    begun = time.perf_counter()
    for number in range(_WARM_UP + rounds):
        done = number - _WARM_UP
        if done >= _FEWEST and time.perf_counter() - begun > _LONGEST_SECONDS:
            break
        for worker, taken in zip(workers, calls, strict=True):
            call = worker.ask("network", name, batch, done == 0)
            if done >= 0:
                taken.append(call)
    return calls, [_busy(worker, name, batch) for worker in workers]


def _busy(worker: Worker, name: str, batch: int) -> float | None:
    """How busy a card is during two seconds of such calls; None on other devices, at once."""
    if not worker.about.device.startswith("cuda"):
        return None
    with Utilisation(worker.about.device) as utilisation:
        begun = time.perf_counter()
        while time.perf_counter() - begun < 2:
            worker.ask("network", name, batch)
    return utilisation.percent


def _cost(name: str, call: Call, weights: Path | None) -> Cost | None:
    """None where it can't be counted: without the package onnx, or for operators it can't infer shapes of."""
    try:
        return cost_of(load_network(name, weights).content(), call.shapes)
    except (SetupError, ValueError, KeyError, RuntimeError):
        return None


def _network_row(
    worker: Worker,
    name: str,
    batch: int,
    calls: Sequence[Call],
    percent: float | None,
    cost: Cost | None,
    limits: Limits | None,
) -> Row:
    seconds = [call.seconds for call in calls]
    transfer = next((call.transfer for call in calls if call.transfer), None)
    made = row(
        Kind.NETWORK,
        name,
        worker.about,
        seconds,
        batch=batch,
        utilisation_percent=percent,
        **({"host_to_device_ms": transfer[0], "device_to_host_ms": transfer[1]} if transfer else {}),
        **({"operations": cost.operations, "bytes": cost.bytes} if cost else {}),
        **(_share(cost, limits, seconds) if cost and limits else {}),
    )
    pace = round(1000 * batch / made.median_ms, 2) if made.median_ms else None
    return (
        replace(made, pictures_per_second=pace) if name == DETECTOR else replace(made, faces_per_second=pace)
    )


def _share(cost: Cost, limits: Limits, seconds: Sequence[float]) -> dict[str, Any]:
    by_operations = cost.operations / limits.operations >= cost.bytes / limits.bytes
    return {
        "limit_share": round(limits.seconds(cost.operations, cost.bytes) / median(seconds), 4),
        "bound": "operations" if by_operations else "bytes",
    }


def _machine() -> dict[str, Any]:
    held = machine.memory()
    return {
        "processor": machine.processor(),
        "cores": machine.usable_cores(),
        "memory_bytes": held.total,
        "epdcli": version("epdcli"),
    }


def _said(settings: BenchmarkSettings, sources: Sequence[Path]) -> dict[str, Any]:
    return {
        "pictures": len(sources),
        "rounds": settings.rounds,
        "threads": settings.threads,
        "batches": list(settings.batches),
        "weights": "shipped" if settings.weights is None else settings.weights.name,
    }
