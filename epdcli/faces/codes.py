"""Identity codes: who a new face is. Samples of a fitted Gaussian, so nobody's embedding is ever worn."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from epdcli.model import Code

_DISTINCT = 0.5  # cosine: two codes of one picture closer than this would look like twins
_DRAWS = 64


class CodeSource(Protocol):
    """Gives 32 bytes for a face: `name` is the picture's relative path, `face` its number in it."""

    @property
    def label(self) -> str:
        """What the manifest says of it: never a secret."""
        ...

    def seed(self, name: str, face: int, attempt: int) -> bytes: ...


@dataclass(frozen=True)
class RandomCodes:
    """The default: every face gets bytes of the system's generator; nothing can be repeated or linked."""

    label: str = "random"

    def seed(self, name: str, face: int, attempt: int) -> bytes:
        return os.urandom(32)


@dataclass(frozen=True)
class SeededCodes:
    """Deterministic across runs, backends and numbers of workers. Anyone who knows the seed can repeat it."""

    number: int

    @property
    def label(self) -> str:
        return str(self.number)

    def seed(self, name: str, face: int, attempt: int) -> bytes:
        return hashlib.sha256(_message(f"seed {self.number}", name, face, attempt)).digest()


@dataclass(frozen=True, repr=False)
class KeyedCodes:
    """Repeatable by the owner of the key, unlinkable for everybody else: HMAC-SHA256 (RFC 2104)."""

    key: bytes
    label: str = "keyed"

    def seed(self, name: str, face: int, attempt: int) -> bytes:
        return hmac.new(self.key, _message("key", name, face, attempt), hashlib.sha256).digest()


def _message(kind: str, name: str, face: int, attempt: int) -> bytes:
    return "\0".join((kind, name, str(face), str(attempt))).encode("utf-8", "surrogateescape")


@dataclass(frozen=True, eq=False)
class CodeDistribution:
    """A Gaussian over the embedding space: `mean` (d,), `factor` (d, d); factor @ factor.T = covariance."""

    mean: NDArray[np.float64]
    factor: NDArray[np.float64]

    @classmethod
    def load(cls, path: Path) -> CodeDistribution:
        """Read `mean` and `covariance` of an .npz file."""
        with np.load(path, allow_pickle=False) as stored:
            mean, covariance = stored["mean"].astype(np.float64), stored["covariance"].astype(np.float64)
        jitter = 1e-9 * np.trace(covariance) / len(mean)
        return cls(mean, np.linalg.cholesky(covariance + jitter * np.eye(len(mean))))

    def sample(self, seed: bytes) -> Code:
        """The code (d,), float32, unit length, that belongs to these bytes; always the same one."""
        return self._draw(np.random.Generator(np.random.Philox(int.from_bytes(seed, "big") % 2**128)))

    def sample_distinct(self, seed: bytes, others: Sequence[Code]) -> Code:
        """Like `sample`, but drawn again while it resembles one of `others` (the picture's new faces)."""
        generator = np.random.Generator(np.random.Philox(int.from_bytes(seed, "big") % 2**128))
        code = self._draw(generator)
        for _ in range(_DRAWS):
            if all(float(code @ other) < _DISTINCT for other in others):
                break
            code = self._draw(generator)
        return code

    def _draw(self, generator: np.random.Generator) -> Code:
        code = self.mean + self.factor @ generator.standard_normal(len(self.mean))
        return (code / np.linalg.norm(code)).astype(np.float32)
