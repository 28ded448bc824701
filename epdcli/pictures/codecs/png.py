"""PNG in every depth and colour type, and APNG with all its frames."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from epdcli.pictures.codecs.common import (
    Decoded,
    Extras,
    Source,
    dpi_of,
    image_of,
    kept_values,
    open_image,
    orientation_of,
    page_from,
    page_of,
    refusal,
)
from epdcli.pictures.containers.png import SIGNATURE, chunk, chunks, says_colours
from epdcli.pictures.encoding import Encoding, Mode, Page
from epdcli.pictures.planes import upright
from epdcli.pictures.profile import neutral_profile

_COLOUR_TYPES = {Mode.GREY: 0, Mode.RGB: 2, Mode.GREY_ALPHA: 4, Mode.RGBA: 6}
_SHOWN = {0: "L", 2: "RGB", 3: "RGB", 4: "LA", 6: "RGBA"}  # by the header's colour type
_FEWEST_ENTRIES = {8: 17, 4: 5, 2: 3}  # with fewer Pillow writes smaller indices than the source had
_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"pHYs"}


Chunk: TypeAlias = tuple[bytes, bytes]


def decode(source: Source) -> Decoded:
    """All frames of a PNG file, in the file's own depth. Raises PictureError for 16-bit animations."""
    image: Any = open_image(source)
    bits, orientation = source.data[24], orientation_of(image)
    colours = [(name, content) for name, _, content in chunks(source.data) if says_colours(name, content)]
    settings: dict[str, Any] = {"colours": dict(colours)}
    if getattr(image, "n_frames", 1) > 1:
        if bits == 16:
            raise refusal(source, "is an animation with 16 bits a sample")
        settings |= {
            "loop": image.info.get("loop", 0),
            "default_image": image.info.get("default_image", False),
        }
        pages = tuple(_frames(image, source, orientation))
    elif bits == 16 and image.mode not in ("I;16", "I"):
        pages = (_deep(source, image, orientation),)
    else:
        pages = (page_of(image, source, orientation=orientation, bits=bits),)
    if gamma := settings["colours"].get(b"gAMA"):
        pages = tuple(replace(page, gamma=int.from_bytes(gamma) / 100_000) for page in pages)
    return Decoded(pages, dpi_of(image, orientation), settings, kept_values(image))


def encode(encoding: Encoding, pages: tuple[Page, ...], extras: Extras) -> bytes:
    """The pages as PNG: what Pillow wrote, of which only needed chunks are kept, and ours in front."""
    page = pages[0]
    grey = page.mode is Mode.GREY and page.bits in (2, 4)
    data = _plain(page) if grey or page.planes.dtype == np.uint16 else _by_pillow(page)
    parts = [(name, content) for name, _, content in chunks(data) if name in _KEPT]
    if len(pages) > 1:
        parts = _animation(encoding, pages, parts)
    ours = [(name, content) for name, content in encoding.settings["colours"].items()]
    if encoding.profile:
        ours = [(name, content) for name, content in ours if name == b"gAMA"]
        ours.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(encoding.profile)))
    if encoding.dpi:
        ours.append((b"pHYs", struct.pack(">IIB", *(round(value / 0.0254) for value in encoding.dpi), 1)))
    if extras.mark:
        ours.append((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + extras.mark))
    if extras.exif:
        ours.append((b"eXIf", extras.exif))
    return SIGNATURE + b"".join(chunk(*part) for part in (parts[0], *ours, *parts[1:]))


def _by_pillow(page: Page) -> bytes:
    target = io.BytesIO()
    options: dict[str, Any] = {}
    if page.key is not None:
        options["transparency"] = page.key if len(page.key) > 1 else page.key[0]
    if page.mode is Mode.PALETTE:
        page = _with_enough_entries(page)
        assert page.palette is not None
        options["bits"] = page.bits
        if (page.palette[:, 3] < 255).any():
            options["transparency"] = page.palette[:, 3].tobytes()
    image_of(page).save(target, "PNG", **options)
    return target.getvalue()


