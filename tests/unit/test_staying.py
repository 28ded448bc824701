"""Faces that a person has decided to leave as they are: the audit lets these be, and no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli.errors import PictureError
from epdcli.model import Face, Verdict
from epdcli.pipeline import Answer, Policy, deidentify_file, deidentify_frames
from tests.unit.test_replacement import FACE, SOURCE, Paint, Scripted, face, methods, replacer, shown


def staying(x: float, y: float) -> Face:
    return replace(face(x, y), stays=True)


def become(given: list[Face], *found: list[Face], policy: Policy | None = None) -> Answer:
    """What becomes of a picture with these faces, in whose finished files these are found."""
    subject = replacer(Paint([250]), detector=Scripted(*found))
    return deidentify_frames([SOURCE], [given], "a", subject, policy or Policy(), shown)[0]


def test_a_face_that_stays_may_be_found_in_the_finished_picture_and_is_recorded() -> None:
    answer = become([FACE, staying(250, 100)], [FACE, face(252, 103)])
    assert (answer.verdict, methods(answer)) == (Verdict.PASS, ["paint"])
    assert answer.stayed == ((250, 100, 100, 100),)


@pytest.mark.parametrize("other", [face(290, 160), face(230, 80, side=160), face(250, 100, side=60)])
def test_no_other_face_stays_with_it(other: Face) -> None:
    assert methods(become([FACE, staying(250, 100)], [FACE, other], [], [FACE])) == ["paint", "solid"]


@pytest.mark.parametrize("copy", [False, True])
def test_a_picture_in_which_all_faces_stay_is_released_only_if_asked_for(copy: bool) -> None:
    answer = become([staying(250, 100)], [face(250, 100)], policy=Policy(no_face_copy=copy))
    assert (answer.verdict, answer.faces, len(answer.stayed)) == (Verdict.NO_FACE, (), 1)
    assert "1 stay" in answer.reason


def test_faces_that_stay_were_found_and_count_as_expected() -> None:
    answer = become([FACE, staying(250, 100)], [FACE], policy=Policy(expect_faces=2))
    assert answer.verdict is Verdict.PASS


@pytest.mark.parametrize("place", [(400, 10), (10, 300), (-100, 10), (10, -100)])
def test_a_face_that_is_given_outside_of_its_picture_is_an_error(
    tmp_path: Path, place: tuple[float, float]
) -> None:
    Image.fromarray(np.asarray(SOURCE)).save(tmp_path / "in.png")
    subject, detector = replacer(Paint([250])), Scripted()
    with pytest.raises(PictureError, match=r"a: a face is given at .* outside of the 400 x 300 pixels"):
        deidentify_file(
            tmp_path / "in.png", tmp_path / "out.png", "a", detector, subject, Policy(), [[face(*place)]]
        )
