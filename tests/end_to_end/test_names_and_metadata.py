"""What may stay besides the pixels when it is asked for by name: values, times; and new names."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli.files import sha256_of

Epd = Callable[..., subprocess.CompletedProcess[str]]
QUICK = ("--method", "solid", "--seed", 1, "--passes", "upright", "--jobs", 1)
HASHED = re.compile(r"([0-9a-f]{20}/)?[0-9a-f]{20}\.(jpg|png)")


@pytest.fixture
def folder(tmp_path: Path, astronaut: np.ndarray) -> Path:
    root = tmp_path / "in"
    (root / "Anna Example").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x013B] = "Maker", "Model 5", "Anna Example"
    exif.get_ifd(0x8769).update({0x9003: "2024:05:06 07:08:09", 0xA431: "SERIAL123"})
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.5), 3: "E", 4: (2.0, 17.0, 40.25)})
    Image.fromarray(astronaut[:300, 80:380]).save(root / "Anna Example" / "Anna.JPG", exif=exif)
    Image.fromarray(astronaut[:300, 80:380]).save(root / "Anna.png")
    return root


def files(path: Path) -> dict[str, dict]:
    return {entry["source"]: entry for entry in json.loads(path.read_text())["files"]}


def released(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def test_values_stay_by_name_and_the_manifest_says_which(epd: Epd, folder: Path, tmp_path: Path) -> None:
    shown = epd("deidentify", *QUICK, "--metadata", "safe", "--keep", "date,camera", "in", "out")
    assert shown.returncode == 0, shown.stderr
    kept = Image.open(tmp_path / "out" / "Anna Example" / "Anna.JPG").getexif()
    assert dict(kept.get_ifd(0x8769)) == {0x9003: "2024:05:06 07:08:09"}
    assert (kept[0x010F], kept[0x0110], kept.get(0x013B)) == ("Maker", "Model 5", None)
    assert not kept.get_ifd(0x8825)
    for keep, code in (("date,camera", 0), ("date", 1), ("", 1)):
        assert epd("inspect", "--keep", keep, "out/Anna Example/Anna.JPG").returncode == code
    record = files(tmp_path / "out.manifest.json")
    assert record["Anna Example/Anna.JPG"]["kept"] == ["camera", "date"]
    assert record["Anna.png"]["kept"] == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--keep", "date"], "--metadata safe"),
        (["--metadata", "safe"], "--keep date,gps,camera"),
        (["--metadata", "safe", "--keep", "date,thumbnail"], "can't keep thumbnail"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(
    epd: Epd, folder: Path, tmp_path: Path, options: list[str], says: str
) -> None:
    shown = epd("deidentify", *options, "in", "out")
    assert (shown.returncode, says in shown.stderr) == (2, True)
    assert not (tmp_path / "out").exists()


def test_times_are_todays_unless_the_sources_are_asked_for(epd: Epd, folder: Path, tmp_path: Path) -> None:
    source = folder / "Anna.png"
    os.utime(source, ns=(10**18, 10**18 + 123_456_789))
    assert epd("deidentify", *QUICK, "in/Anna.png", "today").returncode == 0
    assert epd("deidentify", *QUICK, "--keep-times", "in/Anna.png", "then").returncode == 0
    assert (tmp_path / "then" / "Anna.png").stat().st_mtime_ns == 10**18 + 123_456_789
    assert (tmp_path / "today" / "Anna.png").stat().st_mtime_ns > 10**18 + 10**17


def test_renamed_outputs_say_nothing_and_the_manifest_says_all(
    epd: Epd, folder: Path, tmp_path: Path
) -> None:
    shown = epd("deidentify", *QUICK, "--rename", "hash", "in", "out")
    assert shown.returncode == 0, shown.stderr
    names, record = released(tmp_path / "out"), files(tmp_path / "out.manifest.json")
    assert all(HASHED.fullmatch(name) for name in names)
    assert sorted(entry["output"] for entry in record.values()) == names
    for entry in record.values():
        assert sha256_of(tmp_path / "out" / entry["output"]) == entry["sha256"]


def test_runs_draw_their_own_names_and_a_key_repeats_them(epd: Epd, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(bytes(range(32)))
    quick = QUICK[:2] + QUICK[4:]  # a seed and a key exclude each other
    for out, options in (
        ("a", []),
        ("b", []),
        ("c", ["--key", "secret.key"]),
        ("d", ["--key", "secret.key"]),
    ):
        shown = epd("deidentify", *quick, *options, "--rename", "hash", "in/Anna.png", out)
        assert shown.returncode == 0, shown.stderr
    a, b, c, d = (released(tmp_path / out) for out in "abcd")
    assert c == d and len({*a, *b, *c}) == 3


def test_a_run_over_an_earlier_one_replaces_its_files_instead_of_adding_more(
    epd: Epd, folder: Path, tmp_path: Path
) -> None:
    for options in ([], ["--overwrite"], ["--resume"]):
        assert epd("deidentify", *QUICK, "--rename", "hash", *options, "in", "out").returncode == 0
        assert len(released(tmp_path / "out")) == 2


def test_what_was_dropped_is_listed_and_generated_faces_are_marked(
    epd: Epd, tmp_path: Path, astronaut: np.ndarray
) -> None:
    exif = Image.Exif()
    exif[0x013B] = "Anna Example"
    thumbnail = io.BytesIO()
    Image.fromarray(astronaut[:300, 80:380]).resize((100, 100)).save(thumbnail, "JPEG")
    (tmp_path / "in").mkdir()
    for name, options in (("a.jpg", {"exif": exif}), ("b.bmp", {}), ("c.png", {})):
        Image.fromarray(astronaut[:300, 80:380]).save(tmp_path / "in" / name, **options)
    with (tmp_path / "in" / "c.png").open("ab") as file:
        file.write(thumbnail.getvalue())
    for out, options, kind in (
        ("out", [], "compositeWithTrainedAlgorithmicMedia"),
        ("bare", ["--no-mark"], ""),
    ):
        assert epd("deidentify", "--seed", 1, "--jobs", 1, *options, "in", out).returncode == 0
        record = files(tmp_path / f"{out}.manifest.json")
        assert {face["method"] for entry in record.values() for face in entry["faces"]} == {"generated"}
        assert {entry["digital_source_type"] for entry in record.values()} == {kind}
        # BMP can't hold XMP: there the mark stands in the manifest alone.
        for name, holds in (("a.jpg", True), ("b.bmp", False), ("c.png", True)):
            assert record[name]["marked"] == (holds and bool(kind))
            assert (b"DigitalSourceType" in (tmp_path / out / name).read_bytes()) == record[name]["marked"]
        assert [what.partition(":")[0] for what in record["a.jpg"]["dropped"]] == ["exif"]
        assert record["b.bmp"]["dropped"] == []
        (trailer,) = record["c.png"]["dropped"]
        assert trailer.startswith("trailer: ") and trailer.endswith("holds a picture of 100 x 100")


def test_an_output_that_is_replaced_is_another_file_with_nothing_of_the_old_one(
    epd: Epd, folder: Path, tmp_path: Path
) -> None:
    """Written over in place, a longer file would leave its end behind, and its blocks on the disk in use."""
    (tmp_path / "out").mkdir()
    old = tmp_path / "out" / "Anna.png"
    old.write_bytes((folder / "Anna.png").read_bytes() + b"OLD BYTES" * 99_999)
    elsewhere = tmp_path / "elsewhere.png"
    os.link(old, elsewhere)
    before = elsewhere.read_bytes()
    assert epd("deidentify", *QUICK, "--overwrite", "in", "out").returncode == 0
    assert b"OLD BYTES" not in old.read_bytes()
    assert elsewhere.read_bytes() == before
    assert old.stat().st_ino != elsewhere.stat().st_ino
