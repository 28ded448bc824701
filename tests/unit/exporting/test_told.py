"""What `epd export --json` prints is JSON, also of files that answer with no numbers."""

from __future__ import annotations

import json
import math

import fastjsonschema

from epdcli.commands.export import _as_json
from epdcli.commands.schema import schemas
from epdcli.exporting.comparison import Difference
from epdcli.exporting.export import Export


def test_a_difference_that_is_no_number_is_null_and_does_not_pass() -> None:
    gaps = (
        Difference("age", math.nan, math.nan, 2.0, "of 255"),
        Difference("embedding", math.inf, 0.5, 0.001, "Euclidean"),
    )
    told = json.loads(json.dumps([_as_json(Export("appearance", "2", {}, gaps, 3))], allow_nan=False))
    assert [(gap["largest"], gap["mean"]) for gap in told[0]["differences"]] == [(None, None), (None, 0.5)]
    assert told[0]["passed"] is False
    fastjsonschema.compile(json.loads(schemas()["export"].read_text(encoding="utf-8")))(told)
