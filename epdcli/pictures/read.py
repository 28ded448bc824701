"""Files to arrays: judged by the header first, then decoded, turned upright and stripped."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, UnidentifiedImageError

from epdcli.errors import PictureError
from epdcli.pictures import planes
from epdcli.pictures.codecs import Source, codec
from epdcli.pictures.encoding import Encoding, PictureFile
from epdcli.pictures.formats import Format, check_name, recognise
from epdcli.pictures.memory import MAX_PIXELS, pillow_limited
from epdcli.wording import MORE_MEMORY


def read(path: Path, *, max_pixels: int = MAX_PIXELS) -> PictureFile:
    """Read a picture file by its content, all pages and frames of it.

    Nothing is decoded before the header's size is found to be within `max_pixels` (all pages
    together). Raises PictureError, one sentence with the file's name and a hint, for whatever
    can't be read, or can't be written back as it is.
    """
    data = _bytes(path)
    format = recognise(data, path.name)
    check_name(path, format)
    try:
        with pillow_limited(max_pixels):
            return _decode(data, format, path.name, max_pixels)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(
            f"{path.name} unpacks to more than the limit of {max_pixels:,} pixels.",
            hint="Raise --max-pixels if you trust the file and have the memory.",
        ) from error
    except MemoryError as error:
        raise PictureError(f"{path.name} doesn't fit into memory.", hint=MORE_MEMORY) from error
    except Exception as error:  # decoders raise nearly everything on damaged files
        why = f" ({error})" if str(error) and not isinstance(error, UnidentifiedImageError) else ""
        raise PictureError(
            f"{path.name} is damaged and can't be decoded{why}.",
            hint="Open it in a viewer and save it again, or leave it out.",
        ) from error


def _bytes(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise PictureError(
                f"{path.name} {'is no ordinary file' if path.exists() else 'is not there any more'}.",
                hint="Check the path.",
            )
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise PictureError(
            f"{path.name} can't be opened ({reason}).", hint="Check its permissions."
        ) from error


def _decode(data: bytes, format: Format, name: str, max_pixels: int) -> PictureFile:
    decoded = codec(format.name).decode(Source(data, name, format, max_pixels))
    encoding = Encoding(format.name, decoded.pages, decoded.dpi, decoded.settings, decoded.exif)
    return PictureFile(tuple(map(planes.working_copy, decoded.pages)), encoding)
