"""The JSON Schemas: complete, in words, and one for every --json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import fastjsonschema
import pytest
from typer.main import get_command

from epdcli.commands import app
from epdcli.commands.schema import _schemas

NAMES = sorted(_schemas())
PRINTED_BY = {"detect": "detections"}  # commands whose JSON has another name


def schema_of(name: str) -> dict[str, Any]:
    return json.loads(_schemas()[name].read_text(encoding="utf-8"))


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """The schemas of all values in a schema."""
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key in ("properties", "definitions"):
                for one in value.values():
                    yield one
                    yield from parts(one)
            elif key in ("items", "additionalProperties", "oneOf"):
                yield from parts(value)
    elif isinstance(schema, list):
        for one in schema:
            yield from parts(one)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_compiles_and_says_what_each_value_is(name: str) -> None:
    schema = schema_of(name)
    fastjsonschema.compile(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#" and schema["$id"] == f"epd-{name}"
    assert schema["title"] and schema["description"]
    own = schema if name != "detections" else {"properties": schema["properties"]}
    assert [
        one for one in parts(own) if isinstance(one, dict) and not one.get("description", "$ref" in one)
    ] == []


def test_every_command_that_prints_json_has_a_schema() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    with_json = [
        name
        for name, command in commands.items()
        if any("--json" in option.opts for option in command.params)
    ]
    assert len(with_json) >= 7
    assert [name for name in with_json if PRINTED_BY.get(name, name) not in NAMES] == []