def _animation(encoding: Encoding, pages: tuple[Page, ...], parts: list[Chunk]) -> list[Chunk]:
    """The chunks of an APNG: every frame whole and with its own time, also those equal to the last.

    `parts` are the first page's chunks. A default picture is shown only by viewers that can't play.
    """
    still = encoding.settings["default_image"]
    control = struct.pack(">II", len(pages) - still, encoding.settings["loop"])
    animated, number = [parts[0], (b"acTL", control)], 0
    for place, page in enumerate(pages):
        data = b"".join(content for name, _, content in chunks(_by_pillow(page)) if name == b"IDAT")
        if place >= still:
            animated.append((b"fcTL", _frame_control(page, number)))
            number += 1
        if place == 0:
            animated.append((b"IDAT", data))
        else:
            animated.append((b"fdAT", struct.pack(">I", number) + data))
            number += 1
    return [*animated, (b"IEND", b"")]


def _frame_control(page: Page, number: int) -> bytes:
    height, width = page.size
    delay = Fraction(page.milliseconds / 1000).limit_denominator(1000)
    delay = delay if delay.numerator < 65536 else Fraction(65535)
    return struct.pack(">IIIIIHHBB", number, width, height, 0, 0, delay.numerator, delay.denominator, 0, 0)


def _plain(page: Page) -> bytes:
    """A PNG of a depth that Pillow can't write: 2 and 4-bit grey, 16 bits in any colour type."""
    height, width = page.size
    header = struct.pack(">IIBB3x", width, height, page.bits, _COLOUR_TYPES[page.mode])
    if page.bits == 16:
        rows = page.planes.astype(">u2").view(np.uint8).reshape(height, -1)
    else:
        rows = _packed(page.planes // np.uint8(255 // (2**page.bits - 1)), page.bits)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    filtered = np.insert(rows - above, 0, 2, axis=1)  # filter 2: the difference to the row above
    key = b"" if page.key is None else struct.pack(f">{len(page.key)}H", *page.key)
    return SIGNATURE + b"".join(
        chunk(name, content)
        for name, content in (
            (b"IHDR", header),
            *([(b"tRNS", key)] if key else []),
            (b"IDAT", zlib.compress(filtered.tobytes(), 6)),
            (b"IEND", b""),
        )
    )


def _packed(samples: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    each = 8 // bits
    padded = np.pad(samples, ((0, 0), (0, -samples.shape[1] % each))).reshape(len(samples), -1, each)
    shifts = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
    return np.bitwise_or.reduce(padded << shifts, axis=2).astype(np.uint8)


def _deep(source: Source, image: Any, orientation: int) -> Page:
    """16 bits a sample in colour or with alpha: Pillow would cut them to 8, OpenCV doesn't."""
    if "transparency" in image.info:
        raise refusal(source, "has 16 bits a sample and a transparent colour")
    import cv2

    samples = cv2.imdecode(np.frombuffer(source.data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16:
        raise ValueError("16-bit samples can't be decoded")
    mode = {2: Mode.RGB, 4: Mode.GREY_ALPHA, 6: Mode.RGBA}[source.data[25]]
    order = {Mode.RGB: [2, 1, 0], Mode.GREY_ALPHA: [0, 3], Mode.RGBA: [2, 1, 0, 3]}[mode]
    profile = neutral_profile(image.info.get("icc_profile"), mode)
    return page_from(upright(samples[..., order], orientation), mode, bits=16, profile=profile)


def _frames(image: Any, source: Source, orientation: int) -> Iterator[Page]:
    """All frames in one mode: the header's, RGB for a palette, RGBA with a transparent colour."""
    clear = _sees_through(image)
    for number in range(image.n_frames):
        image.seek(number)
        image.load()
        shown = image.convert("RGBA" if clear else _SHOWN[source.data[25]])
        shown.info.pop("transparency", None)
        page = page_of(shown, source, orientation=orientation)
        yield replace(page, milliseconds=image.info.get("duration", 0))


def _sees_through(image: Any) -> bool:
    return "transparency" in image.info or (image.palette is not None and image.palette.mode == "RGBA")


def _with_enough_entries(page: Page) -> Page:
    assert page.palette is not None
    missing = _FEWEST_ENTRIES.get(page.bits, 0) - len(page.palette)
    if missing <= 0:
        return page
    black = np.tile(np.array([0, 0, 0, 255], dtype=np.uint8), (missing, 1))
    return replace(page, palette=np.vstack([page.palette, black]))
