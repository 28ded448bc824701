"""Who says that a file leaks: a search for planted bytes, a look at the pixels, and exiftool.

None of them uses our scanner, and the look at the pixels does not use our reader.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .planting import INNER, MARKER, portrait, second_picture, thumbnail

_SPELLINGS = [MARKER.encode(code) for code in ("ascii", "utf-16-le", "utf-16-be", "utf-32-le")]
_SPELLINGS += [MARKER.encode().hex().encode(), MARKER.encode().hex().upper().encode()]
_SLICE = 32
_ALIKE, _SAME = 0.6, 0.97  # correlation of grey values; the stand-in for a new face has about 0
# What exiftool may still say of a released file: its format, its pixels, its colours, our mark.
_PLAIN_GROUPS = {
    "File",
    "ExifTool",
    "Composite",
    "System",
    "JFIF",
    "PNG",
    "RIFF",
    "GIF",
    "BMP",
    "Jpeg2000",
    "APP14",
}
_PLAIN_GROUPS |= {
    "ICC_Profile",
    "ICC-header",
    "ICC-view",
    "ICC-meas",
    "XMP-iptcExt",
    "Meta",
    "QuickTime",
    "Track1",
    "Track2",
}
_PLAIN_GROUPS |= {"Adobe", "PNG-cICP", "PNG-pHYs", "XMP-x", "SourceFile", "IFD0", "IFD1", "IFD2", "IFD3"}
_TELLING = (
    "Author",
    "Artist",
    "Software",
    "Comment",
    "Description",
    "Date",
    "Serial",
    "Copyright",
    "Make",
    "Model",
)
_TELLING += ("Thumbnail", "Preview", "GPS", "Owner", "MakerNote", "Warning", "HostComputer", "DocumentName")
_NOT_TELLING = {
    "ProfileDescription",
    "ProfileCopyright",
    "ProfileDateTime",
    "DeviceManufacturer",
    "DeviceModel",
}
_NOT_TELLING |= {
    "ProfileCMMType",
    "FileModifyDate",
    "FileAccessDate",
    "FileInodeChangeDate",
    "DeviceModelDesc",
}
_NOT_TELLING |= {
    "PrimaryPlatform",
    "CreateDate",
    "ModifyDate",
    "TrackCreateDate",
    "TrackModifyDate",
    "ColorSpaceData",
}
_NOT_TELLING |= {"PreviewTime", "PreviewDuration"}
_NOT_TELLING |= {"MediaCreateDate", "MediaModifyDate", "ColorPrimaries", "ConnectionSpaceIlluminant"}


def planted_bytes(data: bytes) -> list[str]:
    """The planted things that are still in a file, as they are, inflated, or as base64."""
    found = []
    for content in (data, *_inflated(data)):
        if any(spelling in content for spelling in _SPELLINGS):
            found.append("marker")
        for name, picture in (("thumbnail", thumbnail()), ("second picture", second_picture())):
            places = range(len(picture) // 4, len(picture) - _SLICE, len(picture) // 5)
            if any(picture[at : at + _SLICE] in content for at in places):
                found.append(name)
    return sorted(set(found))


def visible_faces(data: bytes, source: bytes | None = None) -> list[str]:
    """The frames of a file in which the original face can still be seen, transparency disregarded.

    Without `source` the new face is the battery's stand-in, and any likeness tells. With it the new
    face is a generated one, which keeps pose and light: only the old pixels themselves tell, as the
    portrait or as the source file shows them.
    """
    try:
        frames = list(decoded_frames(data))
        old = [portrait(), *(decoded_frames(source) if source else ())]
    except Exception as error:
        return [f"unreadable ({error})"]
    found = []
    for number, frame in enumerate(frames):
        for shift in range(0, max(1, frame.shape[1] - 287), 288):
            part = frame[:288, shift : shift + 288]
            if part.shape[:2] == (288, 288) and _alike(part, old, _SAME if source else _ALIKE):
                found.append(f"face in frame {number + 1}" + (", beside" if shift else ""))
    return found


def opened(data: bytes) -> Image.Image:
    """A file as Pillow opens it, with pillow-heif's help where it is HEIC."""
    if data[4:8] == b"ftyp" and b"avif" not in data[8:32] and b"avis" not in data[8:32]:
        import pillow_heif

        pillow_heif.register_heif_opener()
    return Image.open(io.BytesIO(data))


