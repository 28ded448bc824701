"""What every codec shares: the way in from Pillow, the way out to it, and how to refuse."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from epdcli.errors import PictureError
from epdcli.pictures.encoding import Mode, Page
from epdcli.pictures.formats import Format
from epdcli.pictures.memory import BYTES_A_PIXEL, free_bytes
from epdcli.pictures.metadata import collected
from epdcli.pictures.palette import wiped
from epdcli.pictures.planes import upright, value_range, without_hidden_colour
from epdcli.pictures.profile import neutral_profile

_SMALL = 1 << 28  # bytes: below that nobody needs to ask
_MODES = {"1", "L", "LA", "RGB", "RGBA", "CMYK"}


@dataclass(frozen=True)
class Source:
    """A file's bytes, its name for messages, its format, and how many pixels may be decoded."""

    data: bytes
    name: str
    format: Format
    max_pixels: int


@dataclass(frozen=True)
class Decoded:
    """What a codec made of a file; the fields are Encoding's."""

    pages: tuple[Page, ...]
    dpi: tuple[float, float] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    exif: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Extras:
    """What is written beside the pixels: the mark (an XMP packet) and kept EXIF values, or nothing."""

    mark: bytes = b""
    exif: bytes = b""

    def options(self, *names: str) -> dict[str, bytes]:
        """Those of Pillow's options `xmp` and `exif` that are asked for and not empty."""
        exif = b"Exif\0\0" + self.exif if self.exif else b""
        return {
            name: value for name, value in (("xmp", self.mark), ("exif", exif)) if value and name in names
        }


def refusal(source: Source, what: str, hint: str = "Convert it to 8 or 16 bit grey or RGB.") -> PictureError:
    return PictureError(f"{source.name} {what}, which can't be kept as it is.", hint=hint)


def open_image(source: Source) -> Image.Image:
    """The file opened by Pillow, its size checked, nothing decoded yet."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # our sentence says more than Pillow's
    try:
        image = Image.open(io.BytesIO(source.data), formats=source.format.pillow)
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    check_size(source, image.width, image.height)
    if source.format.name != "JPEG":  # what else a JPEG file holds is dropped, not decoded
        check_size(source, image.width, image.height, getattr(image, "n_frames", 1))
    return image


def check_size(source: Source, width: int, height: int, frames: int = 1) -> None:
    """Raise PictureError when the declared size is beyond the limit or the free memory, or nothing."""
    if width < 1 or height < 1:
        raise PictureError(f"{source.name} has no pixels ({width} x {height}).", hint="Copy the file again.")
    if width * height * frames > source.max_pixels:
        raise PictureError(
            f"{source.name} declares {width} x {height} pixels"
            + (f" in {frames} frames" if frames > 1 else "")
            + f", more than the limit of {source.max_pixels:,}.",
            hint="Raise --max-pixels if you trust the file and have the memory.",
        )
    needed = width * height * frames * BYTES_A_PIXEL
    free = free_bytes() if needed > _SMALL else None
    if free is not None and needed > free:
        raise PictureError(
            f"{source.name} declares {width} x {height} pixels"
            + (f" in {frames} frames" if frames > 1 else "")
            + f", for which {needed / 1e9:.1f} GB of memory are needed; {free / 1e9:.1f} GB are free.",
            hint="Close other programs, lower --jobs, or make the picture smaller.",
        )


def page_of(image: Image.Image, source: Source, *, orientation: int = 1, bits: int = 8) -> Page:
    """The page that a Pillow image shows now, turned upright. Raises PictureError for odd modes."""
    palette = None
    if image.mode in _MODES:
        mode, samples = Mode(image.mode), np.asarray(image)
    elif image.mode == "P":
        mode, samples, palette = Mode.PALETTE, np.asarray(image), palette_of(image)
    elif image.mode in ("I;16", "I;16B", "I;16L"):
        mode, samples, bits = Mode.GREY, np.asarray(image).astype(np.uint16), 16
    elif image.mode == "F":
        mode, samples, bits = Mode.GREY, np.asarray(image), 32
    else:
        raise refusal(source, f"has pixels of the kind {image.mode}")
    if samples.dtype == np.bool_:
        samples = samples.astype(np.uint8) * np.uint8(255)
    return page_from(
        upright(samples, orientation),
        mode,
        bits=bits,
        palette=palette,
        key=_key(image, mode),
        profile=neutral_profile(image.info.get("icc_profile"), mode),
    )


def page_from(samples: NDArray[Any], mode: Mode, **fields: Any) -> Page:
    """A page of upright samples, rid of what its transparency and its palette hide."""
    samples = without_hidden_colour(samples, mode)
    black, white = value_range(samples)
    page = Page(samples, mode, black=black, white=white, **fields)
    return wiped(page) if mode is Mode.PALETTE else page


def palette_of(image: Image.Image) -> NDArray[np.uint8]:
    """The palette as n x 4 RGBA, transparency included."""
    transparent = image.copy()
    transparent.apply_transparency()
    return np.array(transparent.getpalette("RGBA"), dtype=np.uint8).reshape(-1, 4)


def image_of(page: Page) -> Image.Image:
    """The page as a Pillow image that knows nothing but its pixels."""
    height, width = page.size
    match page.mode:
        case Mode.BILEVEL:
            return Image.fromarray(page.planes > 0)
        case Mode.PALETTE:
            assert page.palette is not None
            image = Image.frombytes("P", (width, height), page.planes.tobytes())
            image.putpalette(page.palette[:, :3].tobytes(), "RGB")
            return image
        case Mode.CMYK:
            return Image.frombytes("CMYK", (width, height), page.planes.tobytes())
        case Mode.GREY if page.planes.dtype == np.uint16:
            return Image.frombytes("I;16", (width, height), page.planes.astype("<u2").tobytes())
        case _:
            return Image.fromarray(page.planes)


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 where there is none or where it can't be read."""
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # a damaged EXIF block turns nothing; the block itself is dropped
        return 1
    return value if value in range(1, 9) else 1


def dpi_of(image: Image.Image, orientation: int = 1) -> tuple[float, float] | None:
    """Pixels an inch to the right and down of the upright picture, where the file says so credibly."""
    try:
        x, y = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    if not (1 < x <= 65535 and 1 < y <= 65535):
        return None
    return (y, x) if orientation >= 5 else (x, y)


def kept_values(image: Image.Image) -> dict[str, Any]:
    return collected(image)


def common_profile(pages: Sequence[Page], source: Source) -> None:
    """Raise PictureError when pages have different colour profiles: a file is written with one."""
    if len({page.profile for page in pages}) > 1:
        raise refusal(source, "has pages with different colour profiles", hint="Split it into its pages.")


def _key(image: Image.Image, mode: Mode) -> tuple[int, ...] | None:
    colour = image.info.get("transparency")
    if colour is None or mode not in (Mode.RGB, Mode.GREY, Mode.BILEVEL):
        return None
    return tuple(colour) if isinstance(colour, tuple) else (int(colour),)
