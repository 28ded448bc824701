"""The count of believable faces: the same list every time, cuts that stay inside, sums that are right."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.looks_counts import (
    Count,
    Share,
    failures,
    groups,
    kept,
    read_counts,
    report,
    shares,
    write_blank,
)
from benchmarks.looks_faces import (
    BOX_IN_FRAME,
    SETS,
    ListedFace,
    age_band,
    choose,
    crowd,
    face_box,
    people,
    read_list,
    strata,
    write_list,
)
from benchmarks.looks_pages import (
    CUT_PX,
    Cell,
    cells,
    method_of,
    pages,
    read_manifests,
    square_about,
    square_cut,
)
from epdcli.faces.alignment import TEMPLATE_256
from epdcli.model import Box

BOX = Box(40, 30, 20, 20)


def labels() -> list[dict[str, str]]:
    """Three faces of every age band, sex and label, but no old woman of the label b."""
    return [
        {"file": f"{age}{gender}{race}{copy}.jpg", "age": str(age), "gender": gender, "race": race}
        for age in (5, 20, 45, 70)
        for gender in ("female", "male")
        for race in ("a", "b")
        for copy in range(3)
        if (age, gender, race) != (70, "female", "b")
    ]


def test_a_seed_chooses_the_same_faces_whatever_order_the_table_has() -> None:
    rows = [{"file": f"{name}{n}.jpg", "person": name} for name in "abcdefgh" for n in range(3)]
    assert people(rows, 4, random.Random(1)) == people(rows, 4, random.Random(1))
    assert people(rows, 4, random.Random(1)) != people(rows, 4, random.Random(2))
    assert strata(labels(), 16, random.Random(1)) == strata(labels(), 16, random.Random(1))


def test_nobody_is_chosen_twice() -> None:
    rows = [{"file": f"{name}{n}.jpg", "person": name} for name in "abcdefgh" for n in range(3)]
    assert sorted(row["person"] for row in people(rows, 8, random.Random(3))) == list("abcdefgh")


def test_every_age_band_and_sex_has_the_same_share_and_in_it_every_label() -> None:
    chosen = strata(labels(), 16, random.Random(1))
    cells = Counter((age_band(int(row["age"])), row["gender"], row["race"]) for row in chosen)
    assert len({row["file"] for row in chosen}) == 16
    assert cells.pop(("61-200", "female", "a")) == 2  # the missing label's place
    assert len(cells) == 14 and set(cells.values()) == {1}


def test_too_few_faces_of_a_band_and_sex_are_refused() -> None:
    with pytest.raises(ValueError, match=r"3 faces of 61-200 female, 5 are needed"):
        strata(labels(), 40, random.Random(1))


def test_of_a_crowd_two_valid_faces_a_picture_are_taken_and_none_under_50_px() -> None:
    rows = [
        {"file": f"{picture}.jpg", "h": str(height), "invalid": invalid}
        for picture in range(3)
        for height, invalid in ((50, "0"), (60, "0"), (70, "0"), (49, "0"), (80, "1"))
    ]
    chosen = crowd(rows, 6, random.Random(1))
    assert set(Counter(row["file"] for row in chosen).values()) == {2}
    assert all(row["invalid"] == "0" and int(row["h"]) >= 50 for row in chosen)
    with pytest.raises(ValueError, match="6 faces, 7 are needed"):
        crowd(rows, 7, random.Random(1))


def test_the_box_of_five_points_follows_the_face_and_stays_upright() -> None:
    half = face_box((TEMPLATE_256 / 2 + (30, 10)).astype(np.float32))
    assert half == pytest.approx((BOX_IN_FRAME.x / 2 + 30, BOX_IN_FRAME.y / 2 + 10, 60, 87), abs=0.06)
    turned = face_box((TEMPLATE_256 @ np.array([[0, 1], [-1, 0]])).astype(np.float32))
    assert (turned.width, turned.height) == pytest.approx((120, 174), abs=0.06)


def test_the_list_is_read_as_it_was_written(tmp_path: Path) -> None:
    faces = [ListedFace(1, "lfw-dev", "A/A_0001.jpg", Box(1.5, 2, 30, 40.1))]
    write_list(tmp_path / "faces.csv", faces)
    assert read_list(tmp_path / "faces.csv") == faces


def test_the_committed_list_has_150_faces_of_three_sets() -> None:
    faces = read_list()
    assert [face.number for face in faces] == list(range(1, 151))
    assert Counter(face.set for face in faces) == SETS
    assert len({(face.set, face.file, face.box) for face in faces}) == 150


def test_the_committed_list_is_what_the_seed_chooses(shared: Path) -> None:
    assert choose(shared / "data", 1) == read_list()


@pytest.mark.parametrize(
    ("box", "square"),
    [
        (Box(40, 30, 20, 10), (31, 16, 38)),  # inside
        (Box(0, 0, 20, 20), (0, 0, 38)),  # upper left: moved, not cut
        (Box(90, 70, 20, 20), (62, 42, 38)),  # lower right
        (Box(-30, 20, 20, 20), (0, 11, 38)),  # beside the picture
        (Box(10, 10, 60, 60), (0, 0, 80)),  # larger than the picture: the largest square that fits
    ],
)
def test_the_square_about_a_box_stays_inside_the_picture(box: Box, square: tuple[int, int, int]) -> None:
    assert square_about(box, width=100, height=80) == square


def test_a_cut_has_its_size_and_shows_what_is_there() -> None:
    picture = np.zeros((80, 100, 3), np.uint8)
    picture[:, 50:] = 255
    for size in (10, CUT_PX):  # made smaller and larger
        cut = square_cut(picture, BOX, size)
        assert cut.shape == (size, size, 3)
        assert (cut[:, : size // 2 - size // 10] == 0).all() and (
            cut[:, size // 2 + size // 10 :] == 255
        ).all()


def record(*methods: tuple[str, Sequence[float]], verdict: str = "pass") -> dict[str, object]:
    return {
        "source": "a.jpg",
        "output": "a.jpg" if verdict == "pass" else None,
        "verdict": verdict,
        "faces": [{"method": method, "box": list(box)} for method, box in methods],
    }


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (record(("generated", (38, 28, 24, 24)), ("solid", (70, 30, 20, 20))), "generated"),
        (record(("solid", (34, 24, 30, 30)), ("generated", (40, 30, 20, 21))), "generated + solid"),
        (record(("generated", (70, 30, 20, 20))), "not found"),
        (record(verdict="no_face"), "not found"),
        (record(("solid", BOX), verdict="withheld"), "withheld"),
        (None, "not run"),
    ],
)
def test_what_the_manifest_says_of_the_face_is_shown(found: dict[str, object] | None, said: str) -> None:
    assert method_of(BOX, found) == said


def test_a_missing_run_is_an_error_and_a_missing_set_is_not(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"lfw-dev\.manifest\.json"):
        read_manifests(tmp_path, ["lfw-dev", "utk-dev"])
    (tmp_path / "utk-dev.manifest.json").write_text('{"files": [{"source": "a.jpg"}]}')
    assert read_manifests(tmp_path, ["lfw-dev", "utk-dev"]) == {
        "lfw-dev": {},
        "utk-dev": {"a.jpg": {"source": "a.jpg"}},
    }


def test_both_cuts_are_of_the_same_place_and_a_withheld_picture_is_grey(tmp_path: Path) -> None:
    originals, output = tmp_path / "data", tmp_path / "out"
    (originals / "utk-dev" / "images").mkdir(parents=True)
    (output / "utk-dev").mkdir(parents=True)
    for name in ("a", "b"):
        Image.new("RGB", (100, 80), "red").save(originals / "utk-dev" / "images" / f"{name}.png")
    Image.new("RGB", (100, 80), "blue").save(output / "utk-dev" / "a.png")
    records = {
        "a.png": {**record(("generated", BOX)), "output": "a.png"},
        "b.png": record(verdict="withheld"),
    }
    faces = [ListedFace(1, "utk-dev", "a.png", BOX), ListedFace(2, "utk-dev", "b.png", BOX)]
    one, other = cells(faces, originals, output, {"utk-dev": records})
    assert (one.original == (255, 0, 0)).all() and (one.new == (0, 0, 255)).all()
    assert (other.new == 128).all() and other.method == "withheld"


def test_thirty_faces_fill_a_page_and_the_next_begins_another() -> None:
    cut = np.zeros((CUT_PX, CUT_PX, 3), np.uint8)
    shown = [Cell(ListedFace(n, "utk-dev", "a.jpg", BOX), cut, cut, "generated") for n in range(31)]
    drawn = list(pages(shown))
    assert len(drawn) == 2 and drawn[0].size == drawn[1].size
    assert len(list(pages(shown, across=2, down=4))) == 4


COUNTS = [
    Count(1, "yes"),
    Count(2, "yes", ("age",)),
    Count(3, "no", ("seam", "sex")),
    Count(4, "no", ("fill",)),
    Count(5, "none"),
    Count(6, ""),
]


def test_shares_are_of_the_new_faces_that_were_judged() -> None:
    told = shares(COUNTS, {"first": {1, 3}, "rest": {4, 5, 6}, "empty": set()})
    assert told == {
        "all": Share(2, 4),
        "generated": Share(2, 3),
        "first": Share(1, 2),
        "rest": Share(0, 1),
        "empty": Share(0, 0),
    }
    assert told["all"].value == 0.5 and told["empty"].value == 0


def test_the_interval_is_wilsons() -> None:
    assert Share(15, 104).interval == pytest.approx((0.0894, 0.2245), abs=0.0005)
    assert Share(0, 10).interval[0] == 0 and Share(10, 10).interval[1] == 1
    assert Share(0, 0).interval == (0, 1)


def test_failures_are_counted_over_all_new_faces_and_over_the_unbelievable_ones() -> None:
    told = failures(COUNTS)
    assert (told["age"], told["seam"], told["fill"], told["pose"]) == ((1, 0), (1, 1), (1, 1), (0, 0))


def test_an_attribute_is_kept_where_a_generated_face_does_not_name_it() -> None:
    assert kept(COUNTS) == {"age": Share(2, 3), "sex": Share(2, 3), "skin-tone": Share(3, 3)}


def test_women_men_and_children_are_told_apart_where_labels_are_known() -> None:
    faces = [
        *(ListedFace(n, "utk-dev", f"{n}.jpg", BOX) for n in (1, 2, 3)),
        ListedFace(4, "lfw-dev", "1.jpg", BOX),
    ]
    rows = [
        {"file": "1.jpg", "age": "12", "gender": "male"},
        {"file": "2.jpg", "age": "13", "gender": "male"},
        {"file": "3.jpg", "age": "70", "gender": "female"},
    ]
    assert groups(faces, rows) == {
        "lfw-dev": {4},
        "utk-dev": {1, 2, 3},
        "utk-dev: children": {1},
        "utk-dev: men": {2},
        "utk-dev: women": {3},
    }
    assert groups(faces, []) == {"lfw-dev": {4}, "utk-dev": {1, 2, 3}}


def test_the_report_says_what_is_missing() -> None:
    lines = list(report(COUNTS, {}))
    assert "| all | 4 | 2 | 0.50 | 0.15 to 0.85 |" in lines
    assert lines[-1] == "1 without a new face (not found, withheld); 1 not judged yet"


def test_a_blank_table_knows_what_is_filled_or_missing_and_overwrites_no_answers(tmp_path: Path) -> None:
    path = tmp_path / "counts.csv"
    methods = ("generated", "solid", "generated + solid", "not found")
    faces = [ListedFace(n, "utk-dev", f"{n}.jpg", BOX) for n in range(len(methods))]
    write_blank(path, zip(faces, methods, strict=True))
    assert read_counts(path, range(4)) == [
        Count(0, ""),
        Count(1, "", ("fill",)),
        Count(2, ""),
        Count(3, "none"),
    ]
    with pytest.raises(FileExistsError):
        write_blank(path, [])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(1, "maybe", "")], "believable is 'maybe'"),
        ([(1, "no", "ugly")], "ugly is none of"),
        ([(1, "no", "")], "no failure says why"),
        ([(1, "yes", ""), (1, "yes", "")], "counted twice"),
        ([(9, "yes", "")], "not in the list"),
    ],
)
def test_answers_that_cannot_be_counted_are_named(
    tmp_path: Path, rows: list[tuple[int, str, str]], said: str
) -> None:
    with (tmp_path / "counts.csv").open("w", newline="") as lines:
        csv.writer(lines).writerows([("number", "believable", "failures"), *rows])
    with pytest.raises(ValueError, match=rf"face {rows[0][0]}: .*{said}"):
        read_counts(tmp_path / "counts.csv", {1, 2})
