"""A picture that can't fit into the memory that is free is refused before it is decoded."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest

from epdcli.errors import PictureError
from epdcli.pictures import memory, read
from epdcli.pictures.codecs import common


def large(path: Path) -> Path:
    """A PNG of 10,000 x 10,000 black pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    rows = zlib.compress(bytes(10_001) * 10_000, 1)
    head = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def test_what_needs_more_than_is_free_is_refused_by_both_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "free_bytes", lambda: 1_500_000_000)
    with pytest.raises(PictureError, match=r"3\.2 GB of memory are needed; 1\.5 GB are free"):
        read(large(tmp_path / "a.png"))


@pytest.mark.parametrize("free", [None, 1 << 40])
def test_what_fits_or_cannot_be_known_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int | None
) -> None:
    monkeypatch.setattr(common, "free_bytes", lambda: free)
    assert read(large(tmp_path / "a.png")).frames[0].shape == (10_000, 10_000, 3)


def test_a_container_counts_with_its_own_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 5000 kB\n")
    monkeypatch.setattr(memory, "_SYSTEM", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_GROUP", tmp_path)
    assert memory.free_bytes() == 5000 * 1024
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("2500000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 500000\n")
    assert memory.free_bytes() == 1_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_bytes() == 5000 * 1024


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="this system says it elsewhere")
def test_the_system_says_how_much_is_free() -> None:
    free = memory.free_bytes()
    assert free is not None and 0 < free <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
