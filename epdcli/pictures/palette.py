"""New pixels for pictures with a palette: kept entries stay, freed entries take the new colours."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from epdcli.model import Pixels
from epdcli.pictures.encoding import Page


def recolour(page: Page, frame: Pixels, touched: NDArray[np.bool_]) -> Page:
    """The page with its touched pixels drawn in colours of `frame`.

    Entries that untouched pixels use stay as they are, at their index, so that those pixels are
    bit-identical. All others are wiped, for they may be the old face's colours, and filled with
    the new pixels' (median cut); each new pixel then takes the nearest opaque entry.
    `frame` is H x W x 3 RGB, `touched` bool H x W.
    """
    assert page.palette is not None
    limit = min(2**page.bits, 256)
    used = np.zeros(limit, dtype=bool)
    used[np.unique(page.planes[~touched])] = True
    free = np.flatnonzero(~used)
    palette = np.zeros((limit, 4), dtype=np.uint8)
    palette[: len(page.palette)] = page.palette[:limit]
    palette[free] = (0, 0, 0, 255)
    colours = frame[touched]
    if free.size:
        fresh = median_cut(colours, int(free.size))
        palette[free[: len(fresh)], :3] = fresh
    choices = np.flatnonzero((palette[:, 3] == 255) & (used | np.isin(np.arange(limit), free)))
    if not choices.size:  # every entry is in use and none is opaque
        choices = np.arange(limit)
    planes = page.planes.copy()
    planes[touched] = choices[nearest(colours, palette[choices, :3])]
    return wiped(replace(page, planes=planes, palette=palette))


def wiped(page: Page) -> Page:
    """The page with the palette entries that no pixel uses set to black and its end cut off."""
    assert page.palette is not None
    used = np.zeros(256, dtype=bool)
    used[np.unique(page.planes)] = True
    length = int(np.flatnonzero(used).max()) + 1
    palette = np.zeros((length, 4), dtype=np.uint8)
    palette[: len(page.palette)] = page.palette[:length]
    palette[~used[:length]] = (0, 0, 0, 255)
    palette[palette[:, 3] == 0] = (0, 0, 0, 0)
    return replace(page, palette=palette)


def median_cut(colours: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """At most `count` colours that stand for `colours` (n x 3), m x 3."""
    if count < 1:
        return np.zeros((0, 3), dtype=np.uint8)
    from PIL import Image

    reduced = Image.fromarray(colours[None]).quantize(count, Image.Quantize.MEDIANCUT)
    return np.array(reduced.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)[:count]


def nearest(colours: NDArray[np.uint8], entries: NDArray[np.uint8]) -> NDArray[np.intp]:
    """The index of the nearest entry for each colour, by distance in RGB; n x 3 and m x 3."""
    distinct, where = np.unique(colours, axis=0, return_inverse=True)
    points, targets = distinct.astype(np.float32), entries.astype(np.float32)
    distances = (targets**2).sum(axis=1) - 2 * points @ targets.T
    return distances.argmin(axis=1)[where.ravel()]
