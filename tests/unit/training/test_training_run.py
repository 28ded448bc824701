"""Twenty steps on drawn faces: it learns, it stops and goes on exactly, and it leaves a network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from epdcli.errors import UsageError  # noqa: E402
from epdcli.training import losses  # noqa: E402
from epdcli.training.batches import assembled  # noqa: E402
from epdcli.training.checkpoint import new_state, restore, save  # noqa: E402
from epdcli.training.data import Faces, measured_faces  # noqa: E402
from epdcli.training.export import read_discriminator  # noqa: E402
from epdcli.training.loop import Rhythm, Start, run  # noqa: E402
from epdcli.training.settings import Settings, Weights  # noqa: E402
from epdcli.training.step import pasted, train_step  # noqa: E402
from tests.unit.training.drawn import drawn_networks, write_shard  # noqa: E402

SETTINGS = Settings(batch=2, rate=2e-3, warm_up=1, own_share=0.5, realism_over=5, identity_from=5)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Faces:
    folder = tmp_path_factory.mktemp("shards")
    write_shard(folder / "faces-000.tar", 9)
    write_shard(folder / "faces-001.tar", 9, first=9)
    return measured_faces(folder, tmp_path_factory.mktemp("cache"), 128, drawn_networks(), cut_faces_kept=2)


def fixed_batch(faces: Faces):
    chosen = np.arange(2)
    return assembled(faces, chosen, faces.embeddings[chosen], np.ones(2, bool))


def reconstruction_error(state, batch) -> float:
    with torch.no_grad():
        out = pasted(state.generator, batch)
    return float(losses.reconstruction(out, batch.pixels, batch.mask, batch.focus))


def test_twenty_steps_halve_the_reconstruction_of_a_fixed_batch(faces: Faces) -> None:
    settings = replace(
        SETTINGS, rate=4e-4, weights=Weights(realism=0, features=0, expression_features=0, landmarks=0)
    )
    state, batch, networks = new_state(settings, CPU), fixed_batch(faces), drawn_networks()
    before = reconstruction_error(state, batch)
    for _ in range(20):
        train_step(state, batch, networks, settings)
    assert reconstruction_error(state, batch) < before / 2


def test_a_resumed_run_continues_bit_for_bit(faces: Faces, tmp_path: Path) -> None:
    networks = drawn_networks()
    whole = run(faces, networks, tmp_path / "whole", SETTINGS, Rhythm(steps=4))
    run(faces, networks, tmp_path / "parts", SETTINGS, Rhythm(steps=2))
    parts = run(faces, networks, tmp_path / "parts", SETTINGS, Rhythm(steps=4), resume=True)
    for part in ("generator", "ema", "discriminator"):
        one, two = (getattr(state, part).state_dict() for state in (whole, parts))
        assert all(torch.equal(one[name], two[name]) for name in one), part


def test_a_warm_start_that_is_resumed_continues_bit_for_bit(faces: Faces, tmp_path: Path) -> None:
    networks = drawn_networks()
    run(faces, networks, tmp_path / "first", SETTINGS, Rhythm(steps=1))
    warm = Start(tmp_path / "first" / "generator.onnx", tmp_path / "first" / "discriminator.pt")
    whole = run(faces, networks, tmp_path / "whole", SETTINGS, Rhythm(steps=3), start=warm)
    run(faces, networks, tmp_path / "parts", SETTINGS, Rhythm(steps=1), start=warm)
    parts = run(faces, networks, tmp_path / "parts", SETTINGS, Rhythm(steps=3), resume=True)
    assert torch.equal(whole.generator.e1.weight, parts.generator.e1.weight)


def test_the_next_run_starts_from_the_last_ones_discriminator(faces: Faces, tmp_path: Path) -> None:
    last = run(faces, drawn_networks(), tmp_path, SETTINGS, Rhythm(steps=1))
    other = new_state(replace(SETTINGS, seed=9), CPU).discriminator
    read_discriminator(other, tmp_path / "discriminator.pt")
    wanted = last.discriminator.judge.weight.half().float()
    assert torch.equal(other.judge.weight, wanted)
    torch.save({}, tmp_path / "wrong.pt")
    with pytest.raises(ValueError, match="discriminator"):
        read_discriminator(other, tmp_path / "wrong.pt")


def test_a_run_leaves_what_the_product_needs(faces: Faces, tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    state = run(faces, drawn_networks(), tmp_path, SETTINGS, Rhythm(tick=1, steps=2))
    assert {"checkpoint.pt", "generator.onnx", "codes_gaussian.npz", "log.jsonl"} <= {
        p.name for p in tmp_path.iterdir()
    }
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [1, 2]
    batch = fixed_batch(faces)
    inputs = {name: getattr(batch, name).numpy() for name in ("context", "code", "expression")}
    session = onnxruntime.InferenceSession(tmp_path / "generator.onnx")
    (face,) = session.run(["face"], inputs)
    with torch.no_grad():
        expected = state.ema(batch.context, batch.code, batch.expression).numpy()
    assert np.abs(face - expected).max() < 1e-4
    operators = {node.op_type for node in onnx.load(tmp_path / "generator.onnx").graph.node}
    assert "Shape" not in operators, "every size is fixed when the network is built"


def test_a_run_is_not_overwritten_without_resume(faces: Faces, tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"")
    with pytest.raises(UsageError):
        run(faces, drawn_networks(), tmp_path, SETTINGS, Rhythm(steps=1))


def test_training_stops_at_the_first_loss_that_is_not_a_number(faces: Faces) -> None:
    state, batch = new_state(SETTINGS, CPU), fixed_batch(faces)
    batch.pixels[0, 0, 0, 0] = float("nan")
    with pytest.raises(FloatingPointError):
        train_step(state, batch, drawn_networks(), SETTINGS)
    assert state.step == 0


def test_a_checkpoint_is_written_whole_and_read_back(tmp_path: Path) -> None:
    state = new_state(SETTINGS, CPU)
    state.step = 41
    save(state, SETTINGS, tmp_path / "checkpoint.pt")
    other = new_state(replace(SETTINGS, seed=9), CPU)
    restore(other, tmp_path / "checkpoint.pt")
    assert other.step == 41
    assert torch.equal(other.generator.e1.weight, state.generator.e1.weight)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_faces_that_are_cut_off_are_thinned_out_and_masked(faces: Faces) -> None:
    assert len(faces.pixels) == 15  # 12 whole ones, and every second of the 6 cut ones
    cut = int(np.flatnonzero(faces.quads[:, 0, 1] > 0)[0])
    batch = assembled(faces, np.array([cut]), faces.embeddings[[cut]], np.ones(1, bool))
    assert batch.mask[0, 0, :28].max() == 0, "nothing above the picture's upper edge is trained on"
    assert batch.mask[0, 0, 70, 64] == 1
