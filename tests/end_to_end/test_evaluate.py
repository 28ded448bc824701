"""`epd evaluate` as a user runs it, on a few people of the development set, which stays outside."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from tests.end_to_end.test_json import fits
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
    fits(epd, "evaluate", json.loads((report / "results.json").read_text()))
    assert sorted(path.name for path in report.iterdir()) == [
        "figures.csv",
        "index.html",
        "results.json",
        "summary.md",
    ]
    again = epd("evaluate", "originals", "--people", "people.csv", "--deidentified", "copy", "--quiet")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_gaze_and_crowds_are_judged_by_networks_that_are_named(epd: Epd, sets: Path, shared: Path) -> None:
    """A network of three numbers stands in for one of gaze; another's answers for features."""
    nets = shared / "nets"
    judges = (
        "--gaze",
        f"eyes={nets / 'pose_fsanet.onnx'}",
        "--features",
        f"net={nets / 'mobilefacenet_192.onnx'}",
    )
    shown = epd("evaluate", "originals", "--deidentified", "copy", "--deidentified", "blurred", *judges, "-q")
    assert shown.returncode == 0, shown.stderr
    gaze = {f["set"]: f["value"] for f in figures(sets, part="all", measure="gaze", judge="eyes")}
    assert gaze["none"] == gaze["copy"] < 0.1 and gaze["blurred"] > 1
    for measure in ("Frechet distance", "kernel distance"):
        by = {(f["set"], f["judge"]): f["value"] for f in figures(sets, measure=measure)}
        assert {judge for _, judge in by} == {"net"}
        assert abs(by["copy", "net"]) < 0.01 < by["blurred", "net"]
    wrong = epd(
        "evaluate", "originals", "--deidentified", "copy", "--gaze", f"x={nets / 'mobilefacenet_192.onnx'}"
    )
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False)
    assert "192 numbers" in wrong.stderr


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


def test_what_is_not_measured_is_said(epd: Epd, tmp_path: Path, astronaut: NDArray[np.uint8]) -> None:
    for folder in ("originals", "copy"):
        for person in "ab":  # equal pictures: all scores are the same
            (tmp_path / folder / person).mkdir(parents=True)
            Image.fromarray(astronaut).save(tmp_path / folder / person / "1.jpg")
    (tmp_path / "originals" / "a" / "2.jpg").write_text("no picture")
    (tmp_path / "originals" / "a" / "3.pdf").write_bytes(b"%PDF-1.4")
    shown = epd("evaluate", "originals", "--deidentified", "copy", "--out", "report")
    assert shown.returncode == 1, shown.stderr
    assert "a/3.pdf is not measured" in shown.stderr
    assert "2.jpg is text, not a picture" in shown.stderr
    about = json.loads((tmp_path / "report" / "results.json").read_text())
    fits(epd, "evaluate", about)
    assert list(about["originals_unreadable"]) == ["a/2.jpg"]
    assert list(about["originals_skipped"]) == ["a/3.pdf"]
    assert (about["pictures"], about["originals_without_a_face"]) == (2, [])
    shown = (tmp_path / "report" / "index.html").read_text()
    assert "<li>a/3.pdf: not a kind of file that can be read</li>" in shown
    assert "<li>a/2.jpg: " in shown


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


@pytest.fixture
def browser(tmp_path: Path) -> Callable[..., str]:
    """Chromium without a network and without a window, with a profile of its own; returns what it prints."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium here")

    def open_page(page: Path, *options: str) -> str:
        quiet = (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--window-size=1300,1600",
        )
        apart = ("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={tmp_path / 'profile'}")
        command = [program, *quiet, *apart, *options, page.as_uri()]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    return open_page


def requests_of(log: Path) -> list[str]:
    """The addresses that a page on the disk asked for, by Chromium's log; Chromium's own calls are none."""
    content = json.loads(log.read_text())
    begun = content["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    told = (event.get("params", {}) for event in content["events"] if event["type"] == begun)
    return [p["url"] for p in told if "file://" in p.get("network_isolation_key", "") and "url" in p]


def test_a_browser_shows_the_page_and_asks_for_nothing_outside(
    epd: Epd, sets: Path, browser: Callable[..., str]
) -> None:
    assert epd("evaluate", "originals", "--deidentified", "blurred", "-q").returncode == 0
    page = sets / "report" / "index.html"
    browser(page, f"--screenshot={sets / 'page.png'}", f"--log-net-log={sets / 'log.json'}")
    with Image.open(sets / "page.png") as picture:
        seen = np.asarray(picture.convert("RGB"))
    assert len(np.unique(seen.reshape(-1, 3), axis=0)) > 500, "plots have colours and smooth lines"
    assert requests_of(sets / "log.json") == []
    planted = page.read_text().replace("Content-Security-Policy", "nothing")
    page.write_text(planted.replace("<main>", '<main><img src="http://outside.invalid/a.png">'))
    browser(page, f"--screenshot={sets / 'page.png'}", f"--log-net-log={sets / 'log.json'}")
    assert requests_of(sets / "log.json") == ["http://outside.invalid/a.png"]


def test_the_tables_that_a_browser_shows_are_the_figures_of_results_json(
    epd: Epd, sets: Path, browser: Callable[..., str]
) -> None:
    assert epd("evaluate", "originals", "--deidentified", "blurred", "-q").returncode == 0
    cells = re.findall(
        r'data-key="([^"]*)" data-digits="(\d)"[^>]*>([^<]*)<',
        browser(sets / "report" / "index.html", "--dump-dom"),
    )
    stored = {
        "|".join(f[key] for key in ("set", "part", "attack", "measure", "judge")): f["value"]
        for f in figures(sets)
    }
    assert len(cells) > 20
    for key, digits, shown in cells:
        value = stored[unescape(key)]
        assert shown == ("–" if value is None else f"{value:.{digits}f}"), key
