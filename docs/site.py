"""What MkDocs is told beyond mkdocs.yml: pages that lie elsewhere in the checkout, the
notebook, and the API's.

Links are written for a checkout. Those to a page of the site are changed; those to any other file of the
checkout become its path, in words. Links to nothing stay, and end the build.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

import epdcli

ROOT = Path(__file__).parent.parent
# Page of the site: file of the checkout. Files in docs/ are pages under their own names.
ELSEWHERE = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "security.md": "SECURITY.md",
    "changelog.md": "CHANGELOG.md",
    "model_card.md": "weights/epd_weights/MODEL_CARD.md",
    "networks.md": "weights/README.md",
    "people.md": "weights/people/README.md",
}
NOTEBOOK = "quickstart.ipynb"
_LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that don't lie in docs/."""
    for page, source in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=_linked(text, Path(source).parent.as_posix())))
    files.append(File.generated(config, "quickstart.md", content=_notebook()))
    files.append(File.generated(config, "api.md", content=_api()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Change the links of pages in docs/."""
    return markdown if page.file.generated_by else _linked(markdown, "docs")


def _linked(text: str, folder: str) -> str:
    pages = {source: page for page, source in ELSEWHERE.items()}
    pages |= {f"docs/{path.name}": path.name for path in (ROOT / "docs").iterdir() if path.suffix != ".py"}
    pages[f"docs/{NOTEBOOK}"] = "quickstart.md"

    def changed(link: re.Match[str]) -> str:
        words, target, part = link[1], link[2], link[3] or ""
        if ":" in target:
            return link[0]
        there = posixpath.normpath(posixpath.join(folder, target))
        if there in pages:
            return f"[{words}]({pages[there]}{part})"
        if not (ROOT / there).exists():
            return link[0]
        return f"`{there}`" if words.strip("`") in (there, target) else f"{words} (`{there}`)"

    return _LINK.sub(changed, text)


def _notebook() -> str:
    """The quick-start notebook, which is kept without outputs, as a page."""
    parts = []
    for cell in json.loads((ROOT / "docs" / NOTEBOOK).read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        parts.append(f"```python\n{text}\n```" if cell["cell_type"] == "code" else _linked(text, "docs"))
    return "\n\n".join([*parts, f"This page is [a notebook]({NOTEBOOK}).\n"])


def _api() -> str:
    """Every public name, from its docstring."""
    by_module = defaultdict(list)
    for name in epdcli.__all__:
        by_module[getattr(epdcli, name).__module__].append(name)
    parts = [
        "# API\n\nEverything is imported from `epdcli`. [The library](library.md) shows each name in use.\n"
    ]
    parts += [f"::: {module}.{name}\n" for module, names in sorted(by_module.items()) for name in names]
    return "\n".join(parts)
