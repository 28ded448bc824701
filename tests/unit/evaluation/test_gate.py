"""Requirements: how they read, what breaks them."""

from __future__ import annotations

import pytest

from epdcli.errors import UsageError
from epdcli.evaluation.figures import ALL, Figure
from epdcli.evaluation.gate import check, parse_requirement

ATTACKS = ("naive", "oracle")


def figure(**given: object) -> Figure:
    told = {"set": "blur", "part": ALL, "attack": "naive", "measure": "tpr@1e-3", "judge": "free", "role": ""}
    return Figure(**{**told, "value": 0.5, **given})


def failures(text: str, *figures: Figure) -> list[str]:
    return [failed.reason for failed in check([parse_requirement(text, ATTACKS)], figures, ["free"])]


def test_a_requirement_that_is_met_says_nothing() -> None:
    assert failures("tpr@1e-3<=0.5", figure()) == []


def test_one_that_is_broken_names_the_set_the_attack_the_judge_and_the_value() -> None:
    assert failures("tpr@1e-3 <= .01", figure()) == ["blur, naive, free: tpr@1e-3 is 0.5"]


def test_it_holds_for_every_set_and_attack_it_does_not_exclude() -> None:
    figures = [figure(), figure(set="generate", value=0.0), figure(attack="oracle", value=0.9)]
    assert len(failures("tpr@1e-3<=.01", *figures)) == 2
    assert failures("generate:tpr@1e-3<=.01", *figures) == []
    assert failures("oracle.tpr@1e-3<=.01", *figures) == ["blur, oracle, free: tpr@1e-3 is 0.9"]


def test_the_control_groups_and_marked_judges_do_not_count() -> None:
    figures = [
        figure(set="none", value=1.0),
        figure(part="gender: female", value=1.0),
        figure(judge="dlib", role="verification", value=1.0),
        figure(value=0.0),
    ]
    assert failures("tpr@1e-3<=.01", *figures) == []


def test_what_could_not_be_shown_is_not_met() -> None:
    told = failures("tpr@1e-3<=.01", figure(value=None, note="12 impostor pairs support no less"))
    assert told == ["blur, naive, free: tpr@1e-3 is no value (12 impostor pairs support no less)"]


def test_a_figure_that_was_not_measured_is_not_met() -> None:
    (told,) = failures("emotion>=.9", figure())
    assert told == "no such figure was measured; there are tpr@1e-3"


@pytest.mark.parametrize("text", ["tpr", "tpr<=much", "<=1", ""])
def test_one_that_can_not_be_read_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="can't be understood") as refused:
        parse_requirement(text, ATTACKS)
    assert "emotion>=0.9" in refused.value.hint
