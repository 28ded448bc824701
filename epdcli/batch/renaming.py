"""Names for outputs that say nothing: file and folder names may hold a person's.

A name is replaced by its keyed hash (HMAC-SHA256, RFC 2104, of which 80 bits are kept). Without the key
nobody can try names until one fits. Which name became which stands in the manifest, and nowhere else.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Any

from epdcli import pictures

_KEY_BYTES, _DIGITS = 32, 20


class Rename(StrEnum):
    """What outputs are called: as their sources, or by keyed hashes."""

    KEEP = "keep"
    HASH = "hash"


@dataclass(frozen=True)
class Names:
    """How a run names its outputs. `key` None keeps names; `drawn` says that the key is this run's own."""

    key: bytes | None = None
    drawn: bool = False

    def __call__(self, name: str) -> str:
        """The output's relative path for a source's. Each folder's name depends on the whole way to it, so
        folders of one name in two places can't be told to have it; suffixes are kept, in lower case."""
        if self.key is None:
            return name
        path = PurePosixPath(name)
        folders = [self._hash(parent.as_posix()) for parent in reversed(path.parents) if parent.name]
        suffix = path.suffix.lower() if path.suffix.lower() in pictures.SUFFIXES else ""
        return "/".join([*folders, self._hash(name) + suffix])

    @property
    def about(self) -> Mapping[str, str]:
        """What the manifest says, so that the run can go on under the same names. A user's key is never told,
        only whether it is the same; one that was drawn for the run says no more than the manifest, which
        lists the names themselves."""
        if self.key is None:
            return {"rename": Rename.KEEP.value}
        told = {"name_key": self.key.hex()} if self.drawn else {"name_key_check": self._hash("")}
        return {"rename": Rename.HASH.value, **told}

    def _hash(self, path: str) -> str:
        message = b"name\0" + path.encode("utf-8", "surrogateescape")
        assert self.key is not None
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()[:_DIGITS]


def names(rename: Rename, key: bytes | None, earlier: Mapping[str, Any] | None) -> Names:
    """The names of a run: by the user's `key`, by the key that an `earlier` run into the same output drew
    (its manifest or journal says it), or by a new one."""
    if rename is Rename.KEEP:
        return Names()
    if key is not None:
        return Names(key)
    return Names(_drawn(earlier or {}) or os.urandom(_KEY_BYTES), drawn=True)


def _drawn(earlier: Mapping[str, Any]) -> bytes | None:
    try:
        key = bytes.fromhex(earlier["name_key"])
    except (KeyError, TypeError, ValueError):
        return None
    return key if len(key) == _KEY_BYTES else None
