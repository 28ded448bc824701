"""What commands print as JSON is one document that fits its schema; everything else goes to stderr."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastjsonschema
import numpy as np
import pytest
from PIL import Image

Epd = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path, astronaut: np.ndarray) -> Path:
    """A portrait with metadata, a broken picture, and a file that is skipped."""
    root = tmp_path / "in"
    root.mkdir()
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    Image.fromarray(astronaut[:300, 80:380]).save(root / "a.jpg", exif=exif)
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (root / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    return root


def fits(epd: Epd, name: str, document: Any) -> None:
    shown = epd("schema", name)
    assert shown.returncode == 0, shown.stderr
    fastjsonschema.compile(json.loads(shown.stdout))(document)


@pytest.mark.parametrize(
    ("arguments", "name", "code"),
    [
        (["backends", "--json"], "backends", 0),
        (["detect", "--json", "in"], "detections", 1),
        (["deidentify", "--json", "--dry-run", "in", "out"], "deidentify", 1),
        (["inspect", "--json", "in/a.jpg", "in/broken.png"], "inspect", 1),
        (["doctor", "--json", "--picture", "in/a.jpg"], "doctor", None),
    ],
)
def test_what_is_printed_fits_its_schema(
    epd: Epd, folder: Path, arguments: list[str], name: str, code: int | None
) -> None:
    shown = epd(*arguments)
    assert code in (None, shown.returncode), shown.stderr
    document = json.loads(shown.stdout)
    assert document
    fits(epd, name, document)


def test_a_run_its_shards_and_their_record_fit(epd: Epd, folder: Path, tmp_path: Path) -> None:
    shown = epd("deidentify", "--json", "--key", folder / "clip.mp4", "in", "out")
    assert shown.returncode == 2 and shown.stdout == ""  # a key of 12 bytes
    shown = epd("deidentify", "--json", "--rename", "hash", "in", "out")
    assert shown.returncode == 1
    fits(epd, "deidentify", json.loads(shown.stdout))
    fits(epd, "manifest", json.loads((tmp_path / "out.manifest.json").read_text()))
    for k in (1, 2):
        epd("deidentify", "--shard", f"{k}/2", "--method", "soft", "in", "parts")
        fits(epd, "manifest", json.loads((tmp_path / f"parts.manifest.{k}-of-2.json").read_text()))
    merged = epd("manifest", "merge", *sorted(tmp_path.glob("parts.manifest.*")), "-o", "parts.manifest.json")
    assert merged.returncode == 0, merged.stderr
    fits(epd, "manifest", json.loads((tmp_path / "parts.manifest.json").read_text()))


def test_an_unknown_schema_is_a_sentence(epd: Epd) -> None:
    shown = epd("schema", "nothing")
    assert shown.returncode == 2 and "only backends, " in shown.stderr and "Traceback" not in shown.stderr
    assert "manifest" in epd("schema").stdout.split()
