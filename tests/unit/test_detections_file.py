"""Detections that people edit: what is not understood is an error, and the schema says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from epdcli.batch.detections_file import detections_as_json, read_detections
from epdcli.errors import UsageError
from epdcli.model import Box, Face

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "detections.schema.json").read_text())
FACE = Face(Box(10, 20, 30, 40), np.arange(10, dtype=np.float32).reshape(5, 2), 0.9)
BOX = {"box": [1, 2, 30, 40]}


def one(face: Any) -> dict[str, Any]:
    return {"pictures": {"a.jpg": [[face]]}}


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "faces.json"
    path.write_text(json.dumps(content))
    return path


def test_what_is_written_is_read_again_and_fits_the_schema(tmp_path: Path) -> None:
    content = detections_as_json({"a.jpg": [[FACE], []]})
    jsonschema.validate(content, SCHEMA)
    ((face,), none) = read_detections(written(tmp_path, content))["a.jpg"]
    assert (face.box, none) == (FACE.box, [])
    assert np.array_equal(face.landmarks, FACE.landmarks)


@pytest.mark.parametrize("content", [one(BOX), {**one(BOX), "version": 1}, one({**BOX, "score": 0.5})])
def test_what_a_person_writes_by_hand_is_enough(tmp_path: Path, content: Any) -> None:
    jsonschema.validate(content, SCHEMA)
    assert len(read_detections(written(tmp_path, content))["a.jpg"][0]) == 1


@pytest.mark.parametrize(
    "content",
    [
        [],
        {},
        {**one(BOX), "rules": []},
        {**one(BOX), "version": 2},
        one({**BOX, "boxx": 1}),
        one({"landmarks": []}),
        one({"box": [1, 2, 3]}),
        one({"box": [1, 2, 0, 3]}),
        one({"box": [1, 2, "3", 4]}),
        one({**BOX, "landmarks": [[1, 2]] * 4}),
        {"pictures": {"a.jpg": [BOX]}},
        {"pictures": {"a.jpg": BOX}},
    ],
)
def test_what_is_not_understood_is_an_error_here_and_in_the_schema(tmp_path: Path, content: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, SCHEMA)
    with pytest.raises(UsageError, match=r"faces\.json"):
        read_detections(written(tmp_path, content))
