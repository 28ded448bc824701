"""Codes that nobody wears."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from epdcli.training.codes import TrainingCodes


def embeddings(count: int = 400) -> np.ndarray:
    rows = np.random.default_rng(0).normal(size=(count, 128)).astype(np.float32) + 0.3
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_a_code_of_nobody_has_unit_length_and_equals_no_embedding() -> None:
    codes, draw = TrainingCodes(embeddings()), np.random.default_rng(1)
    drawn = np.stack([codes.nobody(draw) for _ in range(50)])
    assert np.allclose(np.linalg.norm(drawn, axis=1), 1, atol=1e-5)
    assert (drawn @ codes.embeddings.T).max() < 0.9


def test_foreign_codes_are_of_all_three_kinds() -> None:
    codes, draw = TrainingCodes(embeddings()), np.random.default_rng(2)
    nearest = np.array([(codes.foreign(draw) @ codes.embeddings.T).max() for _ in range(120)])
    worn, others = (nearest > 0.9999).mean(), (nearest < 0.9).mean()
    assert 0.2 < worn < 0.5 and others > 0.2


def test_what_is_saved_is_a_mean_and_a_covariance_and_nothing_else(tmp_path: Path) -> None:
    TrainingCodes(embeddings()).save(tmp_path / "codes.npz")
    stored = np.load(tmp_path / "codes.npz")
    assert {name: stored[name].shape for name in stored.files} == {"mean": (128,), "covariance": (128, 128)}