def decoded_frames(data: bytes) -> Iterator[NDArray[np.uint8]]:
    """Every frame as RGB, hidden pixels included, by Pillow (or pillow-heif, or OpenCV for 16 bits)."""
    image = opened(data)
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        if image.mode in ("I;16", "I;16B", "F", "I"):
            samples = np.asarray(image, dtype=np.float64)
            grey = (samples - min(0, samples.min())) * (255 / max(1e-9, float(np.ptp(samples))))
            yield np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
        elif image.mode in ("LA", "La", "RGBA"):
            pixels = np.asarray(image)
            yield np.repeat(pixels[..., :1], 3, axis=2) if pixels.shape[2] == 2 else pixels[..., :3]
        else:
            yield np.asarray(image.convert("RGB"))


def changed(data: bytes, source: bytes) -> list[str]:
    """What Pillow calls another picture than the source: frames, mode, upright size. Empty if it can't."""
    try:
        pairs = zip(_described(source), _described(data), strict=True)
    except Exception:
        return []
    return [f"{was} became {now}" for was, now in pairs if was != now]


def _described(data: bytes) -> tuple[str, str, str]:
    image = Image.open(io.BytesIO(data))
    width, height = image.size[:: -1 if image.getexif().get(0x0112, 1) in range(5, 9) else 1]
    return f"{getattr(image, 'n_frames', 1)} frames", f"mode {image.mode}", f"{width} x {height}"


def exiftool_says(paths: Sequence[Path]) -> dict[Path, dict[str, object]]:
    """The tags by which exiftool (12 and later) would still tell a story about a file; empty without it."""
    if shutil.which("exiftool") is None or not paths:
        return {}
    command = ["exiftool", "-a", "-u", "-G1", "-s", "-j", "-m", "-n", "-charset", "filename=utf8", "-@", "-"]
    names = "\n".join(str(path) for path in paths)
    answer = subprocess.run(
        command, input=names, capture_output=True, text=True, errors="replace", check=False
    )
    said: dict[Path, dict[str, object]] = {}
    for entry in json.loads(answer.stdout or "[]"):
        said[Path(entry["SourceFile"])] = {key: value for key, value in entry.items() if _tells(key, value)}
    return said


def _tells(key: str, value: object) -> bool:
    group, _, tag = key.rpartition(":")
    if MARKER in str(value):
        return True
    if tag in _NOT_TELLING or group in ("System", "ExifTool", ""):
        return False
    return group not in _PLAIN_GROUPS or any(word in tag for word in _TELLING)


def _alike(part: NDArray[np.uint8], originals: Sequence[NDArray[np.uint8]], limit: float) -> bool:
    new = part[INNER].astype(np.float64).mean(axis=2).ravel()
    for original in originals:
        old = original[:288, :288][INNER].astype(np.float64).mean(axis=2).ravel()
        if old.shape == new.shape and min(old.std(), new.std()) > 1 and np.corrcoef(old, new)[0, 1] > limit:
            return True
    return False


def _inflated(data: bytes) -> Iterator[bytes]:
    """What zlib streams in the file hold, as in PNG's text and profile chunks."""
    at = data.find(b"\x78")
    tries = 0
    while at >= 0 and tries < 2000:
        if data[at + 1 : at + 2] in (b"\x01", b"\x5e", b"\x9c", b"\xda"):
            tries += 1
            inflate = zlib.decompressobj()
            with suppress(zlib.error):
                yield inflate.decompress(data[at:], 1 << 20)
        at = data.find(b"\x78", at + 1)
