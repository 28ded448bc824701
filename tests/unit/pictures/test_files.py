"""Reading and writing whole files: names, limits, marks, kept values, full disks."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli.errors import PictureError
from epdcli.pictures import SUFFIXES, Keep, PictureFile, read, scan, write
from epdcli.pictures.metadata import MARK

RNG = np.random.default_rng(31)
PIXELS = np.kron(RNG.integers(0, 256, (6, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)  # 48 x 64
MARKED = {
    ".jpg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".gif": "GIF",
    ".avif": "AVIF",
    ".jp2": "JPEG2000",
}
UNMARKED = {".bmp": "BMP", ".ppm": "PPM"}


def save(path: Path, format: str, **options: object) -> Path:
    Image.fromarray(PIXELS).save(path, format, **options)
    return path


def untouched(file: PictureFile) -> list[np.ndarray]:
    return [np.zeros(frame.shape[:2], dtype=bool) for frame in file.frames]


def copy(source: Path, target: Path, **options: object) -> PictureFile:
    file = read(source)
    write(file, file.frames, untouched(file), target, **options)  # type: ignore[arg-type]
    return read(target)


@pytest.mark.parametrize("suffix", MARKED)
def test_the_mark_is_written_and_is_all_that_is_said(suffix: str, tmp_path: Path) -> None:
    source = save(tmp_path / f"in{suffix}", MARKED[suffix])
    copy(source, tmp_path / f"out{suffix}", mark=True)
    assert MARK in (tmp_path / f"out{suffix}").read_bytes()
    assert "xmp" in [finding.kind for finding in scan(tmp_path / f"out{suffix}")]
    assert all(finding.released for finding in scan(tmp_path / f"out{suffix}"))


@pytest.mark.parametrize("suffix", MARKED)
def test_no_mark_is_written_unasked(suffix: str, tmp_path: Path) -> None:
    source = save(tmp_path / f"in{suffix}", MARKED[suffix])
    copy(source, tmp_path / f"out{suffix}")
    assert b"xmp" not in (tmp_path / f"out{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", UNMARKED)
def test_formats_without_room_for_the_mark_say_so(suffix: str, tmp_path: Path) -> None:
    source = save(tmp_path / f"in{suffix}", UNMARKED[suffix])
    assert not copy(source, tmp_path / f"out{suffix}", mark=True).encoding.holds_mark


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".avif"])
def test_values_are_kept_by_name_and_nothing_else_with_them(suffix: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x013B] = "Maker", "Model 5", "Anna Example"
    exif.get_ifd(0x8769).update({0x9003: "2024:05:06 07:08:09", 0xA431: "SERIAL123"})
    exif.get_ifd(0x8825).update(
        {1: "N", 2: (48.0, 51.0, 29.5), 3: "E", 4: (2.0, 17.0, 40.25), 0x1D: "2024:05:06"}
    )
    source = save(tmp_path / f"in{suffix}", MARKED[suffix], exif=exif)
    keep, target = frozenset({Keep.DATE, Keep.GPS}), tmp_path / f"out{suffix}"
    copy(source, target, keep=keep)
    kept = Image.open(target).getexif()
    assert kept.get_ifd(0x8769) == {0x9003: "2024:05:06 07:08:09"}
    assert [float(part) for part in kept.get_ifd(0x8825)[2]] == [48.0, 51.0, 29.5]
    assert 0x0110 not in kept
    assert not any(word in target.read_bytes() for word in (b"Anna", b"SERIAL123", b"Model 5"))
    assert all(finding.released for finding in scan(target, keep=keep))
    assert not all(finding.released for finding in scan(target))
    assert not all(finding.released for finding in scan(target, keep=frozenset({Keep.DATE})))


def test_a_camera_name_that_is_no_name_is_not_kept(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Maker", "x" * 200
    source = save(tmp_path / "in.jpg", "JPEG", exif=exif)
    copy(source, tmp_path / "out.jpg", keep=frozenset(Keep))
    assert not Image.open(tmp_path / "out.jpg").getexif()


def test_a_file_is_read_by_its_content_and_a_lying_name_is_refused(tmp_path: Path) -> None:
    source = save(tmp_path / "picture.png", "JPEG")
    with pytest.raises(PictureError, match=r"JPEG file by its content.*Rename it to picture\.jpg"):
        read(source)


def test_the_limit_of_pixels_is_asked_before_anything_is_decoded(tmp_path: Path) -> None:
    source = save(tmp_path / "in.png", "PNG")
    assert len(read(source, max_pixels=48 * 64).frames) == 1
    with pytest.raises(PictureError, match="64 x 48 pixels, more than the limit of 3,071"):
        read(source, max_pixels=48 * 64 - 1)


def test_the_limit_of_pixels_counts_all_frames(tmp_path: Path) -> None:
    more = [Image.fromarray(np.roll(PIXELS, shift, axis=1)) for shift in (3, 6, 9)]
    source = save(tmp_path / "in.webp", "WEBP", save_all=True, append_images=more, lossless=True)
    assert len(read(source, max_pixels=4 * 48 * 64).frames) == 4
    with pytest.raises(PictureError, match="in 4 frames"):
        read(source, max_pixels=4 * 48 * 64 - 1)


def test_reading_leaves_pillows_own_limit_as_it_was(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    read(save(tmp_path / "in.png", "PNG"))
    with pytest.raises(PictureError):
        read(tmp_path / "none.png")
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    file = read(save(tmp_path / "in.png", "PNG"))
    with pytest.raises(PictureError, match="can't be written"):
        write(file, file.frames, untouched(file), Path("/dev/full"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_one_sentence(tmp_path: Path) -> None:
    source = save(tmp_path / "in.png", "PNG")
    source.chmod(0)
    with pytest.raises(PictureError, match="can't be opened"):
        read(source)


def test_old_bytes_do_not_stay_behind_a_shorter_file(tmp_path: Path) -> None:
    file, target = read(save(tmp_path / "in.png", "PNG")), tmp_path / "out.png"
    target.write_bytes(b"secret" * 100_000)
    write(file, file.frames, untouched(file), target)
    assert b"secret" not in target.read_bytes()


def test_frames_of_another_shape_are_a_mistake_of_the_caller(tmp_path: Path) -> None:
    file = read(save(tmp_path / "in.png", "PNG"))
    with pytest.raises(ValueError, match="expected 1 frames"):
        write(file, [], [], tmp_path / "out.png")
    with pytest.raises(ValueError, match="expected uint8"):
        write(file, [file.frames[0][:-1]], untouched(file), tmp_path / "out.png")
    with pytest.raises(ValueError, match="expected bool"):
        write(file, file.frames, [np.zeros((48, 64), np.uint8)], tmp_path / "out.png")  # type: ignore[list-item]


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for suffix, format in (MARKED | UNMARKED).items():
        file = read(save(tmp_path / f"in{suffix}", format))
        outputs = [tmp_path / f"{name}{suffix}" for name in "ab"]
        for output in outputs:
            write(file, file.frames, untouched(file), output, mark=True)
        assert outputs[0].read_bytes() == outputs[1].read_bytes(), format


def test_jpeg_comes_back_with_its_own_tables_and_sampling(tmp_path: Path) -> None:
    table = [2 + index // 4 for index in range(64)]
    source = save(tmp_path / "in.jpg", "JPEG", qtables=[table, table[::-1]], subsampling=1)
    copy(source, tmp_path / "out.jpg")
    one, two = Image.open(source), Image.open(tmp_path / "out.jpg")
    assert one.quantization == two.quantization  # type: ignore[attr-defined]
    assert one.layer == two.layer  # type: ignore[attr-defined]


def test_a_folder_run_picks_up_pictures_and_names_camera_raw(tmp_path: Path) -> None:
    assert {".jpg", ".jpeg", ".png", ".tif", ".heic", ".nef", ".dng"} <= SUFFIXES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in SUFFIXES)
    (tmp_path / "a.nef").write_bytes(b"IIU\0" + bytes(100))
    with pytest.raises(PictureError, match="camera raw"):
        read(tmp_path / "a.nef")


def test_heic_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pillow_heif")
    import sys

    import pillow_heif

    target = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(PIXELS)).save(target)
    (tmp_path / "a.heic").write_bytes(target.getvalue())
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PictureError, match=r"pip install 'epdcli\[formats\]'"):
        read(tmp_path / "a.heic")
