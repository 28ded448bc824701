"""GIF with every frame: each is written as what changed since the last, in a palette of its own.

Pixels outside the faces keep their colour exactly; the new face gets the palette entries that are
left over. Where a frame's change needs more than 255 old colours, the file is refused.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import GifImagePlugin, Image

from epdcli.errors import PictureError
from epdcli.pictures.codecs.common import Decoded, Extras, Source, open_image, page_from, refusal
from epdcli.pictures.encoding import Encoding, Mode, Page
from epdcli.pictures.palette import median_cut, nearest

_TO_BACKGROUND = 2
_XMP_TRAIL = b"\1" + bytes(range(255, -1, -1)) + b"\0"  # Adobe's magic trailer: any byte leads to the end
Flags = NDArray[np.bool_]


def decode(source: Source) -> Decoded:
    """All frames of a GIF file as they are shown, one laid over the other."""
    image: Any = open_image(source)
    pages: list[Page] = []
    for number in range(image.n_frames):
        image.seek(number)
        page = page_from(np.asarray(image.convert("RGBA")), Mode.RGBA)
        if pages and page.size != pages[0].size:
            raise refusal(source, "has frames of different sizes", hint="Save it again in an editor.")
        pages.append(replace(page, milliseconds=int(image.info.get("duration", 0))))
    return Decoded(tuple(pages), None, {"loop": image.info.get("loop")})


def encode(encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes:
    """The pages as GIF. Raises PictureError when the old colours of a frame don't fit a palette."""
    target = io.BytesIO()
    height, width = pages[0].size
    target.write(b"GIF89a" + struct.pack("<HHBBB", width, height, 0x70, 0, 0))
    if encoding.settings["loop"] is not None:
        target.write(b"!\xff\x0bNETSCAPE2.0\3\1" + struct.pack("<H", encoding.settings["loop"]) + b"\0")
    if extras.mark:
        target.write(b"!\xff\x0bXMP DataXMP" + extras.mark + _XMP_TRAIL)
    for change in _changes(pages):
        target.writelines(change.blocks())
    target.write(b";")
    return target.getvalue()


@dataclass(frozen=True, eq=False)
class _Change:
    """What one frame draws over the last: indices into its palette, at an offset."""

    indices: NDArray[np.uint8]
    palette: NDArray[np.uint8]
    offset: tuple[int, int]
    clear: int | None
    milliseconds: float
    cleared_after: bool

    def blocks(self) -> list[bytes]:
        height, width = self.indices.shape
        image = Image.frombytes("P", (width, height), self.indices.tobytes())
        image.putpalette(self.palette.tobytes(), "RGB")
        options: dict[str, Any] = {"duration": self.milliseconds, "include_color_table": True}
        options["disposal"] = _TO_BACKGROUND if self.cleared_after else 1
        if self.clear is not None:
            options["transparency"] = self.clear
        return GifImagePlugin.getdata(image, self.offset, **options)


def _changes(pages: tuple[Page, ...]) -> Iterator[_Change]:
    canvas = np.zeros(pages[0].size, dtype=np.uint32)
    for number, page in enumerate(pages):
        shown, following = _packed(page), _packed(pages[number + 1]) if number + 1 < len(pages) else None
        vanishes = following is not None and bool(((following == 0) & (shown != 0)).any())
        drawn = (shown != canvas) & (shown != 0)
        # What the first frame leaves out, some readers show clear and others in the background's colour.
        whole = vanishes or number == 0
        box = (0, 0, shown.shape[1], shown.shape[0]) if whole else _box(drawn)
        here = (slice(box[1], box[3]), slice(box[0], box[2]))
        touched = np.zeros_like(drawn) if page.touched is None else page.touched
        clear_needed = vanishes or not drawn[here].all()
        if clear_needed and not vanishes and _is_full(shown[here], drawn[here] & ~touched[here]):
            drawn[here], clear_needed = True, False  # no entry is left for "transparent": draw it all
        colours, indices = _coloured(
            shown[here], drawn[here], touched[here], 255 if clear_needed else 256, number
        )
        clear = len(colours) if clear_needed else None
        if clear is not None:
            indices[~drawn[here]] = clear
            colours = np.vstack([colours, np.zeros((1, 3), np.uint8)])
        canvas = np.where(drawn, shown, canvas)
        canvas[here] = np.where(drawn[here], _pack(colours[indices]), canvas[here])
        yield _Change(indices, colours, box[:2], clear, page.milliseconds, vanishes)
        if vanishes:
            canvas = np.zeros_like(canvas)


def _coloured(
    shown: NDArray[np.uint32], drawn: Flags, touched: Flags, limit: int, number: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A palette of at most `limit` colours, m x 3, and each drawn pixel's index in it."""
    old = np.unique(shown[drawn & ~touched])
    if len(old) > limit:
        raise PictureError(
            f"Frame {number + 1} of the animation draws more than {limit} colours, which can't be kept.",
            hint="Convert it to PNG or WebP.",
        )
    colours = _unpacked(old)
    new = np.setdiff1d(shown[drawn & touched], old)
    if len(new):
        free = limit - len(old)
        fresh = _unpacked(new) if len(new) <= free else median_cut(_unpacked(shown[drawn & touched]), free)
        colours = np.vstack([colours, fresh])
    indices = np.zeros(shown.shape, dtype=np.uint8)
    if len(old):
        keep = drawn & np.isin(shown, old)
        indices[keep] = np.searchsorted(old, shown[keep]).astype(np.uint8)
    if len(new):
        change = drawn & np.isin(shown, new)
        indices[change] = nearest(_unpacked(shown[change]), colours).astype(np.uint8)
    used, renumbered = np.unique(indices[drawn], return_inverse=True)
    indices[drawn] = renumbered
    return colours[used], indices


def _is_full(shown: NDArray[np.uint32], kept: Flags) -> bool:
    """Whether the old colours take all 256 entries, and nothing is transparent."""
    return bool(shown.all()) and len(np.unique(shown[kept])) == 256


def _box(drawn: Flags) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is drawn; one pixel when nothing is."""
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if not rows.size:
        return 0, 0, 1, 1
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _packed(page: Page) -> NDArray[np.uint32]:
    """Each pixel as one number; 0 where it is transparent."""
    return _pack(page.planes[..., :3]) * (page.planes[..., 3] > 0).astype(np.uint32)


def _pack(rgb: NDArray[np.uint8]) -> NDArray[np.uint32]:
    wide = rgb.astype(np.uint32)
    return (
        np.uint32(255 << 24) | (wide[..., 0] << np.uint32(16)) | (wide[..., 1] << np.uint32(8)) | wide[..., 2]
    )


def _unpacked(colours: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.stack([colours >> 16, colours >> 8, colours], axis=-1).astype(np.uint8)
