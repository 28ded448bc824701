"""The docs as a site: it builds without a warning, holds every page, and asks no other machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import epdcli

ROOT = Path(__file__).parents[2]
# What a browser fetches by itself; links that a person may click are something else.
FETCHED = re.compile(r"""<(?:script|img|iframe|source|video|audio)[^>]*\ssrc=["']?(https?:)?//[^>]*|"""
                     r"""<link[^>]*rel=["']?(?:stylesheet|preload|preconnect|icon)[^>]*href=["']?(?:https?:)?//[^>]*|"""
                     r"""url\(["']?(?:https?:)?//[^)]*""")  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="the site needs the extra docs")
    pytest.importorskip("mkdocstrings", reason="the site needs the extra docs")
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", out],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return out


def test_every_page_of_the_docs_is_in_the_site(site: Path) -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert pages | {"index", "api", "model_card", "changelog"} <= {path.stem for path in site.glob("*.html")}
    navigation = (site / "index.html").read_text()
    assert [page for page in pages if f'href="{page}.html"' not in navigation] == []
    assert "write_commands" not in {path.stem for path in site.rglob("*")}


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


def test_links_between_pages_lead_somewhere(site: Path) -> None:
    broken = [
        (path.name, target)
        for path in site.glob("*.html")
        for target in re.findall(r'href="([^"#:]+\.(?:html|jpg))(?:#[^"]*)?"', path.read_text())
        if path.name != "404.html" and not (path.parent / target).is_file()
    ]
    assert not broken
