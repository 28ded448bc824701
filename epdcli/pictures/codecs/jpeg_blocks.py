"""Blocks of a JPEG file that hold nothing new, taken over as coefficients: no rounding, no loss.

Encoding decoded pixels with the source's own tables gives most blocks their old coefficients, but not all:
about a quarter are off by a rounding, mostly of chroma that was subsampled. Where pyjpegio is installed and
files can live in memory (Linux), they are put back as they were.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 8
_ROUNDING = 8.0  # levels of a block's root mean square that decoding and encoding again may cost


def available() -> bool:
    """Whether blocks can be copied here.

    pyjpegio reads and writes named files only. A source's bytes must not lie in a temporary folder, where a
    killed run would leave them; so it takes Linux's files in memory.
    """
    try:
        import jpegio  # noqa: F401  one that doesn't load is as good as none
    except ImportError:
        return False
    return hasattr(os, "memfd_create")


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
                pixels = _pixels_of_a_block(after, number)
                keep = ~_blocks_touched(touched, pixels, planes.shape)
                old_planes, table = before.coef_arrays[number], _tables(after)[number]
                keep &= ~_hides_something(old_planes, planes, table, pixels, touched.shape)
                np.copyto(_in_blocks(planes), _in_blocks(old_planes), where=keep[:, None, :, None])
            del before, old_planes  # six bytes a pixel, and the result is read next
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


def _in_blocks(planes: NDArray[Any]) -> NDArray[Any]:
    """A view of a component's coefficients: rows of blocks x 8 x columns of blocks x 8."""
    rows, columns = planes.shape
    return planes.reshape(rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK)


def _blocks_touched(
    touched: NDArray[np.bool_], pixels: tuple[int, int], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Rows x columns of blocks: whether any of a block's pixels is touched."""
    rows, columns = shape[0] // _BLOCK, shape[1] // _BLOCK
    padded = np.zeros((rows * pixels[0], columns * pixels[1]), dtype=bool)
    height, width = min(touched.shape[0], padded.shape[0]), min(touched.shape[1], padded.shape[1])
    padded[:height, :width] = touched[:height, :width]
    in_rows = padded.reshape(rows, pixels[0], -1).any(axis=1)
    return np.asarray(in_rows.reshape(rows, columns, pixels[1]).any(axis=2))


def _hides_something(
    old: NDArray[Any], new: NDArray[Any], table: NDArray[Any], pixels: tuple[int, int], size: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Rows x columns of blocks: whether a block reaches beyond the picture's edge, and holds there what no
    encoder would make of its visible part, as in a file that was cropped by its header alone.

    `old` and `new` are a component's coefficients in steps of `table` (8 x 8). Theirs is an orthonormal
    transform: what they are apart there, the pixels are here.
    """
    hides = np.zeros((old.shape[0] // _BLOCK, old.shape[1] // _BLOCK), dtype=bool)
    below, right = size[0] // pixels[0], size[1] // pixels[1]  # the first blocks that reach beyond the edge
    for edge in (np.s_[below:, :], np.s_[:, right:]):
        part = tuple(slice(None if s.start is None else s.start * _BLOCK, None) for s in edge)
        apart = _in_blocks(old[part].astype(np.float32) - new[part])
        hides[edge] |= np.sqrt(((apart * table[:, None, :]) ** 2).mean(axis=(1, 3))) > _ROUNDING
    return hides


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """A name under which a file that lies in memory can be opened."""
    handle = os.memfd_create("epd")
    try:
        os.write(handle, content)
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)
