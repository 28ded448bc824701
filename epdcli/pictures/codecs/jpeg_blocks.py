"""Blocks of a JPEG file that hold nothing new, taken over as coefficients: no rounding, no loss.

Encoding decoded pixels with the source's own tables gives most blocks their old coefficients, but not all:
about a quarter are off by a rounding, mostly of chroma that was subsampled. Where pyjpegio is installed and
files can live in memory (Linux), they are put back as they were.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 8


def available() -> bool:
    """Whether blocks can be copied here.

    pyjpegio reads and writes named files only. A source's bytes must not lie in a temporary folder, where a
    killed run would leave them; so it takes Linux's files in memory.
    """
    return hasattr(os, "memfd_create") and find_spec("jpegio") is not None


def with_old_blocks(old: bytes, new: bytes, touched: NDArray[np.bool_]) -> bytes:
    """`new` with the coefficients of `old` in every block that `touched` (H x W) leaves alone.

    Both are JPEG files of the same picture. `new` comes back as it is where they differ in components, sizes,
    sampling or tables, or where pyjpegio can't read the source.
    """
    import jpegio

    try:
        with _in_memory(old) as source, _in_memory(new) as target, _in_memory(b"") as result:
            before, after = jpegio.read(source), jpegio.read(target)
            if not _alike(before, after):
                return new
            for number, planes in enumerate(after.coef_arrays):
                keep = ~_blocks_touched(touched, _pixels_of_a_block(after, number), planes.shape)
                mask = np.kron(keep, np.ones((_BLOCK, _BLOCK), dtype=bool))
                planes[mask] = before.coef_arrays[number][mask]
            after.optimize_coding = True  # the tables at hand may lack codes that the old blocks need
            jpegio.write(after, result)
            if not all(map(np.array_equal, jpegio.read(result).coef_arrays, after.coef_arrays)):
                return new
            with open(result, "rb") as finished:  # noqa: PTH123  a file in memory has no other name
                return finished.read()
    except (RuntimeError, OSError, ValueError):  # what it raises for files that only Pillow can read
        return new


def _alike(one: Any, two: Any) -> bool:
    parts = range(len(two.comp_info))
    return (
        [plane.shape for plane in one.coef_arrays] == [plane.shape for plane in two.coef_arrays]
        and all(map(np.array_equal, _tables(one), _tables(two)))
        and (one.image_width, one.image_height) == (two.image_width, two.image_height)
        and one.jpeg_color_space == two.jpeg_color_space
        and all(_pixels_of_a_block(one, part) == _pixels_of_a_block(two, part) for part in parts)
    )


def _tables(file: Any) -> list[NDArray[Any]]:
    """The quantisation table of each component."""
    return [file.quant_tables[part.quant_tbl_no] for part in file.comp_info]


def _sampling(component: Any) -> tuple[int, int]:
    return component.h_samp_factor, component.v_samp_factor


def _pixels_of_a_block(file: Any, number: int) -> tuple[int, int]:
    """How many rows and columns of the picture a block of a component covers."""
    across, down = _sampling(file.comp_info[number])
    widest = max(part.h_samp_factor for part in file.comp_info)
    highest = max(part.v_samp_factor for part in file.comp_info)
    return _BLOCK * highest // down, _BLOCK * widest // across


def _blocks_touched(
    touched: NDArray[np.bool_], pixels: tuple[int, int], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Rows x columns of blocks: whether any of a block's pixels is touched."""
    rows, columns = shape[0] // _BLOCK, shape[1] // _BLOCK
    padded = np.zeros((rows * pixels[0], columns * pixels[1]), dtype=bool)
    height, width = min(touched.shape[0], padded.shape[0]), min(touched.shape[1], padded.shape[1])
    padded[:height, :width] = touched[:height, :width]
    return np.asarray(padded.reshape(rows, pixels[0], columns, pixels[1]).any(axis=(1, 3)))


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """A name under which a file that lies in memory can be opened."""
    handle = os.memfd_create("epd")
    try:
        os.write(handle, content)
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)
