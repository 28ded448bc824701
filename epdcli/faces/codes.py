"""Identity codes: who a new face is. Random directions, so that nobody's embedding is ever one."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from epdcli.model import Code

CODE_LENGTH = 128
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


def code_from(seed: bytes, others: Sequence[Code] = ()) -> Code:
    """The code (128,), float32, unit length, that belongs to these bytes; always the same one.

    It is drawn again while it resembles one of `others` (the codes of the picture's other new faces).
    """
    generator = np.random.Generator(np.random.Philox(int.from_bytes(seed, "big") % 2**128))
    code = _draw(generator)
    for _ in range(_DRAWS):
        if all(float(code @ other) < _DISTINCT for other in others):
            break
        code = _draw(generator)
    return code


def _draw(generator: np.random.Generator) -> Code:
    code = generator.standard_normal(CODE_LENGTH)
    return (code / np.linalg.norm(code)).astype(np.float32)
