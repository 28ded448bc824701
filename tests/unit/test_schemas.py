"""The JSON Schemas: valid, complete, in words with ranges, and one for every --json."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import fastjsonschema
import pytest
from typer.main import get_command

from epdcli.commands import app
from epdcli.commands.schema import schemas
from tests.conftest import ROOT

NAMES = sorted(schemas())
PRINTED_BY = {"detect": "detections"}  # commands whose JSON has another name
PAGE = (ROOT / "docs" / "json.md").read_text()


def schema_of(name: str) -> dict[str, Any]:
    return json.loads(schemas()[name].read_text(encoding="utf-8"))


def parts(schema: Any) -> Iterator[dict[str, Any]]:
    """The schemas of all values in a schema, its own first."""
    if isinstance(schema, list):
        for one in schema:
            yield from parts(one)
    elif isinstance(schema, dict):
        yield schema
        for key in ("properties", "definitions"):
            for one in schema.get(key, {}).values():
                yield from parts(one)
        for key in ("items", "additionalProperties", "oneOf"):
            yield from parts(schema.get(key))


def commands(group: Any, *above: str) -> Iterator[tuple[str, Any]]:
    """Every command that runs something, by its words joined with hyphens."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *above, name)
        else:
            yield "-".join((*above, name)), command


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_compiles_and_says_what_each_value_is(name: str) -> None:
    schema = schema_of(name)
    fastjsonschema.compile(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#" and schema["$id"] == f"epd-{name}"
    assert schema["title"]
    nameless = [one for one in parts(schema) if not one.get("description", one.get("oneOf", "$ref" in one))]
    assert nameless == []


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid(name: str) -> None:
    pytest.importorskip("jsonschema").Draft7Validator.check_schema(schema_of(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_number_has_a_range_or_the_words_for_it(name: str) -> None:
    numbers = [one for one in parts(schema_of(name)) if {"number", "integer"} & set(_types(one))]
    unsaid = [
        one["description"]
        for one in numbers
        if "minimum" not in one and not re.search(r"\bnegative\b|\bany\b", one["description"])
    ]
    assert unsaid == []


@pytest.mark.parametrize("name", NAMES)
def test_an_object_names_its_fields_and_allows_no_others(name: str) -> None:
    objects = [one for one in parts(schema_of(name)) if "object" in _types(one)]
    free = [one["description"] for one in objects if one.get("additionalProperties", True) is True]
    assert free == (
        ["What a method learnt from all pictures first; missing where it needs nothing."]
        * (name == "manifest")
    )
    assert [one["description"] for one in objects if one.get("properties") and not one.get("required")] == []


def _types(schema: dict[str, Any]) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def test_every_command_that_prints_json_has_a_schema() -> None:
    with_json = [
        name
        for name, command in commands(get_command(app))
        if any("--json" in option.opts for option in command.params)
    ]
    assert len(with_json) >= 7
    assert [name for name in with_json if PRINTED_BY.get(name, name) not in NAMES] == []


def test_the_page_has_every_schema_in_its_table_and_a_line_for_it() -> None:
    assert sorted(re.findall(r"^\| .+ \| `(\w+)` \|$", PAGE, re.MULTILINE)) == NAMES
    assert sorted(re.findall(r"^.*\bjq .+ # (\w+): ", PAGE, re.MULTILINE)) == NAMES
