"""Faces that stand in transparency, or in a sliver of the values: whatever a viewer shows is replaced.

The judge uses neither our reader nor our looks: see `viewers`.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli import Deidentifier, Options
from epdcli.model import Verdict

from .battery import missing, shown_still
from .case import Case
from .cases_shown import CASES, SIDE
from .catalogue import CASES as ALL
from .planting import INNER, portrait
from .viewers import likeness

Epd = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def deidentifier() -> Iterator[Deidentifier]:
    with Deidentifier(Options(method="solid", passes="upright", seed=1)) as opened:
        yield opened


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_face_that_only_a_viewer_shows_is_replaced(
    deidentifier: Deidentifier, tmp_path: Path, case: Case
) -> None:
    if missing(case):
        pytest.skip(f"{case.needs} is not installed")
    source = case.build(tmp_path)
    target = tmp_path / f"out{source.suffix}"
    assert case.place is not None and likeness(source.read_bytes(), case.place) > 0.9
    record = deidentifier.file(source, target)
    assert record.verdict is Verdict.PASS, record.reason
    assert shown_still(case, target) == []


@pytest.mark.parametrize("kind", ["alpha: PNG", "a stretch: thermal TIFF"])
def test_detect_finds_what_only_a_viewer_shows(epd: Epd, tmp_path: Path, kind: str) -> None:
    (case,) = (one for one in CASES if one.title == f"shown by {kind}")
    source = case.build(tmp_path)
    (frame,) = json.loads(epd("detect", "--json", "--upright", source).stdout)["pictures"][source.name]
    assert any(_holds(face["box"], case) for face in frame)


def test_a_dry_run_counts_what_only_a_viewer_shows(epd: Epd, tmp_path: Path) -> None:
    (case,) = (one for one in CASES if one.title == "shown by a stretch: thermal TIFF")
    shown = epd("deidentify", "--dry-run", case.build(tmp_path), "out.tif")
    assert shown.returncode == 0 and "1 would pass; 1 face" in shown.stderr


def _holds(box: list[float], case: Case) -> bool:
    assert case.place is not None
    rows, columns = case.place
    return 0 < columns.start - box[0] < box[2] and 0 < rows.start - box[1] < box[3]


def test_a_cut_out_keeps_its_transparency(deidentifier: Deidentifier, tmp_path: Path) -> None:
    """Somebody before nothing: the face is opaque, and what was clear stays clear."""
    rows, columns = np.ogrid[:SIDE, :SIDE]
    inside = ((rows - 130) / 125) ** 2 + ((columns - 143) / 100) ** 2 < 1
    alpha = np.where(inside, 255, 0).astype(np.uint8)
    Image.fromarray(np.dstack([portrait(), alpha]), "RGBA").save(tmp_path / "in.png")
    record = deidentifier.file(tmp_path / "in.png", tmp_path / "out.png")
    assert (record.verdict, len(record.faces)) == (Verdict.PASS, 1)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png"))[..., 3], alpha)


def test_a_face_that_is_half_cut_off_by_transparency_is_replaced(
    deidentifier: Deidentifier, tmp_path: Path
) -> None:
    alpha = np.full((SIDE, SIDE), 255, np.uint8)
    alpha[140:] = 0
    Image.fromarray(np.dstack([portrait(), alpha]), "RGBA").save(tmp_path / "in.png")
    record = deidentifier.file(tmp_path / "in.png", tmp_path / "out.png")
    assert record.verdict is Verdict.PASS, record.reason
    before, after = (np.asarray(Image.open(tmp_path / name)) for name in ("in.png", "out.png"))
    seen = (slice(INNER[0].start, 140), INNER[1])
    assert (before[..., :3] != after[..., :3]).any(axis=2)[seen].mean() > 0.9
    assert not after[after[..., 3] == 0].any()


def test_an_opaque_picture_is_searched_no_more_often_than_before(
    deidentifier: Deidentifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []
    detect = deidentifier._detector.detect
    monkeypatch.setattr(deidentifier._detector, "detect", lambda pixels: searched.append(1) or detect(pixels))
    Image.fromarray(portrait()).save(tmp_path / "in.png")
    assert deidentifier.file(tmp_path / "in.png", tmp_path / "out.png").verdict is Verdict.PASS
    assert len(searched) == 2  # the source, and the finished file


@pytest.mark.parametrize(
    "title",
    ["PNG: grey, 1 bits", "PNG: grey, 2 bits", "PNG: grey, 4 bits", "PNG: palette, 1 bits", "PPM: P4"],
)
def test_a_picture_of_few_grey_levels_shows_the_new_face(tmp_path: Path, title: str) -> None:
    (case,) = (one for one in ALL if one.title == title)
    with Deidentifier(Options(passes="upright", seed=1)) as opened:
        record = opened.file(case.build(tmp_path), tmp_path / f"out{Path(case.name).suffix}")
    assert record.verdict is Verdict.PASS, record.reason
