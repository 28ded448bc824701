"""Who is on a picture, which files belong to it, what networks are told to be fed with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from epdcli.batch.listing import listing_of
from epdcli.errors import UsageError
from epdcli.evaluation.cache import Cache, key_of
from epdcli.evaluation.conventions import CROPS, parse_source
from epdcli.evaluation.deidentified import parse_sets, read_set
from epdcli.evaluation.portraits import groups_of, people_of, read_portraits
from epdcli.evaluation.scenes import nearest
from epdcli.model import Box, Face

POINTS = "left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,left_mouth_x,left_mouth_y," \
    "right_mouth_x,right_mouth_y"  # fmt: skip


@pytest.fixture
def originals(tmp_path: Path) -> Path:
    for name in ("Ann/1.jpg", "Ann/2.jpg", "Bob/1.jpg", "alone.jpg"):
        path = tmp_path / "originals" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path / "originals"


def test_the_first_folder_is_the_person_and_a_loose_picture_is_its_own(originals: Path) -> None:
    portraits = read_portraits(listing_of([originals]))
    assert [p.person for p in portraits] == ["Ann", "Ann", "Bob", "alone.jpg"]
    assert people_of(portraits).tolist() == [0, 0, 1, 2]


def test_a_list_of_people_names_them_gives_points_and_chooses(originals: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(f"file,person,{POINTS}\nAnn/1.jpg,A,1,2,3,4,5,6,7,8,9,10\nBob/1.jpg,A,,,,,,,,,,\n")
    first, second = read_portraits(listing_of([originals]), people)
    assert (first.person, second.person, second.landmarks) == ("A", "A", None)
    assert first.landmarks is not None and first.landmarks[1].tolist() == [3, 4]


def test_labels_make_groups_and_ages_make_bands(originals: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("file,age,gender\nAnn/1.jpg,17,female\nBob/1.jpg,61,male\nAnn/2.jpg,18,female\n")
    groups = groups_of(read_portraits(listing_of([originals]), labels=labels), smallest=1)
    assert {name: members.sum() for name, members in groups.items()} == {
        ("age", "0-17"): 1, ("age", "18-39"): 1, ("age", "60+"): 1, ("gender", "female"): 2,
        ("gender", "male"): 1,
    }  # fmt: skip
    portraits = read_portraits(listing_of([originals]), labels=labels)
    assert set(groups_of(portraits, smallest=2)) == {("gender", "female")}


@pytest.mark.parametrize(
    ("content", "said"), [("person\nA\n", "no column 'file'"), ("file\nnobody.jpg\n", "names no picture")]
)
def test_a_list_that_fits_nothing_is_refused(
    originals: Path, tmp_path: Path, content: str, said: str
) -> None:
    people = tmp_path / "people.csv"
    people.write_text(content)
    with pytest.raises(UsageError, match=said):
        read_portraits(listing_of([originals]), people)


def test_files_are_matched_by_relative_path_and_by_stem(originals: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("Ann/1.jpg", "Bob/1.png"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(b"")
    given = read_set("tool", out, read_portraits(listing_of([originals])))
    found = [file.relative_to(out).as_posix() if file else None for file in given.files]
    assert found == ["Ann/1.jpg", None, "Bob/1.png", None] and given.missing == 2
    with pytest.raises(UsageError, match="none of the originals' names"):
        read_set("tool", originals / "Ann", read_portraits(listing_of([originals])))


def test_the_manifest_beside_a_folder_says_what_was_filled(originals: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "Ann").mkdir(parents=True)
    (tmp_path / "out" / "Ann" / "1.jpg").write_bytes(b"")
    faces = [{"box": [1, 2, 3, 4], "method": "solid"}, {"box": [5, 6, 7, 8], "method": "blur"}]
    told = {"method": "blur", "files": [{"source": "Ann/1.jpg", "faces": faces}]}
    manifest = tmp_path / "out.manifest.json"
    manifest.write_text(json.dumps(told))
    portraits = read_portraits(listing_of([originals]))
    assert read_set("x", tmp_path / "out", portraits).fills == {"Ann/1.jpg": (Box(1, 2, 3, 4),)}
    manifest.write_text(json.dumps({**told, "method": "solid"}))  # then a fill is what was asked for
    assert read_set("x", tmp_path / "out", portraits).fills == {}


def test_sets_are_named_by_their_folder_or_as_told() -> None:
    assert parse_sets(["a/blurred", "x=b/blurred"]) == {"blurred": Path("a/blurred"), "x": Path("b/blurred")}
    for names in (["a/x", "x=b"], ["none=b"]):
        with pytest.raises(UsageError):
            parse_sets(names)


def test_a_network_is_fed_as_options_or_a_file_beside_it_say(tmp_path: Path) -> None:
    network = tmp_path / "net.onnx"
    network.write_bytes(b"network")
    told = parse_source(f"x={network},crop=arcface,output=out,metric=euclidean,mean=127.5,role=training")
    how = told.convention
    assert (how.crop, how.output, how.metric, how.mean) == (CROPS["arcface"], "out", "euclidean", 127.5)
    assert how.role == "training"
    beside = {"crop": [1, 2, 3, 64], "output": "y", "channels": 1}
    (tmp_path / "net.onnx.json").write_text(json.dumps(beside))
    assert parse_source(f"x={network}").convention.crop == (1, 2, 3, 64)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "Nothing says how"),
        (",crop=arcface", "Nothing says how"),
        (",crop=wide,output=y", "can't be understood"),
        (",crop=arcface,output=y,colour=red", "there is no colour"),
        (",crop=arcface,output=y,metric=taxi", "metric is one of"),
        (",crop", "key=value"),
    ],
)
def test_a_network_that_nobody_describes_is_refused(tmp_path: Path, options: str, said: str) -> None:
    network = tmp_path / "net.onnx"
    network.write_bytes(b"network")
    with pytest.raises(UsageError, match=said):
        parse_source(f"x={network}{options}")


def test_answers_are_kept_and_a_damaged_file_is_no_answer(tmp_path: Path) -> None:
    key = key_of("ab", "c")
    assert key != key_of("a", "bc")
    Cache(tmp_path).store(key, {"x": np.arange(3, dtype=np.float32)})
    assert Cache(tmp_path).load(key)["x"].tolist() == [0, 1, 2]
    (file,) = tmp_path.rglob("*.npz")
    file.write_bytes(file.read_bytes()[:20])
    assert Cache(tmp_path).load(key) == {}


def test_another_face_nearby_is_not_the_main_face() -> None:
    def at(x: float) -> Face:
        points = np.array([(x, 0), (x + 10, 0), (x + 5, 5), (x, 10), (x + 10, 10)], np.float32)
        return Face(Box(x - 5, -5, 20, 20), points, 1.0)

    assert nearest([at(40), at(3)], at(0)) is not None
    assert nearest([at(40)], at(0)) is None and nearest([], at(0)) is None
