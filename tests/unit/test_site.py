"""The docs as a site: it builds without a warning, holds every page, and asks no other machine."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import epdcli

ROOT = Path(__file__).parents[2]
# What a browser fetches by itself; links that a person may click are something else.
_FAR = r"""["']?\s*(?:https?:)?//"""
FETCHED = re.compile(
    rf"<(?:script|img|iframe|source|video|audio|embed|input)\b[^>]*\s(?:src|srcset|poster)={_FAR}[^>]*|"
    rf"<link\b(?=[^>]*\srel=[\"']?(?:stylesheet|preload|prefetch|preconnect|dns-prefetch|modulepreload|icon))"
    rf"[^>]*\shref={_FAR}[^>]*|"
    rf"<object\b[^>]*\sdata={_FAR}[^>]*|"
    rf"url\({_FAR}[^)]*|"
    rf"@import\s*{_FAR}[^;]*"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="the site needs the extra docs")
    pytest.importorskip("mkdocstrings", reason="the site needs the extra docs")
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", out],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return out


def test_make_site_ends_at_a_warning() -> None:
    (line,) = re.findall(r"^\t.*mkdocs build.*$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "--strict" in line and "--quiet" not in line  # quiet, MkDocs counts no warnings


def test_every_page_of_the_docs_is_in_the_site(site: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    built = {path.stem for path in site.glob("*.html")}
    assert pages | {"index", "quickstart", "api", "model_card", "changelog"} <= built
    navigation = (site / "index.html").read_text()
    assert [page for page in pages if f'href="{page}.html"' not in navigation] == []
    assert "write_commands" not in {path.stem for path in site.rglob("*")}


@pytest.mark.parametrize(
    ("tag", "fetched"),
    [
        ('<script src="https://far/a.js"></script>', True),
        ("<img alt=a srcset=//far/a.png>", True),
        ('<link rel="stylesheet" href="https://far/a.css">', True),
        ('<link href="https://far" rel=preconnect crossorigin>', True),
        ('@import "https://far/a.css";', True),
        ("background: url(https://far/a.png)", True),
        ('<a href="https://far/">far</a>', False),
        ('<link rel="canonical" href="https://far/">', False),
        ('<img src="a.png">', False),
    ],
)
def test_what_a_browser_fetches_is_told_from_links(tag: str, fetched: bool) -> None:
    assert bool(FETCHED.search(tag)) == fetched


def test_the_site_asks_no_other_machine(site: Path) -> None:
    found = [
        (path.name, match.group(0)[:100])
        for path in [*site.rglob("*.html"), *site.rglob("*.css")]
        for match in FETCHED.finditer(path.read_text())
    ]
    assert not found


def test_every_public_name_is_in_the_api(site: Path) -> None:
    page = (site / "api.html").read_text()
    assert [name for name in epdcli.__all__ if f"{name}</span>" not in page and f">{name}<" not in page] == []


def test_the_notebook_is_a_page_and_links_lead_to_it(site: Path) -> None:
    page = (site / "quickstart.html").read_text()
    assert 'href="quickstart.ipynb"' in page and 'href="index.html#what-it-cant-do"' in page
    assert (site / "quickstart.ipynb").is_file()
    assert 'id="what-it-cant-do"' in (site / "index.html").read_text()
    for name in ("index.html", "library.html"):
        assert 'href="quickstart.html"' in (site / name).read_text(), name


@pytest.mark.parametrize(
    ("link", "changed"),
    [
        ("[a](json.md#part)", "[a](json.md#part)"),
        ("[a](../README.md)", "[a](index.md)"),
        ("[a](../LICENSE)", "a (`LICENSE`)"),
        ("[a](nothing.md)", "[a](nothing.md)"),
        ("![a](nothing.png)", "![a](nothing.png)"),
    ],
)
def test_links_to_nothing_are_left_for_the_build_to_find(link: str, changed: str) -> None:
    pytest.importorskip("mkdocs", reason="the site needs the extra docs")
    hook = runpy.run_path(str(ROOT / "docs" / "site.py"))
    assert hook["_linked"](link, "docs") == changed


def test_links_between_pages_lead_somewhere(site: Path) -> None:
    broken = [
        (path.name, target)
        for path in site.glob("*.html")
        for target in re.findall(r'href="([^"#:]+\.(?:html|jpg))(?:#[^"]*)?"', path.read_text())
        if path.name != "404.html" and not (path.parent / target).is_file()
    ]
    assert not broken
