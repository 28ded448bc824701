"""The judge and its fallbacks, with a method and a recogniser of a few lines."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from epdcli import pictures
from epdcli.faces.alignment import TEMPLATE_256
from epdcli.faces.codes import SeededCodes
from epdcli.faces.comparison import difference
from epdcli.faces.coverage import covered_share
from epdcli.faces.draft import Draft
from epdcli.faces.ladder import Rung, ladder_of
from epdcli.faces.replacement import Replacer
from epdcli.faces.verification import Verifier
from epdcli.methods.box_frame import SIZE, box_ellipse, box_matrix
from epdcli.methods.solid import Solid
from epdcli.model import AlignedFace, Box, Code, Face, Matrix, NewFace, Verdict
from epdcli.pipeline import LIMIT, Answer, Finished, Policy, deidentify_file, deidentify_frames


class MeanColour:
    """A recogniser for which a person is the mean colour of the crop."""

    device = provider = "drawn"

    def run(self, inputs: dict) -> dict:
        mean = inputs["image"].mean(axis=(2, 3)) / 255
        return {"embedding": np.pad(mean, ((0, 0), (0, 125))).astype(np.float32)}

    def close(self) -> None: ...


class Paint:
    """A method that paints the colours it is given, one a candidate; `bare` leaves the mask empty, and
    of faces of the colours in `strange` it thinks less."""

    name = "paint"
    size = SIZE
    random = synthetic = True

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
            new.append(NewFace(painted, mask, drawback=float(colour in self.strange)))
        return new


def face(x: float, y: float, side: float = 100) -> Face:
    points = (TEMPLATE_256 - 128) / 130 * side + (x + side / 2, y + side / 2)
    return Face(Box(x, y, side, side), points.astype(np.float32), 0.9)


class Softened(Paint):
    """A `Paint` with another one for the third attempt and later ones."""

    def __init__(self, colours: Sequence[int], later: Paint) -> None:
        super().__init__(colours)
        self.later = later

    def softer(self) -> Paint:
        return self.later


class Scripted:
    """A detector that finds what it was told to, call by call, and then nothing."""

    name = "scripted"

    def __init__(self, *found: list[Face]) -> None:
        self.found = list(found)

    def detect(self, pixels: np.ndarray) -> list[Face]:
        return self.found.pop(0) if self.found else []


def replacer(
    method: Paint, attempts: int = 4, candidates: int = 1, detector: Scripted | None = None
) -> Replacer:
    ladder = ladder_of(method, Solid(), attempts, candidates)
    return Replacer(ladder, detector or Scripted(), Verifier(MeanColour()), SeededCodes(1), 0.5)


def settled(subject: Replacer, faces: list[Face], source: np.ndarray | None = None) -> Draft:
    (draft,) = subject.start([SOURCE if source is None else source], [faces], "a")
    return subject.settle(draft)


def names(draft: Draft) -> list[tuple[str, int]]:
    return [(r.on.method.name, r.attempts) for r in draft.replacements]


SOURCE = np.full((300, 400, 3), 10, np.uint8)
FACE, SMALL = face(100, 100), face(20, 20, side=30)
JUST = 110  # grey that passes, and hardly
NEAR_OTHER = 200  # grey that is hardly farther than the threshold from a face of 250


def test_a_face_that_differs_enough_is_taken_at_once() -> None:
    draft = settled(replacer(Paint([250])), [FACE])
    assert names(draft) == [("paint", 1)]
    distance = draft.replacements[0].distance
    assert distance is not None and distance > 0.5


def test_a_face_too_like_the_original_gets_another_identity() -> None:
    assert names(settled(replacer(Paint([12, 11, 250])), [FACE])) == [("paint", 3)]


def test_a_face_that_never_differs_ends_solid() -> None:
    assert names(settled(replacer(Paint([12, 12, 12]), attempts=3), [FACE])) == [("solid", 3)]


def test_of_several_candidates_the_one_least_like_the_original_is_taken() -> None:
    method = Paint([200, 250, 220])
    draft = settled(replacer(method, candidates=3), [FACE])
    assert draft.pixels[150, 150].tolist() == [250] * 3
    assert (draft.replacements[0].attempts, len(method.codes)) == (1, 3)
    assert draft.replacements[0].code is method.codes[1]


def test_a_candidate_with_a_drawback_comes_after_one_that_is_less_unlike_the_original() -> None:
    draft = settled(replacer(Paint([200, 250], strange=[250]), candidates=2), [FACE])
    assert draft.pixels[150, 150].tolist() == [200] * 3


def test_a_candidate_that_passes_goes_before_one_without_a_drawback() -> None:
    draft = settled(replacer(Paint([11, 250], strange=[250]), candidates=2), [FACE])
    assert draft.pixels[150, 150].tolist() == [250] * 3


def test_each_face_of_a_picture_gets_its_own_best_candidate_and_no_two_codes_are_alike() -> None:
    method = Paint([200, 250])
    draft = settled(replacer(method, candidates=2), [FACE, face(250, 100)])
    assert names(draft) == [("paint", 1)] * 2
    codes = np.stack(method.codes)
    assert (codes @ codes.T - np.eye(4)).max() < 0.5


def test_from_the_third_attempt_on_less_of_the_old_face_is_used() -> None:
    later = Paint([12, 250])
    method = Softened([12, 12, 250], later)
    assert names(settled(replacer(method), [FACE])) == [("paint", 4)]
    assert (method.colours, later.colours) == ([250], [])


def test_a_method_without_chance_has_one_attempt() -> None:
    method = Paint([12, 250])
    method.random = False
    assert names(settled(replacer(method), [FACE])) == [("solid", 1)]


def test_a_mask_that_leaves_the_face_bare_is_filled_without_further_attempts() -> None:
    draft = settled(replacer(Paint([250, 250], bare=True)), [FACE])
    assert names(draft) == [("solid", 1)]
    assert covered_share(draft.covered, FACE) == 1


def test_a_new_face_that_is_another_original_of_the_picture_is_refused() -> None:
    source = SOURCE.copy()
    source[:, 200:] = 250
    draft = settled(replacer(Paint([250] * 4), attempts=1), [FACE, face(250, 100)], source)
    assert draft.replacements[0].on.method.name == "solid"


def test_of_several_candidates_one_that_only_just_passes_is_taken_last() -> None:
    source = SOURCE.copy()
    source[:, 200:] = 250
    one, other = FACE, face(250, 100)
    subject = Replacer(
        lambda old: (Rung(method, 2), Rung(Solid())) if old is one else (Rung(Solid()),),
        Scripted(),
        Verifier(MeanColour()),
        SeededCodes(1),
        0.5,
    )
    method = Paint([NEAR_OTHER, 140])  # from its own original the first is farther
    assert settled(subject, [one, other], source).pixels[150, 150].tolist() == [140] * 3


def test_a_ladder_may_differ_from_face_to_face() -> None:
    method, solid = Paint([250]), Solid()
    subject = Replacer(
        lambda old: (Rung(solid),) if old is SMALL else (Rung(method), Rung(solid)),
        Scripted(), Verifier(MeanColour()), SeededCodes(1), 0.5,
    )  # fmt: skip
    assert names(settled(subject, [FACE, SMALL])) == [("paint", 1), ("solid", 0)]


def test_what_the_recogniser_is_not_asked_about_is_not_embedded() -> None:
    subject = replacer(Paint([12]), attempts=1)
    (draft,) = subject.start([SOURCE], [[FACE]], "a")
    asked: list[int] = []
    embed = subject._verifier._session.run
    subject._verifier._session.run = lambda inputs: asked.append(len(inputs["image"])) or embed(inputs)
    draft = subject.settle(draft)
    assert (names(draft), sum(asked)) == ([("solid", 1)], 1)
    assert draft.replacements[0].distance is None


def test_the_same_person_in_several_frames_has_one_code_and_a_new_one_another() -> None:
    moved, other = face(105, 102), face(250, 100)
    subject = replacer(Paint([250] * 5))
    drafts = subject.start([SOURCE] * 3, [[FACE], [moved, other], [other, FACE]], "a")
    assert [[r.person for r in draft.replacements] for draft in drafts] == [[0], [0, 1], [1, 0]]
    codes = [[r.code for r in draft.replacements] for draft in subject.settle_all(drafts)]
    np.testing.assert_array_equal(codes[0][0], codes[1][0])
    np.testing.assert_array_equal(codes[0][0], codes[2][1])
    assert not np.array_equal(codes[1][0], codes[1][1])


def test_a_person_keeps_the_code_that_was_chosen_in_the_frame_before() -> None:
    subject = replacer(Paint([200, 250, 220] + [240] * 3), candidates=3)
    one, two = subject.settle_all(subject.start([SOURCE] * 2, [[FACE], [FACE]], "a"))
    np.testing.assert_array_equal(one.replacements[0].code, two.replacements[0].code)


def test_another_person_at_the_same_place_is_another_person() -> None:
    """After a cut."""
    frames = [SOURCE, np.full_like(SOURCE, 200)]
    drafts = replacer(Paint([])).start(frames, [[FACE], [FACE]], "a")
    assert [draft.replacements[0].person for draft in drafts] == [0, 1]


def shown(drafts: Sequence[Draft]) -> Finished:
    return Finished([draft.pixels for draft in drafts])


def run(subject: Replacer, policy: Policy | None = None, given: int = 1, publish=shown):
    return deidentify_frames([SOURCE], [[FACE][:given]], "a", subject, policy or Policy(), publish)[0]


def audited(method: Paint, *found: list[Face]):
    """What becomes of a picture in whose finished files a detector finds these faces, search by search."""
    detector = Scripted(*found)
    answer = run(replacer(method, detector=detector))
    assert not detector.found, "everything was looked for"
    return answer


def methods(answer: Answer) -> list[str]:
    return [face.method for face in answer.faces]


def test_a_verified_picture_passes() -> None:
    answer = audited(Paint([250]), [FACE])
    assert (answer.verdict, methods(answer)) == (Verdict.PASS, ["paint"])


def test_a_face_missed_at_first_and_found_in_the_result_is_filled() -> None:
    answer = audited(Paint([250]), [FACE, face(250, 100)], [], [FACE])
    assert (answer.verdict, methods(answer)) == (Verdict.PASS, ["paint", "solid"])


def test_what_is_found_on_a_synthetic_face_makes_that_one_climb() -> None:
    again = face(140, 140)  # its centre lies in the first one's box, most of it outside the mask
    answer = audited(Paint([250, 240]), [again], [], [FACE])
    assert [(f.method, f.attempts) for f in answer.faces] == [("paint", 2)]


def test_what_is_found_on_a_fill_is_filled_too() -> None:
    again = face(140, 140)
    answer = audited(Paint([12] * 4), [again], [], [])
    assert (answer.verdict, methods(answer)) == (Verdict.PASS, ["solid", "solid"])


def test_a_face_that_goes_on_turning_up_on_a_synthetic_one_ends_with_both_filled() -> None:
    again = face(140, 140)
    answer = audited(Paint([250, 240, 230, 220]), *[[again], []] * 5, [])
    assert (answer.verdict, methods(answer)) == (Verdict.PASS, ["solid", "solid"])


def test_what_is_found_on_a_classical_method_is_filled_over_it() -> None:
    method, again = Paint([250]), face(140, 140)
    method.random = method.synthetic = False
    answer = audited(method, [again], [], [])
    assert methods(answer) == ["paint", "solid"]


def test_a_picture_in_which_faces_keep_turning_up_is_withheld() -> None:
    places = [(x, y) for y in (0, 100, 200) for x in (0, 100, 200, 300) if (x, y) != (100, 100)]
    found = [faces for place in places[:LIMIT] for faces in ([face(*place)], [])]
    answer = audited(Paint([250]), *found)
    assert answer.verdict is Verdict.WITHHELD and "not covered" in answer.reason


def test_where_something_turns_up_the_mirror_image_is_searched_too() -> None:
    in_mirror = face(400 - 20 - 100, 190)
    answer = audited(Paint([250]), [face(250, 20)], [in_mirror], [])
    assert answer.verdict is Verdict.PASS
    assert [f.box[:2] for f in answer.faces] == [(100, 100), (250, 20), (20, 190)]


def test_a_small_face_needs_a_little_more_than_the_threshold() -> None:
    """From one finished file to the next its distance moves by so much."""
    small, large = (settled(replacer(Paint([JUST, 250])), [f]) for f in (SMALL, FACE))
    assert (names(small), names(large)) == ([("paint", 2)], [("paint", 1)])


def test_a_face_that_is_too_like_an_original_in_its_file_climbs() -> None:
    detector = Scripted([FACE], [], [FACE])
    subject = replacer(Paint([250, 240]), detector=detector)
    embed = subject._verifier.embed

    def old_face_in_the_first_file(pixels: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
        return embed(SOURCE if len(detector.found) == 2 else pixels, faces)

    subject._verifier.embed = old_face_in_the_first_file  # type: ignore[method-assign]
    answer = run(subject)
    assert answer.verdict is Verdict.PASS and not detector.found
    assert [(f.method, f.attempts) for f in answer.faces] == [("paint", 2)]


def test_a_face_that_cannot_be_verified_is_never_released() -> None:
    """In memory it passes; the recogniser then sees the old person in every finished file."""

    class Always(Scripted):
        def detect(self, pixels: np.ndarray) -> list[Face]:
            return [FACE]

    subject = replacer(Paint([250] * 9), detector=Always())
    embed = subject._verifier.embed
    subject._verifier.embed = lambda pixels, faces: embed(SOURCE, faces)  # type: ignore[method-assign]
    answer = run(subject)
    assert answer.verdict is Verdict.PASS and set(methods(answer)) == {"solid"}


def test_a_face_that_stands_in_no_box_is_judged_as_the_nearest_new_one() -> None:
    """A detector may place the new face elsewhere than the old one: it is looked at all the same."""
    wide = Paint([250, 240])
    beside = Face(FACE.box._replace(x=210.0), FACE.landmarks, 0.9)
    subject = replacer(wide, detector=Scripted([beside], [], [FACE]))
    embed = subject._verifier.embed
    subject._verifier.embed = lambda pixels, faces: embed(  # type: ignore[method-assign]
        SOURCE if faces == [beside] else pixels, faces
    )
    assert [(f.method, f.attempts) for f in run(subject).faces] == [("paint", 2)]


NOISE = np.random.default_rng(0).integers(0, 60, SOURCE.shape, np.uint8)


@pytest.mark.parametrize("colours", [[250] * 9, [12] * 9], ids=["a new face", "a fill"])
def test_a_writer_that_loses_the_new_face_has_its_picture_withheld(colours: list[int]) -> None:
    """What was filled is asked of no recogniser: only a comparison shows that the old face is still there."""
    answer, _ = deidentify_frames(
        [NOISE], [[FACE]], "a", replacer(Paint(colours)), Policy(), lambda drafts: Finished([NOISE])
    )
    assert answer.verdict is Verdict.WITHHELD and "does not show 1 of the new faces" in answer.reason


def test_a_writer_that_puts_something_else_beside_the_faces_has_its_picture_withheld() -> None:
    def careless(drafts: Sequence[Draft]) -> Finished:
        frame = drafts[0].pixels.copy()
        frame[20:60, 320:360] = NOISE[20:60, 320:360] + 120  # a preview in a corner
        return Finished([frame])

    answer = run(replacer(Paint([250])), publish=careless)
    assert answer.verdict is Verdict.WITHHELD and "outside the faces" in answer.reason


@pytest.mark.parametrize(("opacity", "withheld"), [(255, True), (20, False)])
def test_what_transparency_hardly_shows_may_differ(opacity: int, withheld: bool) -> None:
    """Lossy formats keep no colour there."""
    finished = SOURCE.copy()
    finished[20:60, 320:360] ^= 120
    draft = Draft("a", SOURCE, alpha=np.full(SOURCE.shape[:2], opacity, np.uint8))
    assert bool(difference(draft, finished)) is withheld


def test_a_file_with_other_frames_is_withheld() -> None:
    answer = run(replacer(Paint([250])), publish=lambda drafts: Finished([drafts[0].pixels[:-1]]))
    assert answer.verdict is Verdict.WITHHELD and "other frames" in answer.reason


@pytest.mark.parametrize("copy", [False, True])
def test_a_picture_without_a_face_is_said_to_have_none(copy: bool) -> None:
    assert run(replacer(Paint([])), Policy(no_face_copy=copy), given=0).verdict is Verdict.NO_FACE


def test_too_few_faces_withhold_a_picture() -> None:
    assert run(replacer(Paint([250])), Policy(expect_faces=2)).verdict is Verdict.WITHHELD


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
    detector = Scripted(*[[FACE]] * 3)
    subject = replacer(Paint([250]), detector=detector)
    answer = deidentify_file(tmp_path / "in.png", tmp_path / "out.png", "a", detector, subject, Policy())
    assert answer.verdict is Verdict.WITHHELD and "trailer" in answer.reason
    assert ("shows an original face" in answer.reason) == shown


@pytest.mark.parametrize(
    ("score", "side", "in_the_source", "uncovered"),
    [
        (0.3, 100, [], False),  # two fills that look like eyes
        (0.3, 100, [face(50, 50)], True),  # the source shows it, too
        (0.3, 100, [face(5, 5, side=20)], False),  # somebody else, in a corner of the piece
        (0.6, 100, [], True),
        (0.3, 40, [], True),  # a small one may have been missed twice
    ],
)
def test_a_large_doubtful_face_must_be_in_the_source_as_well(
    score: float, side: float, in_the_source: list[Face], uncovered: bool
) -> None:
    late = replace(face(250, 100, side), score=score)
    detector = Scripted([late], in_the_source)
    subject = replacer(Paint([250]), detector=detector)
    draft = settled(subject, [FACE])
    report = subject.audit(draft, draft.pixels)
    assert bool(report.uncovered) is uncovered
