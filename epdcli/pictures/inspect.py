"""What hides in a file: every metadata block, embedded picture and trailer, and whether it may leave.

A block may be released only when it is, byte for byte, what epd itself would write there: the mark,
a bare colour profile, EXIF values that were kept by name. Everything else is a finding against the
file, known to us or not.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from epdcli.errors import PictureError
from epdcli.model import Pixels
from epdcli.pictures.containers import Block, Kind, blocks
from epdcli.pictures.formats import Format, recognise
from epdcli.pictures.memory import MAX_PIXELS, pillow_limited
from epdcli.pictures.metadata import MARK, Keep, collected, exif_packet
from epdcli.pictures.profile import rebuilt

_PICTURES = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP|GIF8[79]a|II\*\0|MM\0\*|....ftyp", re.DOTALL
)
_BASE64 = re.compile(rb"(?:/9j/|iVBORw0KGgo)(?:[A-Za-z0-9+/=\s]|&#x[AaDd];){64,}")
_RINGING, _RINGS = 4, 8  # measured: no codec of ours is off by more than 2, 4 px from the edge
_MAX_PICTURES = 8  # of a block


@dataclass
class Allowance:
    """How much of what hides in one file is looked at: a file of a hundred bombs is still a file.

    What is beyond it stays a finding, and is not released either.
    """

    pixels: int = 1 << 25
    tries: int = 400


@dataclass(frozen=True, eq=False)
class Finding:
    """One piece of a file besides its pixels.

    `released` says whether a released file may hold it; `pictures` are those found inside it,
    `uint8` H x W x 3 RGB, to be compared with the original faces.
    """

    kind: str
    where: str
    size: int
    released: bool
    detail: str
    pictures: tuple[Pixels, ...] = ()


def scan(path: Path, *, keep: frozenset[Keep] = frozenset(), max_pixels: int = MAX_PIXELS) -> list[Finding]:
    """Everything in a picture file that isn't its visible pixels, in the file's order.

    `keep` names the EXIF values that this file was allowed to keep; a frame of more than `max_pixels` isn't
    unpacked, which is a finding. An empty list, or one in which
    all are `released`, is a clean file. Raises PictureError for a file that is no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(
            f"{path.name} can't be opened ({error.strerror}).", hint="Check the path and its permissions."
        ) from error
    format = recognise(data, path.name)
    allowance = Allowance()
    found = [_judged(block, keep, allowance) for block in blocks(data, format.name)]
    return found + list(_hidden_pixels(data, format, max_pixels))


def _judged(block: Block, keep: frozenset[Keep], allowance: Allowance) -> Finding:
    match block.kind:
        case Kind.RESOLUTION:
            allowed = len(block.content) <= 16
        case Kind.XMP:
            allowed = block.content == MARK
        case Kind.PROFILE:
            allowed = _is_bare(block.content)
        case Kind.EXIF:
            allowed = bool(keep) and _is_kept(block.content, keep)
        case _:
            allowed = False
    pictures = () if allowed else tuple(embedded_pictures(block.content, allowance))
    detail = block.detail or _meaning(block, allowed)
    return Finding(block.kind.value, block.where, len(block.content), allowed, detail, pictures)


def embedded_pictures(content: bytes, allowance: Allowance | None = None) -> Iterator[Pixels]:
    """The pictures that a block of bytes holds, at most eight: JPEG, PNG, WebP, GIF, TIFF, and as base64.

    `allowance` is what may still be spent on the block's file, and is spent.
    """
    allowance = allowance or Allowance()
    found = 0
    for match in islice(_PICTURES.finditer(content), allowance.tries):
        picture = _decoded(content[match.start() :], allowance)
        if picture is not None:
            found += 1
            yield picture
        if found == _MAX_PICTURES:
            return
    for match in islice(_BASE64.finditer(content), _MAX_PICTURES):
        text = re.sub(rb"\s|&#x[AaDd];|=", b"", match[0])
        try:
            picture = _decoded(base64.b64decode(text + b"=" * (-len(text) % 4)), allowance)
        except binascii.Error:
            continue
        if picture is not None:
            yield picture


def _decoded(content: bytes, allowance: Allowance) -> Pixels | None:
    allowance.tries -= 1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content), formats=("JPEG", "PNG", "WEBP", "GIF", "TIFF", "AVIF"))
            if image.width * image.height > allowance.pixels or allowance.tries < 0:
                return None
            allowance.pixels -= image.width * image.height
            return np.array(image.convert("RGB"))
    except Exception:  # a few bytes that look like a picture's beginning, mostly
        return None


def _is_bare(profile: bytes) -> bool:
    try:
        return rebuilt(profile) == profile
    except ValueError:
        return False


def _is_kept(packet: bytes, keep: frozenset[Keep]) -> bool:
    holder = Image.new("L", (1, 1))
    try:
        holder.getexif().load(b"Exif\0\0" + packet)
        return exif_packet(collected(holder), keep) == packet
    except Exception:  # whatever Pillow can't read isn't ours
        return False


def _meaning(block: Block, allowed: bool) -> str:
    match block.kind:
        case Kind.XMP:
            return "the mark of a generated face" if allowed else "XMP"
        case Kind.PROFILE:
            return "colours only" if allowed else "a profile with names and dates"
        case Kind.EXIF:
            return "kept by name" if allowed else "EXIF"
    return ""


def _hidden_pixels(data: bytes, format: Format, max_pixels: int) -> Iterator[Finding]:
    """Colours under full transparency, and palette entries that no pixel uses."""
    try:
        with pillow_limited(max_pixels):
            for number, image in enumerate(_frames(data, format)):
                if image.width * image.height > max_pixels:
                    raise ValueError(f"{image.width} x {image.height} pixels")
                yield from _hidden_in_frame(image, f"frame {number + 1}", _is_lossy(data, format))
    except Exception as error:
        yield Finding(Kind.DAMAGED.value, "the pixels", 0, False, f"can't be decoded ({error})")


def _frames(data: bytes, format: Format) -> Iterator[Image.Image]:
    if format.name == "HEIC":
        import pillow_heif

        yield from (image.to_pillow() for image in pillow_heif.open_heif(io.BytesIO(data)))
        return
    image = Image.open(io.BytesIO(data), formats=format.pillow)
    if image.mode in ("LA", "RGBA", "P"):
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            yield image


def _hidden_in_frame(image: Image.Image, where: str, lossy: bool) -> Iterator[Finding]:
    pixels = np.asarray(image)
    if image.mode in ("LA", "RGBA"):
        hidden = Image.fromarray(pixels[..., -1] == 0).convert("L")
        if lossy:  # what is seen rings a little way into what is hidden
            hidden = hidden.filter(ImageFilter.MinFilter(2 * _RINGING + 1))
        colours = pixels[np.asarray(hidden) > 0][:, :-1]
        if (colours > (_RINGS if lossy else 0)).any():
            yield Finding(
                Kind.HIDDEN.value, where, int(colours.size), False, "colours under full transparency"
            )
    elif image.mode == "P":
        palette = np.array(image.getpalette("RGB") or [], dtype=np.uint8).reshape(-1, 3)
        unused = np.setdiff1d(np.arange(len(palette)), pixels)
        if palette[unused].any():
            yield Finding(Kind.HIDDEN.value, where, int(unused.size) * 3, False, "palette entries in no use")


def _is_lossy(data: bytes, format: Format) -> bool:
    return format.name in ("AVIF", "HEIC") or (format.name == "WebP" and b"VP8 " in data)
