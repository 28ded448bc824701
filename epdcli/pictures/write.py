"""Arrays to files: touched pixels from the new frames, everything else as it was, nothing besides."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from epdcli.errors import PictureError
from epdcli.model import Pixels
from epdcli.pictures.codecs import Extras, codec
from epdcli.pictures.encoding import PictureFile
from epdcli.pictures.metadata import MARK, Keep, exif_packet
from epdcli.pictures.planes import merge


def write(
    file: PictureFile,
    frames: Sequence[Pixels],
    touched: Sequence[NDArray[np.bool_]],
    path: Path,
    *,
    opaque: Sequence[NDArray[np.bool_]] | None = None,
    mark: bool = False,
    keep: frozenset[Keep] = frozenset(),
) -> None:
    """Write `frames` in the encoding that `file` was read from, exactly to `path`.

    `frames` and `touched` (bool H x W) answer `file.frames` one to one. Pixels outside `touched`
    come from the file's own planes, bit for bit; in JPEG and other lossy formats they are encoded
    again. Touched pixels keep their alpha, those of `opaque` (as `touched`) become opaque. No metadata
    is written but the resolution, the bare colour profile, with `mark` the packet that says a face was
    generated, and the EXIF values that `keep` names (JPEG, PNG, WebP, AVIF, HEIC).
    The file is flushed to the disk. Raises PictureError.
    """
    _check(file, frames, touched)
    clear = opaque or [np.zeros_like(flags) for flags in touched]
    pages = tuple(map(merge, file.encoding.pages, frames, touched, clear))
    extras = Extras(MARK if mark and file.encoding.holds_mark else b"", exif_packet(file.encoding.exif, keep))
    data = codec(file.encoding.format).encode(file.encoding, pages, extras)
    try:
        with path.open("wb") as target:
            target.write(data)
            target.flush()
            os.fsync(target.fileno())
    except OSError as error:
        reason = error.strerror or str(error)
        raise PictureError(
            f"{path.name} can't be written ({reason}).",
            hint="Check the output folder's space and permissions.",
        ) from error


def _check(file: PictureFile, frames: Sequence[Pixels], touched: Sequence[NDArray[np.bool_]]) -> None:
    if not len(frames) == len(touched) == len(file.frames):
        raise ValueError(f"expected {len(file.frames)} frames, got {len(frames)} and {len(touched)} masks")
    for old, new, flags in zip(file.frames, frames, touched, strict=True):
        if new.dtype != np.uint8 or new.shape != old.shape:
            raise ValueError(f"expected uint8 {old.shape}, got {new.dtype} {new.shape}")
        if flags.dtype != np.bool_ or flags.shape != old.shape[:2]:
            raise ValueError(f"expected bool {old.shape[:2]}, got {flags.dtype} {flags.shape}")
