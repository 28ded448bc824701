"""What viewers show of a file, seen without our reader: Pillow lays it on backgrounds, OpenCV and tifffile
read its values."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .judges import opened
from .planting import INNER, portrait

Place = tuple[slice, slice]
Grey = NDArray[np.float64]

SHOWN = 0.5  # likeness from which on the face is seen: before it is 0.9 or more, after 0.3 or less
_FINE, _COARSE = 2.0, 12.0  # what lies between is a face's own; coarser is what a soft fill leaves


def likeness(data: bytes, place: Place) -> float:
    """How like the portrait's face what stands at a place is, in the look that shows it best: the correlation
    of detail, 0..1. A negative shows a face as well."""
    original = _detail(np.asarray(Image.fromarray(portrait()).convert("L"), np.float64))[INNER]
    return max(_correlation(_detail(look)[place], original) for look in looks(data))


def looks(data: bytes) -> Iterator[Grey]:
    """Every frame on white, on black and as its transparency; then the values, of however many bits."""
    with suppress(OSError):  # Pillow knows fewer kinds of TIFF than there are
        yield from _shown(data)
    yield from _values(data)


def _shown(data: bytes) -> Iterator[Grey]:
    image = opened(data)
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        frame = image.convert("RGBA")
        for background in ("white", "black"):
            laid = Image.new("RGBA", frame.size, background)
            laid.alpha_composite(frame)
            yield np.asarray(laid.convert("L"), np.float64)
        yield np.asarray(frame, np.float64)[..., 3]


def _values(data: bytes) -> Iterator[Grey]:
    if data[:2] in (b"II", b"MM"):
        import tifffile

        with tifffile.TiffFile(io.BytesIO(data)) as file:
            pages = [page.asarray() for page in file.pages]
    else:
        read = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        pages = [] if read is None else [read]
    for page in pages:
        channels = page if page.ndim == 3 else page[..., None]
        for channel in range(channels.shape[2]):
            yield np.asarray(channels[..., channel], np.float64)


def _detail(values: Grey) -> Grey:
    fine, coarse = (cv2.GaussianBlur(values, (0, 0), width) for width in (_FINE, _COARSE))
    return np.asarray(fine - coarse, np.float64)


def _correlation(one: Grey, other: Grey) -> float:
    if one.shape != other.shape or np.ptp(one) < 1e-9:
        return 0.0
    return abs(float(np.corrcoef(one.ravel(), other.ravel())[0, 1]))
