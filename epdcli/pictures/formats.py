"""Which files we read, how their content is recognised, and what each may be called.

A file is read by its content, never by its name. A name that says something else is refused,
because the output keeps the name and would then lie about what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from epdcli.errors import PictureError


@dataclass(frozen=True)
class Format:
    """One kind of file: Pillow's names for it, its suffixes, and whether it can hold an XMP packet."""

    name: str
    pillow: tuple[str, ...]
    suffixes: tuple[str, ...]
    holds_xmp: bool = True


FORMATS = {
    format.name: format
    for format in (
        Format("JPEG", ("JPEG", "MPO"), (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo")),
        Format("PNG", ("PNG",), (".png", ".apng")),
        Format("WebP", ("WEBP",), (".webp",)),
        Format("TIFF", ("TIFF",), (".tif", ".tiff")),
        Format("BMP", ("BMP", "DIB"), (".bmp", ".dib"), holds_xmp=False),
        Format("GIF", ("GIF",), (".gif",)),
        Format("AVIF", ("AVIF",), (".avif",)),
        Format("HEIC", ("HEIF",), (".heic", ".heif", ".hif")),
        Format("JPEG 2000", ("JPEG2000",), (".jp2", ".j2k", ".jpx", ".j2c", ".jpc", ".jpf")),
        Format("PPM", ("PPM",), (".ppm", ".pgm", ".pbm", ".pnm"), holds_xmp=False),
    )
}

# Camera raw files are listed so that a folder run names them as refused instead of passing them by.
RAW_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "iiq", "kdc", "mef", "mos", "mrw"),
        *("nef", "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f"),
    )
)

SUFFIXES = frozenset(suffix for format in FORMATS.values() for suffix in format.suffixes) | RAW_SUFFIXES

FROM_VIDEO = "Take its frames out with ffmpeg -i VIDEO frames/%06d.png"

_MAGIC = (
    (b"\xff\xd8", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
)
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_STRANGERS = (
    (b"8BPS", "a Photoshop document"),
    (b"%PDF", "a PDF document"),
    (b"FUJIFILMCCD-RAW", "a camera raw file"),
    (b"FOVb", "a camera raw file"),
    (b"IIU\0", "a camera raw file"),
    (b"IIRO", "a camera raw file"),
    (b"IIRS", "a camera raw file"),
    (b"\0MRM", "a camera raw file"),
    (b"\xff\x0a", "a JPEG XL file"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL file"),
    (b"PK\x03\x04", "a zip archive"),
    (b"<svg", "an SVG drawing"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"v/1\x01", "an OpenEXR picture"),
)


def recognise(data: bytes, name: str) -> Format:
    """The format of a file's first bytes; `name` is only for the message.

    Raises PictureError, with what the file is where that is known, when it is nothing that we read.
    """
    if not data:
        raise PictureError(f"{name} is empty.", hint="Copy the file again from where it came from.")
    if (found := _by_magic(data)) is not None:
        return FORMATS[found]
    what = next((what for magic, what in _STRANGERS if data.startswith(magic)), _by_guess(data))
    if what == "a camera raw file":
        raise raw_refusal(name)
    way = FROM_VIDEO if what == "a video" else "Convert it to JPEG, PNG or TIFF"
    raise PictureError(f"{name} is {what}.", hint=f"{way}, or leave it out of the folder.")


def raw_refusal(name: str) -> PictureError:
    return PictureError(
        f"{name} is a camera raw file, which can't be written back.",
        hint="Develop it to TIFF or JPEG first, then run epd on that.",
    )


def check_name(path: PurePath, format: Format) -> None:
    """Refuse a name whose suffix says something else than the file's content."""
    suffix = path.suffix.lower()
    if suffix in format.suffixes:
        return
    if suffix in RAW_SUFFIXES:
        raise raw_refusal(path.name)
    right = path.with_suffix(format.suffixes[0]).name
    raise PictureError(
        f"{path.name} is a {format.name} file by its content, and its name says otherwise.",
        hint=f"Rename it to {right}.",
    )


def _by_magic(data: bytes) -> str | None:
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data.startswith(_TIFF_MAGIC):
        return None if data[8:10] == b"CR" else "TIFF"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:1] == b"P" and data[1:2] in b"123456" and (data[2:3].isspace() or data[2:3] == b"#"):
        return "PPM"
    return _by_brand(data) if data[4:8] == b"ftyp" else None


def _by_brand(data: bytes) -> str | None:
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, min(_box_size(data), 128), 4))]
    if any(brand in (b"avif", b"avis") for brand in brands):
        return "AVIF"
    return "HEIC" if any(brand in _HEIC_BRANDS for brand in brands) else None


def _box_size(data: bytes) -> int:
    return int.from_bytes(data[:4], "big")


def _by_guess(data: bytes) -> str:
    if data[4:8] == b"ftyp":
        return "a camera raw file" if data[8:11] == b"crx" else "a video"
    if data.startswith((b"II", b"MM")) and data[8:10] == b"CR":
        return "a camera raw file"
    if data[:4] == b"RIFF":
        return "a video or a sound"
    if not any(byte < 9 for byte in data[:512]):
        return "text, not a picture"
    return "no picture that epd knows"
