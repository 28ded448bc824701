"""The real command line on real pictures: what is released, what is withheld, what is said."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli.files import sha256_of

Epd = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path, astronaut: np.ndarray) -> Path:
    """A portrait with metadata as JPEG and as PNG in a sub-folder."""
    root = tmp_path / "in"
    (root / "deep").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x010F] = "SECRET-MAKER"
    Image.fromarray(astronaut).save(root / "portrait.jpg", quality=92, exif=exif)
    Image.fromarray(astronaut[:400, :400]).save(root / "deep" / "portrait.png")
    return root


def manifest(path: Path) -> dict:
    return json.loads(path.read_text())


def test_a_folder_is_deidentified_verified_and_recorded(epd: Epd, folder: Path, tmp_path: Path) -> None:
    before = {path: sha256_of(path) for path in folder.rglob("*.*")}
    shown = epd("deidentify", "--seed", 1, "in", "out")
    assert shown.returncode == 0, shown.stderr
    record = manifest(tmp_path / "out.manifest.json")
    assert [file["source"] for file in record["files"]] == ["deep/portrait.png", "portrait.jpg"]
    for file in record["files"]:
        assert file["verdict"] == "pass"
        assert file["sha256"] == sha256_of(tmp_path / "out" / file["output"])
        for face in file["faces"]:
            assert face["method"] == "soft" or face["identity_distance"] > face["threshold"] >= 0.539
    assert {path: sha256_of(path) for path in folder.rglob("*.*")} == before
    released = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*"))
    assert released == ["deep/portrait.png", "portrait.jpg"]
    assert b"SECRET-MAKER" not in (tmp_path / "out" / "portrait.jpg").read_bytes()


def test_a_lossless_picture_is_bit_identical_outside_the_face(epd: Epd, folder: Path, tmp_path: Path) -> None:
    assert epd("deidentify", "--seed", 1, "in/deep/portrait.png", "new.png").returncode == 0
    old, new = (np.asarray(Image.open(p)) for p in (folder / "deep" / "portrait.png", tmp_path / "new.png"))
    changed = (old != new).any(axis=2)
    (face,) = manifest(tmp_path / "new.png.manifest.json")["files"][0]["faces"]
    x, y, width, height = face["box"]
    rows, columns = np.nonzero(changed)
    assert changed[int(y + height / 2), int(x + width / 2)]
    assert rows.min() > y - 0.6 * height and rows.max() < y + 1.4 * height
    assert columns.min() > x - 0.6 * width and columns.max() < x + 1.6 * width


def test_a_seed_repeats_and_its_absence_does_not(epd: Epd, folder: Path, tmp_path: Path) -> None:
    for name, seed in (("a", ["--seed", 5]), ("b", ["--seed", 5]), *((name, []) for name in "cdef")):
        assert epd("deidentify", *seed, "in/portrait.jpg", f"{name}.jpg").returncode == 0
    a, b, *others = (sha256_of(tmp_path / f"{name}.jpg") for name in "abcdef")
    assert a == b and len(set(others)) > 1  # of the few people who fit, one may well be drawn twice


def test_a_key_repeats_for_its_owner_and_is_not_recorded(epd: Epd, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_bytes(bytes(range(32)))
    for name in "ab":
        assert epd("deidentify", "--key", "secret.key", "in/portrait.jpg", f"{name}.jpg").returncode == 0
    assert sha256_of(tmp_path / "a.jpg") == sha256_of(tmp_path / "b.jpg")
    assert bytes(range(32)).hex() not in (tmp_path / "a.jpg.manifest.json").read_text()


def test_a_picture_without_a_face_is_withheld_or_copied_without_metadata(epd: Epd, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET-MAKER"
    Image.new("RGB", (200, 150), (90, 120, 60)).save(tmp_path / "meadow.jpg", exif=exif)
    shown = epd("deidentify", "meadow.jpg", "out.jpg")
    assert shown.returncode == 1 and "1 no face" in shown.stderr and not (tmp_path / "out.jpg").exists()
    assert epd("deidentify", "--overwrite", "--no-face", "copy", "meadow.jpg", "out.jpg").returncode == 0
    assert b"SECRET-MAKER" not in (tmp_path / "out.jpg").read_bytes()


def test_one_bad_file_never_stops_the_rest(epd: Epd, folder: Path, tmp_path: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    (folder / "empty.png").write_bytes(b"")
    shown = epd("deidentify", "--seed", 1, "--json", "in", "out")
    assert shown.returncode == 1
    assert json.loads(shown.stdout)["verdicts"] == {"pass": 2, "no_face": 0, "withheld": 0, "failed": 2}
    assert "Traceback" not in shown.stderr
    assert not list((tmp_path / "out").glob(".epd-*"))


@pytest.mark.parametrize("method", ["soft", "solid", "blur", "pixelate", "filter", "warp"])
def test_the_classical_methods_run_under_the_same_checks(
    epd: Epd, folder: Path, tmp_path: Path, method: str
) -> None:
    assert epd("deidentify", "--method", method, "in/portrait.jpg", "out.jpg").returncode == 0
    (face,) = manifest(tmp_path / "out.jpg.manifest.json")["files"][0]["faces"]
    assert face["method"] in (method, "soft")
    if face["method"] in ("soft", "solid"):
        assert face["identity_distance"] is None, "no recogniser is asked where no face is left"
    else:
        assert face["identity_distance"] > 0.539
    x, y, width, height = (int(side) for side in face["box"])
    inner = np.s_[y + height // 4 : y + 3 * height // 4, x + width // 4 : x + 3 * width // 4]
    old, new = (
        np.asarray(Image.open(p), int)[inner] for p in (folder / "portrait.jpg", tmp_path / "out.jpg")
    )
    assert np.abs(old - new).mean() > 4


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["in", "in/out"], 2, "lies inside"),
        (["nowhere", "out"], 2, "does not exist"),
        (["in"], 2, "output is missing"),
        (["--backend", "abacus", "in", "out"], 3, "There is no backend abacus"),
        (["--device", "cuda:9", "--backend", "openvino", "in", "out"], 3, "has no device cuda:9"),
        (["--threshold", "0.3", "in", "out"], 2, "look-alikes"),
        (["--method", "magic", "in", "out"], 3, "There is no method magic"),
    ],
)
def test_errors_are_one_sentence_and_an_exit_code(
    epd: Epd, folder: Path, arguments: list[str], code: int, said: str
) -> None:
    shown = epd("deidentify", *arguments)
    assert (shown.returncode, "Traceback" in shown.stderr) == (code, False), shown.stderr
    assert said in shown.stderr


def test_existing_outputs_are_kept(epd: Epd, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out.jpg").write_bytes(b"mine")
    assert epd("deidentify", "in/portrait.jpg", "out.jpg").returncode == 2
    assert (tmp_path / "out.jpg").read_bytes() == b"mine"


def test_a_dry_run_writes_nothing(epd: Epd, folder: Path, tmp_path: Path) -> None:
    shown = epd("deidentify", "--dry-run", "in", "out")
    assert shown.returncode == 0 and "would pass" in shown.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_a_dry_run_ends_with_1_where_something_is_skipped(epd: Epd, folder: Path) -> None:
    (folder / "clip.mov").write_bytes(b"\0")
    shown = epd("deidentify", "-q", "--dry-run", "in", "out")
    assert shown.returncode == 1 and "ffmpeg" in " ".join(shown.stderr.split())
    assert epd("deidentify", "-q", "--dry-run", "--ignore", "*.mov", "in", "out").returncode == 0


def test_what_is_skipped_is_named_everywhere_unless_it_is_ignored(
    epd: Epd, folder: Path, tmp_path: Path
) -> None:
    (folder / "clip.MOV").write_bytes(b"\0\1")
    (folder / "album").symlink_to(folder / "deep")
    for ignore in ([], ["--ignore", "clip.*"]):
        shown = epd("detect", *ignore, "in")
        assert shown.returncode == 1 and "album/ is skipped" in shown.stderr
        assert ("clip.MOV is skipped" in shown.stderr) == (not ignore)
    assert epd("detect", "--ignore", "*.MOV", "--ignore", "album", "in").returncode == 0
    shown = epd("deidentify", "-q", "in", "out")
    assert shown.returncode == 1 and "clip.MOV" in shown.stderr and "album/" in shown.stderr
    skipped = manifest(tmp_path / "out.manifest.json")["skipped"]
    assert [one["source"] for one in skipped] == ["album/", "clip.MOV"]
    shown = epd("deidentify", "-q", "--resume", "--ignore", "*.MOV", "--ignore", "album", "in", "out")
    assert shown.returncode == 0 and manifest(tmp_path / "out.manifest.json")["skipped"] == []


def test_found_faces_are_drawn_on_copies_that_are_their_owners_alone(
    epd: Epd, folder: Path, tmp_path: Path, astronaut: np.ndarray
) -> None:
    assert epd("detect", "--draw", "boxes", "in/portrait.jpg").returncode == 0
    copy = tmp_path / "boxes" / "portrait.jpg.jpg"
    assert copy.stat().st_mode & 0o077 == 0
    green = np.asarray(Image.open(copy)).astype(int) @ [-1, 2, -1] > 200
    before = np.asarray(Image.open(folder / "portrait.jpg")).astype(int) @ [-1, 2, -1] > 200
    assert green.sum() > before.sum() + 300  # the sides of a box of 110 x 140 pixels
    shown = epd("detect", "--draw", "boxes", "in/portrait.jpg")
    assert shown.returncode == 2 and "exists" in shown.stderr


def test_detections_come_back_edited(epd: Epd, folder: Path, tmp_path: Path) -> None:
    found = json.loads(epd("detect", "--json", "in/portrait.jpg").stdout)
    (frame,) = found["pictures"]["portrait.jpg"]
    assert len(frame) == 1
    (tmp_path / "faces.json").write_text(json.dumps(found))
    assert epd("deidentify", "--detections", "faces.json", "in/portrait.jpg", "out.jpg").returncode == 0
    frame[0]["box"][2] = float("nan")
    (tmp_path / "faces.json").write_text(json.dumps(found))
    shown = epd("deidentify", "--detections", "faces.json", "in/portrait.jpg", "out2.jpg")
    assert shown.returncode == 2 and "faces.json" in shown.stderr


def test_a_face_that_was_taken_out_stays_and_one_that_was_put_in_is_replaced(
    epd: Epd, tmp_path: Path, astronaut: np.ndarray
) -> None:
    (tmp_path / "in").mkdir()
    two = np.hstack([astronaut, astronaut[:, ::-1]])
    Image.fromarray(two).save(tmp_path / "in" / "two.png")
    found = json.loads(epd("detect", "--json", "in").stdout)
    (frame,) = found["pictures"]["two.png"]
    assert len(frame) == 2
    frame[:] = [frame[1], {"box": [300, 330, 200, 180]}]  # not the first, and the helmet
    (tmp_path / "faces.json").write_text(json.dumps(found))
    shown = epd("deidentify", "--detections", "faces.json", "in", "out")
    assert shown.returncode == 0, shown.stderr
    (record,) = manifest(tmp_path / "out.manifest.json")["files"]
    assert len(record["faces"]) == 2 and len(record["stayed"]) == 1
    changed = (np.asarray(Image.open(tmp_path / "out" / "two.png")) != two).any(axis=2)
    assert not changed[:300, :300].any(), "the first face is as it was"
    assert changed[420, 400] and changed[:300, 512:].any()


def test_detections_that_match_nothing_are_an_error(epd: Epd, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "faces.json").write_text(epd("detect", "--json", "in/deep").stdout)
    shown = epd("deidentify", "--detections", "faces.json", "in", "out")
    assert shown.returncode == 2 and "which is no picture of this run" in shown.stderr
    assert not (tmp_path / "out").exists()


def test_workers_give_the_same_bytes_as_one_process(epd: Epd, folder: Path, tmp_path: Path) -> None:
    for jobs, out in ((1, "one"), (2, "two")):
        assert epd("deidentify", "--seed", 3, "--batch", 2, "-j", jobs, "in", out).returncode == 0
        assert json.loads((tmp_path / f"{out}.manifest.json").read_text())["batch"] == 2
    for name in ("portrait.jpg", "deep/portrait.png"):
        assert sha256_of(tmp_path / "one" / name) == sha256_of(tmp_path / "two" / name)
    assert sorted(p.name for p in tmp_path.iterdir() if "journal" in p.name) == []
