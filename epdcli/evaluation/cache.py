"""Answers that were measured before, by the content of what was measured: a killed evaluation goes on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from epdcli.files import PARTIAL

Answers = dict[str, NDArray[np.float32]]


class Cache:
    """Named arrays for each key, one small file a key; without a folder, in memory.

    What it holds are embeddings of real faces: the folder is not for release.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._held: dict[str, Answers] = {}

    def load(self, key: str) -> Answers:
        """What is stored under a key; empty where there is nothing or the file is damaged."""
        if self._folder is None:
            return dict(self._held.get(key, {}))
        try:
            with np.load(self._path(key), allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except (OSError, ValueError, BadZipFile, EOFError):
            return {}

    def store(self, key: str, answers: Mapping[str, NDArray[np.float32]]) -> None:
        """Replace what is stored under a key; the file is written beside its name and renamed."""
        if self._folder is None:
            self._held[key] = dict(answers)
            return
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = BytesIO()
        np.savez(content, allow_pickle=False, **dict(answers))
        beside = path.with_name(f"{PARTIAL}{os.getpid()}-{path.name}")
        beside.write_bytes(content.getvalue())
        beside.replace(path)

    def _path(self, key: str) -> Path:
        assert self._folder is not None
        return self._folder / key[:2] / f"{key}.npz"


def key_of(*parts: str | bytes) -> str:
    """A key for what was measured: the SHA-256 of its parts."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()
