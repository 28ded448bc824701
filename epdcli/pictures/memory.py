"""How much memory a picture may take: one that can't fit is refused before the system ends the process."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import Image

MAX_PIXELS = 178_956_970
"""Twice Pillow's own warning limit: 0.5 GiB of RGB. Counted over all pages of a file together."""

BYTES_A_PIXEL = 32
"""Measured for reading, writing and checking a file of 48 megapixels: PNG 16, JPEG and RGBA TIFF 32."""

_SYSTEM = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def free_bytes() -> int | None:
    """Memory that can be had without swapping, within the limit of this process's group; None if unknown."""
    found = [amount for amount in (_of_the_system(), _of_the_group()) if amount is not None]
    return min(found, default=None)


@contextmanager
def pillow_limited(max_pixels: int) -> Iterator[None]:
    """With our limit in place of Pillow's, for sizes that come up while decoding; without its remarks."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, (max_pixels + 1) // 2  # it raises at twice that
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


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
