"""The training loop: batches in, checkpoints, figures, sheets and at last a network out."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from epdcli.errors import UsageError
from epdcli.training.batches import Batch, prefetched, training_batch
from epdcli.training.checkpoint import State, new_state, restore, save
from epdcli.training.codes import TrainingCodes
from epdcli.training.data import Faces
from epdcli.training.export import write_onnx
from epdcli.training.frozen import FrozenNetworks
from epdcli.training.network import start_from, weights_of
from epdcli.training.settings import Settings
from epdcli.training.step import mean_statistics, train_step
from epdcli.training.validation import figures, held_out_batches, write_sheet


@dataclass(frozen=True)
class Rhythm:
    """How often what happens: steps a tick (one JSON line), seconds between checkpoints and between sheets;
    `seconds` and `steps` end the run, whichever comes first."""

    tick: int = 20
    checkpoint_seconds: float = 240
    sheet_seconds: float = 600
    seconds: float = float("inf")
    steps: int | None = None


def run(
    faces: Faces,
    networks: FrozenNetworks,
    out: Path,
    settings: Settings,
    rhythm: Rhythm,
    *,
    init: Path | None = None,
    resume: bool = False,
    tell: Callable[[dict[str, object]], None] = lambda line: None,
) -> State:
    """Train in the folder `out` until the rhythm's end, SIGINT, SIGTERM, or the first loss that is no number.

    Leaves `checkpoint.pt`, `log.jsonl`, `sheet-*.png`, `generator.onnx` (EMA) and `codes_gaussian.npz`;
    `pid` holds the process while it runs. `init` is an exported generator or a checkpoint to start from.
    Raises `UsageError` where a run would be overwritten, `FloatingPointError` at NaN.
    """
    device = next(networks.identity.buffers()).device
    state, settings = _beginning(out, settings, init, resume, device)
    if device.type == "cuda":
        state.generator.compile()
    codes = TrainingCodes(faces.embeddings[~faces.held_out])
    codes.save(out / "codes_gaussian.npz")
    held_out = [batch.to(device) for batch in held_out_batches(faces, codes)]
    rank = int(os.environ.get("RANK", "0"))

    def make(number: int) -> Batch:
        return training_batch(
            faces, codes, settings.batch, settings.own_share, (settings.seed + rank, number)
        )

    def tick(**line: object) -> None:
        said = {
            "step": state.step,
            "faces": state.faces_seen,
            "seconds": round(time.monotonic() - began),
            **line,
        }
        if rank == 0:
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(said) + "\n")
        tell(said)

    def look() -> None:
        if held_out and rank == 0:
            write_sheet(state.ema, held_out, out / f"sheet-{state.step:06d}.png")
            tick(held_out=figures(state.ema, held_out, networks))

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a background job may have SIGINT ignored
    (out / "pid").write_text(f"{os.getpid()}\n")
    (out / "settings.json").write_text(json.dumps(asdict(settings), indent=1))
    began = saved = looked = time.monotonic()
    look()
    before = state.faces_seen
    recent: list[dict[str, float]] = []
    try:
        for batch in prefetched(make, state.step):
            recent.append(train_step(state, batch.to(device), networks, settings))
            now = time.monotonic()
            if len(recent) == rhythm.tick:
                tick(
                    **mean_statistics(recent),
                    faces_a_second=round((state.faces_seen - before) / (now - began), 2),
                )
                recent = []
            if now - saved > rhythm.checkpoint_seconds and rank == 0:
                save(state, settings, out / "checkpoint.pt")
                saved = now
            if now - looked > rhythm.sheet_seconds:
                look()
                looked = time.monotonic()
            if now - began > rhythm.seconds or (rhythm.steps is not None and state.step >= rhythm.steps):
                break
    except KeyboardInterrupt:
        tick(stopped="interrupted")
    finally:
        (out / "pid").unlink(missing_ok=True)
    if rank == 0:
        save(state, settings, out / "checkpoint.pt")
        write_onnx(state.ema, out / "generator.onnx")
    look()
    return state


def _beginning(
    out: Path, settings: Settings, init: Path | None, resume: bool, device: torch.device
) -> tuple[State, Settings]:
    checkpoint = out / "checkpoint.pt"
    out.mkdir(parents=True, exist_ok=True)
    if checkpoint.exists() and not resume:
        raise UsageError(f"{out} holds a run already.", hint="Go on with --resume, or name another folder.")
    state = new_state(settings, device)
    if resume and checkpoint.exists():
        restore(state, checkpoint)
    elif init is not None:
        try:
            weights = weights_of(init)
            start_from(state.generator, weights)
            start_from(state.ema, weights)
        except (ValueError, OSError) as error:
            raise UsageError(
                f"Training can't start from {init}: {error}.",
                hint="Name a generator.onnx or a checkpoint.pt.",
            ) from error
        settings = replace(settings, identity_from=0, identity_over=0)
    return state, settings
