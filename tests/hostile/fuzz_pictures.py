"""Coverage-guided fuzzing of the readers, the writers and the scanner (atheris, libFuzzer).

    python -m tests.hostile.fuzz_pictures [-max_total_time=SECONDS] [libFuzzer's options]

Whatever the bytes: `read` and `scan` answer or raise PictureError; what was read can be written, and
the scanner finds nothing in it that may not be released.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

_MAX_PIXELS = 1 << 16
_FOLDER = Path(tempfile.mkdtemp(prefix="epd-fuzz-"))


def seeds(folder: Path) -> None:
    """Small files of every format and kind, for the fuzzer to begin with."""
    from PIL import Image

    from .planting import device_profile, exif_with_thumbnail, saved, xmp

    grey = np.random.default_rng(1).integers(0, 256, (12, 16), dtype=np.uint8)
    rgb = Image.fromarray(np.dstack([grey, grey[::-1], grey.T.reshape(12, 16)]))
    beside = {"exif": exif_with_thumbnail(), "icc_profile": device_profile()}
    made = {
        "a.jpg": saved(rgb, "JPEG", **beside),
        "b.jpg": saved(rgb.convert("CMYK"), "JPEG", progressive=True),
        "a.png": saved(rgb, "PNG", **beside),
        "b.png": saved(rgb.quantize(9), "PNG", transparency=bytes(9)),
        "c.png": saved(rgb, "PNG", save_all=True, append_images=[rgb.rotate(90)]),
        "a.webp": saved(rgb, "WEBP", xmp=xmp(), **beside),
        "b.webp": saved(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(90)], lossless=True),
        "a.tif": saved(rgb, "TIFF", compression="tiff_lzw"),
        "b.tif": saved(rgb.convert("RGBA"), "TIFF", save_all=True, append_images=[rgb]),
        "a.bmp": saved(rgb, "BMP"),
        "a.gif": saved(rgb, "GIF", save_all=True, append_images=[rgb.rotate(90)]),
        "a.avif": saved(rgb, "AVIF", **beside),
        "a.jp2": saved(rgb, "JPEG2000"),
        "a.ppm": saved(rgb, "PPM"),
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)


def one_input(data: bytes) -> None:
    """What must hold for any bytes at all."""
    from epdcli.errors import PictureError
    from epdcli.pictures import read, scan, write
    from epdcli.pictures.formats import recognise

    try:
        suffix = recognise(data, "a").suffixes[0]
    except PictureError:
        return
    source, target = _FOLDER / f"in{suffix}", _FOLDER / f"out{suffix}"
    source.write_bytes(data)
    scan(source, max_pixels=_MAX_PIXELS)
    try:
        file = read(source, max_pixels=_MAX_PIXELS)
        touched = [np.ones(frame.shape[:2], dtype=bool) for frame in file.frames]
        write(file, [np.full_like(frame, 99) for frame in file.frames], touched, target, mark=True)
    except PictureError:
        return
    hidden = [finding for finding in scan(target, max_pixels=_MAX_PIXELS) if not finding.released]
    assert not hidden, f"{suffix}: {hidden}"


def main() -> None:
    import atheris

    with atheris.instrument_imports(include=["epdcli.pictures"]):
        from epdcli.pictures.codecs import codec
        from epdcli.pictures.formats import FORMATS

        for name in FORMATS:  # each is imported when it is first asked for
            codec(name)
    corpus = _FOLDER / "corpus"
    corpus.mkdir()
    seeds(corpus)
    atheris.Setup([*sys.argv, "-max_len=8192", str(corpus)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
