"""What stands around the code names what exists: citation, forms, workflows, hooks, targets, links."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def steps_of(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in load(workflow)["jobs"].values() for step in job["steps"]]


def make_lines(workflow: Path) -> list[str]:
    return [step["run"] for step in steps_of(workflow) if step.get("run", "").startswith("make ")]


def test_the_citation_is_of_this_version() -> None:
    citation = load(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == "epd"
    assert citation["license"] == PROJECT["license"]
    assert str(citation["version"]) == PROJECT["version"]


def test_the_citation_names_the_paper() -> None:
    (paper,) = load(ROOT / "CITATION.cff")["references"]
    assert {"type", "title", "authors"} <= set(paper)
    assert paper["title"].startswith("EPD-Net: ")
    assert paper["year"] == 2020
    assert all(author["family-names"] for author in paper["authors"])


def test_there_are_forms_for_bugs_faces_and_features() -> None:
    assert [path.stem for path in FORMS] == ["bug", "face", "feature"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_every_field_of_a_form_has_a_label_and_its_own_name(path: Path) -> None:
    form = load(path)
    assert form["name"] and form["description"]
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert all(field["attributes"]["label"] for field in fields)
    names = [field["id"] for field in fields]
    assert len(set(names)) == len(names)


def test_a_bug_comes_with_version_machine_command_and_expectation() -> None:
    form = load(ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml")
    required = {field["id"] for field in form["body"] if field.get("validations", {}).get("required")}
    assert {"version", "doctor", "command", "expected"} <= required


@pytest.mark.parametrize("name", ["bug", "face"])
def test_what_must_not_be_public_is_sent_elsewhere_first(name: str) -> None:
    first = load(ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml")["body"][0]
    assert first["type"] == "markdown"
    for anchor in re.findall(r"SECURITY\.md#([\w-]+)", first["attributes"]["value"]):
        assert anchor in anchors_of(ROOT / "SECURITY.md")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_make_targets_that_exist_and_compute_nothing(path: Path) -> None:
    lines = [step["run"] for step in steps_of(path) if "run" in step]
    assert all(re.match(r"make |sudo apt-get ", line) and "\n" not in line for line in lines)
    assert make_lines(path)
    for line in make_lines(path):
        targets = [word for word in shlex.split(line)[1:] if "=" not in word]
        assert targets and set(targets) <= TARGETS, line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_only_read_and_pin_their_actions(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert all(
        re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/a@v1")) for step in steps_of(path)
    )


def test_the_workflows_call_what_ci_calls() -> None:
    ours = re.findall(r"^make .+$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert set(ours) <= {line for path in WORKFLOWS for line in make_lines(path)}


def test_the_lowest_python_is_tested() -> None:
    lowest = PROJECT["requires-python"].removeprefix(">=")
    jobs = load(ROOT / ".github" / "workflows" / "test.yml")["jobs"]
    assert lowest in jobs["test"]["strategy"]["matrix"]["python"]


def test_the_hooks_are_the_lines_of_make_lint() -> None:
    (repository,) = load(ROOT / ".pre-commit-config.yaml")["repos"]
    hooks = {hook["entry"].removeprefix(".venv/bin/") for hook in repository["hooks"]}
    recipe = MAKEFILE.partition("\nlint:")[2].partition("\n\n")[0]
    lines = re.findall(r"^\t\$\(BIN\)/(.+)$", recipe, re.MULTILINE)
    assert hooks == {line.removesuffix(" $(SPELLED)") for line in lines}
    assert all(hook["language"] == "system" for hook in repository["hooks"])


def test_make_help_lists_the_targets() -> None:
    listed = set(re.findall(r"^# make ([a-z-]+)", MAKEFILE, re.MULTILINE))
    assert listed == TARGETS - {"help", "clean"}


def test_what_make_quick_leaves_out_is_there() -> None:
    definition = MAKEFILE.partition("\nNOT_QUICK := ")[2].replace("\\\n", "").partition("\n")[0]
    assert definition
    for name in definition.split():
        assert (ROOT / "tests" / "unit" / name).exists(), name


def test_the_guide_is_short_and_its_links_lead_somewhere() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    assert len(guide.splitlines()) < 100
    for target, anchor in re.findall(r"\]\((?!http)([^)#]+)(?:#([^)]+))?\)", guide):
        assert (ROOT / target).exists(), target
        assert not anchor or anchor in anchors_of(ROOT / target), f"{target}#{anchor}"


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
