"""Faces that a person edited: what the file may say, and what it means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epdcli.batch.detections_file import detections_as_json, given_faces, read_detections
from epdcli.errors import UsageError
from epdcli.files import sha256_of
from epdcli.model import Box, Face

POINTS = np.array([(30, 40), (70, 40), (50, 60), (35, 80), (65, 80)], np.float32)
ONE, OTHER = Face(Box(10, 20, 100, 120), POINTS, 0.9), Face(Box(300, 20, 100, 120), POINTS + 290, 0.8)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"a picture")
    return path


@pytest.fixture
def written(picture: Path) -> dict[str, Any]:
    """What `epd detect --json` says of a picture with two faces."""
    return detections_as_json({"a.jpg": [[ONE, OTHER]]}, {"a.jpg": sha256_of(picture)})


def saved(folder: Path, content: object) -> Path:
    path = folder / "faces.json"
    path.write_text(json.dumps(content))
    return path


def test_what_is_written_is_read_back(tmp_path: Path, written: dict[str, Any]) -> None:
    (frame,) = read_detections(saved(tmp_path, written)).faces["a.jpg"]
    assert [face.box for face in frame] == [ONE.box, OTHER.box]
    assert not any(face.stays for face in frame)
    assert np.array_equal(frame[0].landmarks, POINTS)


def test_a_face_that_was_taken_out_stays_and_one_that_was_put_in_does_not(
    tmp_path: Path, written: dict[str, Any]
) -> None:
    written["pictures"]["a.jpg"][0][0] = {"box": [600, 20, 90, 90]}
    (frame,) = read_detections(saved(tmp_path, written)).faces["a.jpg"]
    assert {face.box.x: face.stays for face in frame} == {600: False, 300: False, 10: True}


def test_a_face_that_was_moved_or_made_larger_does_not_stay(tmp_path: Path, written: dict[str, Any]) -> None:
    written["pictures"]["a.jpg"][0][0]["box"] = [0, 0, 290, 300]
    (frame,) = read_detections(saved(tmp_path, written)).faces["a.jpg"]
    assert [face.stays for face in frame] == [False, False]


def test_nothing_stays_by_a_file_that_does_not_say_what_was_found(
    tmp_path: Path, written: dict[str, Any]
) -> None:
    written["pictures"]["a.jpg"][0].pop()
    del written["found"]
    (frame,) = read_detections(saved(tmp_path, written)).faces["a.jpg"]
    assert [face.box for face in frame] == [ONE.box]


def test_a_picture_that_was_taken_out_is_looked_at_anew(tmp_path: Path, written: dict[str, Any]) -> None:
    del written["pictures"]["a.jpg"]
    assert read_detections(saved(tmp_path, written)).faces == {}


def test_a_name_that_is_no_picture_of_the_run_is_an_error(
    tmp_path: Path, picture: Path, written: dict[str, Any]
) -> None:
    path = saved(tmp_path, written)
    with pytest.raises(UsageError, match=r"names a\.jpg, which is no picture of this run.*sub/a\.jpg"):
        given_faces(path, {"sub/a.jpg": picture}, ())
    assert given_faces(path, {"a.jpg": picture}, ())
    assert given_faces(path, {"b.jpg": picture}, ["a.*"]), "what was left out on purpose is known"


def test_what_was_decided_goes_for_no_other_picture(
    tmp_path: Path, picture: Path, written: dict[str, Any]
) -> None:
    whole = saved(tmp_path, written)
    picture.write_bytes(b"another picture")
    assert given_faces(whole, {"a.jpg": picture}, ()), "nothing stays, so nothing was decided"
    written["pictures"]["a.jpg"][0].pop()
    with pytest.raises(UsageError, match="not the picture that was looked at"):
        given_faces(saved(tmp_path, written), {"a.jpg": picture}, ())
    picture.unlink()
    with pytest.raises(UsageError, match="not the picture that was looked at"):
        given_faces(saved(tmp_path, written), {"a.jpg": picture}, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"pictures": {}, "people": {}}', "people"),
        ('{"version": 2, "pictures": {}}', "version"),
        ('{"pictures": {"a.jpg": [[{"box": [1, 2, 3, 4], "keep": true}]]}}', "keep"),
        ('{"pictures": {"a.jpg": [[{"landmarks": []}]]}}', "box"),
        ('{"pictures": {"a.jpg": [[{"box": [1, 2, 3]}]]}}', "4 items"),
        ('{"pictures": {"a.jpg": [[{"box": [1, 2, 0.5, 4]}]]}}', r"a\.jpg\[0\]\[0\]\.box\[2\]"),
        ('{"pictures": {"a.jpg": [[{"box": [1, 2, NaN, 4]}]]}}', "NaN"),
        ('{"pictures": {"a.jpg": [[{"box": [1, 2, 1e999, 4]}]]}}', "smaller"),
        ('{"pictures": {"a.jpg": [[{"box": [1, 2, true, 4]}]]}}', "number"),
        ('{"pictures": {"a.jpg": [[{"box": [1, 2, 3, 4], "score": 7}]]}}', "score"),
        (
            '{"pictures": {"a.jpg": [[{"box": [1, 2, 3, 4], "landmarks": '
            "[[1, 1], [1, 1], [1, 1], [1, 1], [1, 1]]}]]}}",
            "coincide",
        ),
        ('{"pictures": {"a.jpg": [], "a.jpg": []}}', "twice"),
        (
            '{"pictures": {"a.jpg": [[]]}, "found": {"a.jpg": {"sha256": "%s", "boxes": []}}}' % ("0" * 64),
            "frames",
        ),
        ('{"pictures": {"a.jpg": [{}]}}', "array"),
        ("[]", "object"),
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_not_of_the_form_is_one_sentence_that_names_the_place(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "faces.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        read_detections(path)
    assert caught.value.message.startswith(str(path)) and "\n" not in caught.value.message
