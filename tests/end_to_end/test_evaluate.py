"""`epd evaluate` as a user runs it, on a few people of the development set, which stays outside."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tests.needs import needs

needs("sklearn", "scipy", "matplotlib", "openvino")

Epd = Callable[..., subprocess.CompletedProcess[str]]
PEOPLE, PICTURES = 5, 3


@pytest.fixture
def originals(tmp_path: Path, shared: Path) -> Path:
    """Three pictures of each of five people, and people.csv with their points."""
    source = shared / "data" / "lfw-dev"
    with (source / "people.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = dict.fromkeys(row["person"] for row in rows)
    several = [name for name in names if sum(row["person"] == name for row in rows) >= PICTURES]
    chosen = [row for name in several[:PEOPLE] for row in rows if row["person"] == name]
    kept = [row for row in chosen if int(row["file"][-8:-4]) <= PICTURES]
    for row in kept:
        target = tmp_path / "originals" / row["file"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / "images" / row["file"], target)
    with (tmp_path / "people.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    return tmp_path / "originals"


@pytest.fixture
def sets(originals: Path, tmp_path: Path) -> Path:
    """What two other tools wrote: one nothing but copies, the other blurred pictures, as PNG."""
    for path in originals.rglob("*.jpg"):
        name = path.relative_to(originals)
        for folder in ("copy", "blurred"):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, tmp_path / "copy" / name)
        with Image.open(path) as picture:
            picture.filter(ImageFilter.GaussianBlur(25)).save(
                (tmp_path / "blurred" / name).with_suffix(".png")
            )
    return tmp_path


def figures(folder: Path, **wanted: str) -> Iterator[dict]:
    content = json.loads((folder / "report" / "results.json").read_text())
    return (f for f in content["figures"] if all(f[key] == value for key, value in wanted.items()))


def test_a_copy_gives_everybody_away_and_a_blur_nobody(epd: Epd, sets: Path) -> None:
    shown = epd(
        *("evaluate", "originals", "--people", "people.csv", "--deidentified", "copy"),
        *("--deidentified", "soft=blurred", "--require", "soft:naive.auc<=0.9", "--require", "emotion>=0.99"),
    )
    assert shown.returncode == 1, shown.stderr
    assert "not met: emotion>=0.99: soft, faceapi: emotion is" in shown.stderr
    assert "auc" not in shown.stderr
    values = {f["set"]: f["value"] for f in figures(sets, part="all", attack="naive", measure="auc")}
    assert values["none"] == values["copy"] > 0.98
    assert values["soft"] < 0.9
    (refused,) = figures(sets, set="copy", part="all", attack="naive", measure="tpr@1e-3")
    assert refused["value"] is None and "support no FMR below" in refused["note"]
    assert refused["role"] == "verification"
    report = sets / "report"
    assert sorted(path.name for path in report.iterdir()) == [
        "figures.csv",
        "index.html",
        "results.json",
        "summary.md",
    ]
    again = epd("evaluate", "originals", "--people", "people.csv", "--deidentified", "copy", "--quiet")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_it_runs_our_own_methods_once_and_says_how_long_they_took(epd: Epd, originals: Path) -> None:
    arguments = ("evaluate", "originals", "--methods", "solid,pixelate:4", "-j", 1, "--with-pictures")
    shown = epd(*arguments)
    assert shown.returncode == 0, shown.stderr
    folder = originals.parent
    content = json.loads((folder / "report" / "results.json").read_text())
    assert [item["name"] for item in content["sets"]] == ["none", "solid", "pixelate:4"]
    assert all(item["seconds"] > 0 for item in content["sets"][1:])
    assert "data:image/jpeg" in (folder / "report" / "index.html").read_text()
    times = [path.stat().st_mtime_ns for path in sorted((folder / "report.work" / "solid").rglob("*.jpg"))]
    assert len(times) == content["pictures"] and epd(*arguments).returncode == 0
    assert times == [p.stat().st_mtime_ns for p in sorted((folder / "report.work" / "solid").rglob("*.jpg"))]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to evaluate"),
        (["--deidentified", "nowhere"], "nowhere is no folder"),
        (["--deidentified", "originals", "--attacks", "magic"], "There is no attack magic"),
        (["--deidentified", "originals", "--require", "tpr"], "can't be understood"),
        (["--deidentified", "originals", "--recogniser", "x=nowhere.onnx"], "names no network file"),
        (["--methods", "wand"], "There is no method wand"),
    ],
)
def test_what_can_not_be_done_is_said(epd: Epd, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "originals").mkdir()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "originals" / "a.png")
    shown = epd("evaluate", "originals", *arguments)
    assert (shown.returncode, "Traceback" in shown.stderr) == (2, False), shown.stderr
    assert said in shown.stderr


def test_a_browser_without_a_network_shows_the_page(epd: Epd, sets: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here")
    assert epd("evaluate", "originals", "--deidentified", "blurred", "-q").returncode == 0
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1300,1600")
    offline = "--host-resolver-rules=MAP * ~NOTFOUND"
    subprocess.run(
        [browser, *options, offline, f"--screenshot={sets / 'page.png'}", f"file://{sets}/report/index.html"],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    with Image.open(sets / "page.png") as picture:
        seen = np.asarray(picture.convert("RGB"))
    assert len(np.unique(seen.reshape(-1, 3), axis=0)) > 500, "plots have colours and smooth lines"
