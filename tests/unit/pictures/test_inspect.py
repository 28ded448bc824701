"""What hides in a file."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli.errors import PictureError
from epdcli.pictures import scan
from epdcli.pictures.inspect import embedded_pictures
from tests.hostile.cases_broken import avif_bomb, tiff_of_shared_tags

PIXELS = np.kron(np.random.default_rng(5).integers(0, 256, (6, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)


def saved(format: str, **options: object) -> bytes:
    target = io.BytesIO()
    Image.fromarray(PIXELS).save(target, format, **options)
    return target.getvalue()


def findings(tmp_path: Path, name: str, data: bytes) -> list[tuple[str, bool]]:
    (tmp_path / name).write_bytes(data)
    return [(finding.kind, finding.released) for finding in scan(tmp_path / name)]


def test_a_plain_picture_holds_nothing_but_its_resolution(tmp_path: Path) -> None:
    assert findings(tmp_path, "a.jpg", saved("JPEG")) == [("resolution", True)]
    assert findings(tmp_path, "a.png", saved("PNG")) == []
    assert findings(tmp_path, "a.webp", saved("WEBP")) == []


def test_a_trailer_is_found_with_the_picture_in_it(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(saved("JPEG") + b"abc" + saved("PNG"))
    trailer = scan(tmp_path / "a.jpg")[-1]
    assert (trailer.kind, trailer.released) == ("trailer", False)
    assert np.array_equal(trailer.pictures[0], PIXELS)


def test_a_picture_in_base64_is_found(tmp_path: Path) -> None:
    encoded = base64.encodebytes(saved("JPEG")).replace(b"\n", b"&#xA;")
    found = list(embedded_pictures(b"<xmpGImg:image>" + encoded + b"</xmpGImg:image>"))
    assert [picture.shape for picture in found] == [(48, 64, 3)]


def test_a_picture_in_a_compressed_text_is_found(tmp_path: Path) -> None:
    content = b"thumb\0\0" + zlib.compress(saved("JPEG"))
    chunk = (
        struct.pack(">I", len(content)) + b"zTXt" + content + struct.pack(">I", zlib.crc32(b"zTXt" + content))
    )
    data = saved("PNG")
    (tmp_path / "a.png").write_bytes(data[:33] + chunk + data[33:])
    (finding,) = scan(tmp_path / "a.png")
    assert finding.pictures[0].shape == (48, 64, 3)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "JPEG2000", "PPM"])
def test_a_container_cut_anywhere_never_raises_and_never_passes_for_clean_and_longer(
    format: str, tmp_path: Path
) -> None:
    suffix = {"TIFF": "tif", "JPEG2000": "jp2"}.get(format, format.lower())
    data = saved(format)
    for cut in range(20, len(data), max(1, len(data) // 40)):
        (tmp_path / f"a.{suffix}").write_bytes(data[:cut])
        scan(tmp_path / f"a.{suffix}")


def test_what_is_no_picture_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("hello")
    with pytest.raises(PictureError, match="text"):
        scan(tmp_path / "a.jpg")
    with pytest.raises(PictureError, match="can't be opened"):
        scan(tmp_path / "none.jpg")


@pytest.mark.parametrize(("suffix", "bomb"), [(".avif", partial(avif_bomb, 0, 0)),
                                              (".avif", partial(avif_bomb, 8000, 0x44)),
                                              (".tif", tiff_of_shared_tags)])  # fmt: skip
def test_a_file_that_claims_its_bytes_many_times_over_is_damaged(
    suffix: str, bomb: Callable[[], bytes], tmp_path: Path
) -> None:
    """Fuzzing found a kilobyte that kept the scanner busy for a minute."""
    (tmp_path / f"in{suffix}").write_bytes(bomb())
    findings = scan(tmp_path / f"in{suffix}")
    assert "damaged" in [finding.kind for finding in findings]
    assert not any(finding.released for finding in findings if finding.kind == "damaged")


def test_an_offset_of_eight_bytes_behind_the_end_is_damage(tmp_path: Path) -> None:
    """Fuzzing found one too large for an index of the machine's."""
    data = saved("TIFF", big_tiff=True)
    assert data[2:4] == b"+\0"
    found = findings(tmp_path, "a.tif", data[:8] + struct.pack("<Q", 1 << 63) + data[16:])
    assert ("damaged", False) in found


def test_of_a_hundred_hidden_bombs_only_so_many_pixels_are_looked_at(tmp_path: Path) -> None:
    """Each is a PNG of 25 megapixels in 4 KB, in a segment of its own: unpacked they would be 7.5 GB."""
    bomb = io.BytesIO()
    Image.new("1", (5000, 5000)).save(bomb, "PNG", optimize=True)
    assert bomb.tell() < 65_000
    data = saved("JPEG")
    segment = b"\xff\xe5" + struct.pack(">H", bomb.tell() + 2) + bomb.getvalue()
    (tmp_path / "a.jpg").write_bytes(data[:2] + segment * 100 + data[2:])
    found = [finding for finding in scan(tmp_path / "a.jpg") if not finding.released]
    assert len(found) == 100
    assert [len(finding.pictures) for finding in found] == [1] + [0] * 99


def test_a_frame_larger_than_the_screen_of_its_gif_is_not_unpacked(tmp_path: Path) -> None:
    """Pillow enlarges the screen while it seeks: two kilobytes became two gigabytes, found by fuzzing."""
    data = bytearray(saved("GIF", save_all=True, append_images=[Image.new("RGB", (8, 8))]))
    second = data.rindex(b",\0\0\0\0")
    data[second + 5 : second + 9] = struct.pack("<HH", 52_240, 3_072)
    (tmp_path / "a.gif").write_bytes(data)
    (finding,) = scan(tmp_path / "a.gif", max_pixels=1 << 20)
    assert (finding.kind, finding.released) == ("damaged", False)
    assert "160481280 pixels" in finding.detail
