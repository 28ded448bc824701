"""The judge and its fallbacks, with a method and a recogniser of a few lines."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli import pictures
from epdcli.faces.alignment import TEMPLATE_256
from epdcli.faces.codes import SeededCodes
from epdcli.faces.coverage import covered_share
from epdcli.faces.draft import Draft
from epdcli.faces.replacement import Methods, Replacer, Trials
from epdcli.faces.verification import Verifier
from epdcli.methods.box_frame import SIZE, box_ellipse, box_matrix
from epdcli.methods.solid import Solid
from epdcli.model import AlignedFace, Box, Code, Face, Matrix, NewFace, Verdict
from epdcli.pipeline import CHECKS, Policy, deidentify_file, deidentify_frames


class MeanColour:
    """A recogniser for which a person is the mean colour of the crop."""

    device = provider = "drawn"

    def run(self, inputs: dict) -> dict:
        mean = inputs["image"].mean(axis=(2, 3)) / 255
        return {"embedding": np.pad(mean, ((0, 0), (0, 125))).astype(np.float32)}

    def close(self) -> None: ...


class Paint:
    """A method that paints the colours it is given, one a candidate; `bare` leaves the mask empty, and
    faces of the colours in `strange` have another expression."""

    name = "paint"
    size = SIZE
    random = True

    def __init__(self, colours: Sequence[int], bare: bool = False, strange: Sequence[int] = ()) -> None:
        self.colours = list(colours)
        self.bare = bare
        self.strange = strange
        self.codes: list[Code] = []

    def matrix(self, face: Face) -> Matrix:
        return box_matrix(face)

    def replace(self, faces: Sequence[AlignedFace], codes: Sequence[Code]) -> list[NewFace]:
        new, before = [], None
        for aligned, code in zip(faces, codes, strict=True):
            if before is None or aligned is before:  # the next candidates; else the picture's next face
                colour = self.colours.pop(0)
            before = before or aligned
            self.codes.append(code)
            mask = box_ellipse(aligned.face) * (not self.bare)
            painted = np.full((SIZE, SIZE, 3), colour, np.uint8)
            new.append(NewFace(painted, mask, expression_change=float(colour in self.strange)))
        return new


def face(x: float, y: float, side: float = 100) -> Face:
    points = (TEMPLATE_256 - 128) / 130 * side + (x + side / 2, y + side / 2)
    return Face(Box(x, y, side, side), points.astype(np.float32), 0.9)


def replacer(method: Paint, attempts: int = 4, candidates: int = 1, softer: Paint | None = None) -> Replacer:
    return Replacer(
        Methods(method, softer or method, Solid()),
        Verifier(MeanColour()),
        SeededCodes(1),
        Trials(0.5, attempts, candidates),
    )


SOURCE = np.full((300, 400, 3), 10, np.uint8)
FACE, SMALL = face(100, 100), face(20, 20, side=30)
JUST = 110  # grey that passes, and hardly


def test_a_face_that_differs_enough_is_taken_at_once() -> None:
    (result,) = replacer(Paint([250])).draft(SOURCE, [FACE], "a").replacements
    assert (result.method, result.attempts) == ("paint", 1)
    assert result.distance is not None and result.distance > 0.5


def test_a_face_too_like_the_original_gets_another_identity() -> None:
    (result,) = replacer(Paint([12, 11, 250])).draft(SOURCE, [FACE], "a").replacements
    assert (result.method, result.attempts) == ("paint", 3)


def test_a_face_that_never_differs_ends_solid() -> None:
    (result,) = replacer(Paint([12, 12, 12]), attempts=3).draft(SOURCE, [FACE], "a").replacements
    assert (result.method, result.attempts) == ("solid", 3)


def test_of_several_candidates_the_one_least_like_the_original_is_taken() -> None:
    method = Paint([200, 250, 220])
    draft = replacer(method, candidates=3).draft(SOURCE, [FACE], "a")
    assert draft.pixels[150, 150].tolist() == [250] * 3
    assert (draft.replacements[0].attempts, len(method.codes)) == (1, 3)
    assert draft.replacements[0].code is method.codes[1]


def test_a_candidate_that_keeps_the_expression_goes_before_one_that_is_less_alike() -> None:
    draft = replacer(Paint([200, 250], strange=[250]), candidates=2).draft(SOURCE, [FACE], "a")
    assert draft.pixels[150, 150].tolist() == [200] * 3


def test_a_candidate_that_passes_goes_before_one_that_keeps_the_expression() -> None:
    draft = replacer(Paint([11, 250], strange=[250]), candidates=2).draft(SOURCE, [FACE], "a")
    assert draft.pixels[150, 150].tolist() == [250] * 3


def test_each_face_of_a_picture_gets_its_own_best_candidate_and_no_two_codes_are_alike() -> None:
    method = Paint([200, 250])
    two = replacer(method, candidates=2).draft(SOURCE, [FACE, face(250, 100)], "a").replacements
    assert all(r.method == "paint" and r.attempts == 1 for r in two)
    codes = np.stack(method.codes)
    assert (codes @ codes.T - np.eye(4)).max() < 0.5


def test_from_the_third_attempt_on_less_of_the_old_face_is_used() -> None:
    method, softer = Paint([12, 12, 250]), Paint([12, 250])
    (result,) = replacer(method, softer=softer).draft(SOURCE, [FACE], "a").replacements
    assert (result.method, result.attempts) == ("paint", 4)
    assert (method.colours, softer.colours) == ([250], [])


def test_a_method_without_chance_has_one_attempt() -> None:
    method = Paint([12, 250])
    method.random = False
    (result,) = replacer(method).draft(SOURCE, [FACE], "a").replacements
    assert (result.method, result.attempts) == ("solid", 1)


def test_a_mask_that_leaves_the_face_bare_is_filled_without_further_attempts() -> None:
    draft = replacer(Paint([250, 250], bare=True)).draft(SOURCE, [FACE], "a")
    assert (draft.replacements[0].method, draft.replacements[0].attempts) == ("solid", 1)
    assert covered_share(draft.covered, FACE) == 1


def test_a_new_face_that_is_another_original_of_the_picture_is_refused() -> None:
    source = SOURCE.copy()
    source[:, 200:] = 250
    faces = [FACE, face(250, 100)]
    method = Paint([250, 120, 120, 120])  # the left face would become the right one
    left, _ = replacer(method, attempts=1).draft(source, faces, "a").replacements
    assert left.method == "solid"


def pixels_of(drafts: Sequence[Draft]) -> list[np.ndarray]:
    return [draft.pixels for draft in drafts]


def run(method: Paint, detections: list[list[Face]], policy: Policy | None = None, given: int = 1):
    class Detector:
        name = "scripted"

        def detect(self, pixels: np.ndarray) -> list[Face]:
            return detections.pop(0)

    return deidentify_frames(
        [SOURCE],
        [[FACE][:given]],
        "a",
        Detector(),
        replacer(method),
        policy or Policy(),
        pixels_of,
    )[0]


def test_a_verified_picture_passes() -> None:
    answer = run(Paint([250]), [[FACE]])
    assert (answer.verdict, len(answer.faces)) == (Verdict.PASS, 1)


def test_a_face_missed_at_first_and_found_in_the_result_is_replaced_too() -> None:
    answer = run(Paint([250, 250]), [[FACE, face(250, 100)], [], [FACE]])
    assert (answer.verdict, len(answer.faces)) == (Verdict.PASS, 2)


def test_a_new_face_that_is_found_again_elsewhere_on_itself_is_filled_and_lies_on_top() -> None:
    again = face(140, 140)  # its centre lies in the first one's box, most of it outside the mask
    answer = run(Paint([250]), [[again], [], []])
    assert [f.method for f in answer.faces] == ["paint", "solid"]
    assert answer.verdict is Verdict.PASS


def test_a_generated_face_that_is_found_elsewhere_on_itself_is_tried_again_before_anything_is_filled() -> (
    None
):
    again, method = face(140, 140), Paint([250, 240])
    method.name = "generate"
    answer = run(method, [[again], [], [FACE]])
    assert [(f.method, f.attempts) for f in answer.faces] == [("generated", 2)]
    method = Paint([250, 240])
    method.name = "generate"
    answer = run(method, [[again], [], [again], [], [], [FACE]])
    assert [f.method for f in answer.faces] == ["generated", "solid"]
    assert answer.verdict is Verdict.PASS


def test_a_small_face_found_late_is_filled() -> None:
    answer = run(Paint([250]), [[face(250, 100, side=30)], [], []])
    assert [f.method for f in answer.faces] == ["paint", "solid"]


def test_a_picture_in_which_faces_keep_turning_up_is_withheld() -> None:
    places = [(x, y) for y in (0, 100, 200) for x in (0, 100, 200, 300) if (x, y) != (100, 100)]
    checks = [[face(*place)] for place in places[:CHECKS]]
    seen = [checks[0], [], checks[1], [], *checks[2:]]
    answer = run(Paint([250] * 12), seen)
    assert answer.verdict is Verdict.WITHHELD and "not covered" in answer.reason and not seen
    assert [f.method for f in answer.faces] == ["paint"] * 10


def test_before_mending_the_mirror_image_is_searched_too() -> None:
    in_mirror = face(400 - 20 - 100, 190)
    answer = run(Paint([250] * 3), [[face(250, 20)], [in_mirror], []])
    assert answer.verdict is Verdict.PASS
    assert [f.box[:2] for f in answer.faces] == [(100, 100), (250, 20), (20, 190)]


def test_a_small_face_needs_a_little_more_than_the_threshold() -> None:
    """From one finished file to the next its distance moves by so much."""
    small, large = (replacer(Paint([JUST, 250])).draft(SOURCE, [f], "a") for f in (SMALL, FACE))
    assert (small.replacements[0].attempts, large.replacements[0].attempts) == (2, 1)


def test_the_last_round_goes_on_until_nothing_turns_up() -> None:
    seen = [[face(250, 20)], [], [face(20, 190)], [], [face(290, 190)], [face(20, 20)], []]
    answer = run(Paint([250] * 9), seen)
    assert answer.verdict is Verdict.PASS and not seen
    assert [f.method for f in answer.faces] == ["paint"] * 5


def test_in_the_last_round_a_face_too_like_an_original_is_filled() -> None:
    """Other attempts, which it still has, could go on failing."""
    seen = [[face(250, 20)], [], [face(20, 190)], [], [FACE], [FACE]]
    detector = type("D", (), {"name": "d", "detect": lambda self, pixels: seen.pop(0)})()
    subject = replacer(Paint([250] * 9))
    embed = subject._verifier.embed

    def old_face_in_the_third_file(pixels: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        return embed(SOURCE if len(seen) == 1 else pixels, faces)

    subject._verifier.embed = old_face_in_the_third_file  # type: ignore[method-assign]
    answer, _ = deidentify_frames([SOURCE], [[FACE]], "a", detector, subject, Policy(), pixels_of)
    assert answer.verdict is Verdict.PASS and not seen
    assert [f.method for f in answer.faces] == ["solid", "paint", "paint"]


def test_a_face_that_cannot_be_verified_is_never_released() -> None:
    """In memory it passes; the recogniser then sees the old person in every finished file."""
    subject = replacer(Paint([250] * 9))
    embed = subject._verifier.embed
    checking: list[bool] = []

    class Detector:
        name = "scripted"

        def detect(self, pixels: np.ndarray) -> list[Face]:
            checking.append(True)
            return [FACE]

    def same_person(pixels: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        return embed(SOURCE if checking else pixels, faces)

    subject._verifier.embed = same_person  # type: ignore[method-assign]
    answer, _ = deidentify_frames([SOURCE], [[FACE]], "a", Detector(), subject, Policy(), pixels_of)
    assert {f.method for f in answer.faces} == {"solid"}


@pytest.mark.parametrize("colours", [[250] * 9, [12] * 9], ids=["a new face", "a fill"])
def test_a_writer_that_loses_the_new_face_has_its_picture_withheld(colours: list[int]) -> None:
    """What was filled is asked of no recogniser: only a comparison shows that the old face is still there."""
    source = np.random.default_rng(0).integers(0, 60, SOURCE.shape, np.uint8)
    detector = type("D", (), {"name": "d", "detect": lambda self, pixels: []})()
    answer, _ = deidentify_frames(
        [source], [[FACE]], "a", detector, replacer(Paint(colours)), Policy(), lambda drafts: [source]
    )
    assert answer.verdict is Verdict.WITHHELD and "does not show 1 of the new faces" in answer.reason


@pytest.mark.parametrize(("copy", "verdict"), [(False, Verdict.NO_FACE), (True, Verdict.NO_FACE)])
def test_a_picture_without_a_face_is_said_to_have_none(copy: bool, verdict: Verdict) -> None:
    assert run(Paint([]), [[]], Policy(no_face_copy=copy), given=0).verdict is verdict


def test_too_few_faces_withhold_a_picture() -> None:
    assert run(Paint([250]), [[FACE]], Policy(expect_faces=2)).verdict is Verdict.WITHHELD


@pytest.mark.parametrize(("colour", "shown"), [(10, True), (250, False)])
def test_a_picture_that_hides_in_a_finished_file_is_matched_with_the_original_faces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, colour: int, shown: bool
) -> None:
    """A writer that leaves a preview behind the picture: of the old face, or of somebody else."""
    Image.fromarray(SOURCE).save(tmp_path / "in.png")
    preview = io.BytesIO()
    Image.new("RGB", (400, 300), (colour,) * 3).save(preview, "PNG")
    written = pictures.write

    def careless(file: object, frames: object, touched: object, path: Path, **options: object) -> None:
        written(file, frames, touched, path, **options)  # type: ignore[arg-type]
        path.write_bytes(path.read_bytes() + preview.getvalue())

    monkeypatch.setattr(pictures, "write", careless)
    detector = type("D", (), {"name": "d", "detect": lambda self, pixels: [FACE]})()
    answer = deidentify_file(
        tmp_path / "in.png", tmp_path / "out.png", "a", detector, replacer(Paint([250])), Policy()
    )
    assert answer.verdict is Verdict.WITHHELD and "trailer" in answer.reason
    assert ("shows an original face" in answer.reason) == shown
