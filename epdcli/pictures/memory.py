"""How much memory is free now: a picture that can't fit is refused before the system ends the process."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

BYTES_A_PIXEL = 32
"""Measured for reading, writing and checking a file of 48 megapixels: PNG 16, JPEG and RGBA TIFF 32."""

_SYSTEM = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def free_bytes() -> int | None:
    """Memory that can be had without swapping, within the limit of this process's group; None if unknown."""
    found = [amount for amount in (_of_the_system(), _of_the_group()) if amount is not None]
    return min(found, default=None)


def _of_the_system() -> int | None:
    with suppress(OSError, ValueError):
        for line in _SYSTEM.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _of_the_group() -> int | None:
    """What a container may take yet (control groups, version 2); its file cache can be given back."""
    with suppress(OSError, ValueError, KeyError):
        most = (_GROUP / "memory.max").read_text().strip()
        if most != "max":
            said = dict(line.split() for line in (_GROUP / "memory.stat").read_text().splitlines())
            used = int((_GROUP / "memory.current").read_text()) - int(said["inactive_file"])
            return max(0, int(most) - used)
    return None
