"""Blocks that hold nothing new are the source's own, coefficient by coefficient."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli.pictures import read, scan, write
from epdcli.pictures.codecs import jpeg_blocks

pytestmark = pytest.mark.skipif(not jpeg_blocks.available(), reason="pyjpegio or files in memory are missing")
SMOOTH = np.asarray(
    Image.fromarray(np.random.default_rng(3).integers(0, 256, (12, 15, 3), dtype=np.uint8)).resize((241, 187))
)


def rewritten(folder: Path, image: Image.Image, **options: object) -> tuple[np.ndarray, np.ndarray, bytes]:
    """The old pixels, the new ones and the new file, after a square of 40 px was painted over."""
    image.save(folder / "in.jpg", **options)
    file = read(folder / "in.jpg")
    touched = np.zeros(file.frames[0].shape[:2], dtype=bool)
    touched[64:104, 80:120] = True
    painted = np.where(touched[..., None], np.uint8(90), file.frames[0]).astype(np.uint8)
    write(file, [painted], [touched], folder / "out.jpg", mark=True)
    data = (folder / "out.jpg").read_bytes()
    return np.asarray(Image.open(folder / "in.jpg")), np.asarray(Image.open(io.BytesIO(data))), data


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_nothing_but_the_touched_blocks_and_their_neighbours_changes(
    tmp_path: Path, subsampling: str, progressive: bool, mode: str
) -> None:
    image = Image.fromarray(SMOOTH).convert(mode)
    old, new, data = rewritten(tmp_path, image, quality=83, subsampling=subsampling, progressive=progressive)
    changed = (old != new).reshape(*old.shape[:2], -1).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert rows.min() >= 64 - 2 and rows.max() < 112 + 2  # blocks of 16, and what upsampling spreads
    assert columns.min() >= 80 - 2 and columns.max() < 128 + 2
    assert abs(float(new[70:98, 86:114].mean()) - 90) < 2
    assert (b"\xff\xc2" in data) == progressive
    assert all(finding.released for finding in scan(tmp_path / "out.jpg"))


@pytest.mark.parametrize("quality", [30, 75, 95, 100])
def test_old_blocks_find_a_code_whatever_the_new_ones_needed(tmp_path: Path, quality: int) -> None:
    """Tables made for the new blocks alone lack codes of old ones: the file would be noise from there on."""
    noise = np.random.default_rng(9).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    noise[:, :80] //= 64
    old, new, _ = rewritten(tmp_path, Image.fromarray(noise), quality=quality)
    assert (old[:56] == new[:56]).all()


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_turned_picture_is_encoded_again(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(SMOOTH).save(tmp_path / "in.jpg", exif=exif, quality=83)
    file = read(tmp_path / "in.jpg")
    assert file.encoding.settings["blocks"] is None


def test_a_source_of_another_kind_changes_nothing() -> None:
    one, two = io.BytesIO(), io.BytesIO()
    Image.fromarray(SMOOTH).save(one, "JPEG", quality=83)
    Image.fromarray(SMOOTH).save(two, "JPEG", quality=84)
    touched = np.zeros(SMOOTH.shape[:2], dtype=bool)
    assert jpeg_blocks.with_old_blocks(one.getvalue(), two.getvalue(), touched) == two.getvalue()
    assert jpeg_blocks.with_old_blocks(b"\xff\xd8\xff", two.getvalue(), touched) == two.getvalue()


def test_what_a_header_cropped_away_is_not_in_the_blocks_at_the_edge(tmp_path: Path) -> None:
    """A file whose header says 7 rows and columns less than its blocks hold hides them from every viewer."""
    whole = io.BytesIO()
    Image.fromarray(SMOOTH[:160, :160]).save(whole, "JPEG", quality=90, subsampling=0)

    def resized(data: bytes, side: int) -> bytes:
        at = data.index(b"\xff\xc0") + 5
        return data[:at] + side.to_bytes(2, "big") * 2 + data[at + 4 :]

    (tmp_path / "in.jpg").write_bytes(resized(whole.getvalue(), 153))
    file = read(tmp_path / "in.jpg")
    write(file, file.frames, [np.zeros((153, 153), dtype=bool)], tmp_path / "out.jpg")
    old = np.asarray(Image.open(whole)).astype(int)
    new = np.asarray(Image.open(io.BytesIO(resized((tmp_path / "out.jpg").read_bytes(), 160)))).astype(int)
    assert (old[:152, :152] == new[:152, :152]).all()
    assert np.abs(old[:153, :153] - new[:153, :153]).max() < 12
    assert np.abs(old[:, 153:] - new[:, 153:]).mean() > 5
