"""Words of ours that a reader would have to be taught, each with the term to write instead.

Read are the documents, and of the code every text in quotes: docstrings, help, messages. Line breaks don't
count.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

#: A regular expression of what not to write, and what to write.
INSTEAD = {
    r"mend(?:s|ed|ing)?": "repair",
    r"softer light": "blurred low-frequency colour",
    r"what crosses": "conditioning signals",
    r"glimpses?": "coarse intensity grids",
    r"as a stranger(?:'s)? would": "independently re-read",
    r"nobody of the originals": "matches no original identity",
    r"wears? the code": "is generated from the code",
    r"given up|exhausted": "no attempts left",
    r"buried": "occluded",
    r"the rules of the house": "the rules",
    r"pigeons?": "false detection",
    r"no GPU was to be had": "not measured on a GPU",
}
UNWANTED = {re.compile(rf"\b(?:{words})\b", re.IGNORECASE): term for words, term in INSTEAD.items()}
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "weights" / "epd_weights" / "MODEL_CARD.md",
    *sorted((ROOT / "weights").rglob("README.md")),
]
SOURCES = sorted(path for folder in ("epdcli", "backends") for path in (ROOT / folder).rglob("*.py"))


def unwanted_in(text: str) -> list[str]:
    text = " ".join(text.split())
    return [
        f'"{found[0]}": write "{term}"' for words, term in UNWANTED.items() for found in words.finditer(text)
    ]


def texts_of(source: str) -> Iterator[str]:
    """Everything that stands in quotes; an f-string in one piece, so that its words stay together."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.JoinedStr(values=values):
                yield "".join(value.value if isinstance(value, ast.Constant) else "{}" for value in values)
            case ast.Constant(value=str(text)):
                yield text


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_use_the_terms_of_the_field(path: Path) -> None:
    assert not unwanted_in(path.read_text())


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_help_docstrings_and_messages_use_the_terms_of_the_field(path: Path) -> None:
    assert not [wrong for text in texts_of(path.read_text()) for wrong in unwanted_in(text)]


@pytest.mark.parametrize(
    "text",
    [
        "What\ncrosses is little.",
        "The faces are buried.",
        "read as a stranger's would be",
        "Mending",
        "After ten attempts it is given\n    up.",
    ],
)
def test_words_are_found_in_any_case_and_across_lines(text: str) -> None:
    assert len(unwanted_in(text)) == 1


def test_words_inside_other_words_are_none() -> None:
    assert not unwanted_in("recommended, amended, inexhausted, given upper limits, a stranger would")


def test_every_kind_of_text_in_quotes_is_read_and_no_name_is() -> None:
    source = (
        "def buried(given_up):\n"
        '    """One."""\n'
        '    help = "tw" "o"\n'
        '    return f"thr{given_up}ee"  # pigeons\n'
    )
    assert {"One.", "two", "thr{}ee"} <= set(texts_of(source))
    assert not [wrong for text in texts_of(source) for wrong in unwanted_in(text)]
