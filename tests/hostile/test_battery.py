"""The battery at the level of the pictures room: fast, and without any network."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from .battery import missing, run, told
from .case import Case, Expect
from .catalogue import CASES
from .judges import exiftool_says, planted_bytes, visible_faces

_HIDES_IN_PIXELS = (
    "alpha 0",
    "no time",
    "padding",
    "fourth byte",
    "transparent",
    "outside",
    "thumbnail item",
)
_SAYS_LITTLE = ("time stamp", "background and histogram", "inflates", "entries in no use")


@pytest.fixture(scope="module")
def released() -> dict[Path, Case]:
    """What the cases wrote."""
    return {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_hostile_file_ends_clean_or_as_one_sentence(
    case: Case, tmp_path: Path, released: dict[Path, Case]
) -> None:
    if missing(case):
        pytest.skip(f"{case.needs} is not installed")
    out = tmp_path / "out"
    out.mkdir()
    outcome = run(case, tmp_path, out)
    assert outcome.right(case), f"{outcome.got}, not {case.expect}: {outcome.problems} {outcome.sentence}"
    if outcome.output is not None and case.group != "names":  # exiftool takes one name a line
        released[outcome.output] = case


def test_there_are_at_least_600_cases_of_distinct_causes() -> None:
    assert len({case.title for case in CASES}) == len(CASES) >= 600


def test_exiftool_finds_in_the_outputs_what_was_to_stay_and_nothing_else(
    released: dict[Path, Case],
) -> None:
    """Runs after the cases, on what they wrote."""
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    said = exiftool_says(list(released))
    assert said.keys() == released.keys()
    wrong = {released[path].title: told(released[path], tags) for path, tags in said.items()}
    assert {title: tags for title, tags in wrong.items() if tags} == {}


def test_the_judges_see_what_was_planted(tmp_path: Path) -> None:
    """A battery whose judges are blind would pass whatever leaks."""
    sources = {}
    for number, case in enumerate(CASES):
        harmless = case.group != "metadata" or any(
            word in case.title for word in _HIDES_IN_PIXELS + _SAYS_LITTLE
        )
        if not harmless and case.expect is Expect.WRITTEN and not missing(case):
            folder = tmp_path / str(number)
            folder.mkdir()
            sources[case.build(folder)] = case.title
    silent = [path for path in sources if not planted_bytes(path.read_bytes())]
    if shutil.which("exiftool") is None:
        assert len(silent) < len(sources) / 10
        pytest.skip("exiftool, which is to see the rest, is not installed")
    said = exiftool_says(silent)
    blind = [sources[path] for path in silent if not said.get(path)]
    assert blind == []


def test_a_face_under_full_transparency_is_seen_by_the_judges(tmp_path: Path) -> None:
    hidden = [case for case in CASES if "under alpha 0" in case.title and not missing(case)]
    for case in hidden:
        assert any("beside" in what for what in visible_faces(case.build(tmp_path).read_bytes())) or any(
            word in case.title for word in ("AVIF", "frames")
        )
