"""Planning of passes, needed scores, boxes of rolled faces: the geometry around the net."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from epdcli.faces import candidates as candidate_tables
from epdcli.faces.detection import CenterFaceDetector, needed_score
from epdcli.faces.detection_passes import (
    BATCH_PIXELS,
    OVERLAP,
    TILE,
    DetectionSettings,
    Pass,
    batches,
    plan_passes,
    render,
    scale_picture,
    smallest_promised,
    tiles,
)
from epdcli.faces.face_outline import enlarged, oval_extent, roll, sides
from epdcli.faces.second_look import FACE, frame

UPRIGHT = np.array([(30, 40), (60, 40), (45, 57), (33, 74), (57, 74)], np.float32)


def candidate(x: float, y: float, width: float, height: float, score: float = 0.9) -> np.ndarray:
    points = UPRIGHT / 90 * (width, height) + (x, y)
    return np.array([x, y, width, height, *points.ravel(), score], np.float32)


@pytest.mark.parametrize(("width", "height"), [(100, 80), (896, 896), (897, 300), (2309, 1732), (4000, 500)])
def test_tiles_cover_everything_and_share_their_borders(width: int, height: int) -> None:
    seen = np.zeros((height, width), int)
    for x, y, across, down in tiles(width, height):
        assert x >= 0 and x + across <= width and y >= 0 and y + down <= height
        assert across <= TILE and down <= TILE
        seen[y : y + down, x : x + across] += 1
    assert seen.min() >= 1
    starts = sorted({x for x, *_ in tiles(width, height)})
    side = tiles(width, height)[0][2]
    assert all(b - a <= side - OVERLAP for a, b in itertools.pairwise(starts))


@pytest.mark.parametrize("shape", [(3000, 4000), (768, 1024), (250, 250), (60, 40), (12000, 300), (20, 20)])
def test_every_size_of_face_fits_some_pass_of_a_bounded_memory(shape: tuple[int, int]) -> None:
    passes = plan_passes(*shape, DetectionSettings())
    last = passes[-1]
    assert max(last.size) <= 400, "the last copy must be small enough for a face that fills the picture"
    assert {p.quarter_turns for p in passes} == {0, 1, 2, 3}
    assert all(np.prod(step.input_shape) <= 1 << 20 for step in passes)
    assert {p.quarter_turns for p in plan_passes(*shape, DetectionSettings(passes="upright"))} == {0}


@pytest.mark.parametrize(
    ("shape", "smallest", "promised"),
    [
        ((100, 100), None, 20),
        ((2000, 2000), None, 20),
        ((4000, 3000), None, 34.6),
        ((12000, 8000), None, 98),
        ((12000, 8000), 60, 46.2),
        ((12000, 8000), 20, 20),
        ((4000, 3000), 80, 34.6),
    ],
)
def test_how_small_a_face_may_be_is_known_and_can_be_asked_for(
    shape: tuple[int, int], smallest: float | None, promised: float
) -> None:
    settings = DetectionSettings(smallest=smallest)
    assert smallest_promised(*shape, settings) == pytest.approx(promised, abs=0.1)
    assert max(step.input_shape[0] for step in plan_passes(*shape, settings)) <= TILE


def test_passes_of_one_shape_go_together_and_all_of_them_go() -> None:
    passes = plan_passes(768, 1024, DetectionSettings())
    runs = batches(passes)
    assert [step for run in runs for step in run] == passes
    for run in runs:
        assert len({step.input_shape for step in run}) == 1
        assert len(run) == 1 or len(run) * np.prod(run[0].input_shape) <= BATCH_PIXELS


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_pass_leads_back_to_the_pixel_it_came_from(turns: int) -> None:
    picture = np.zeros((120, 200, 3), np.uint8)
    picture[40, 150] = 255
    step = Pass((200, 120), (100, 20, 100, 80), turns)
    (plane,) = render(picture, [step])
    row, column = np.argwhere(plane[0] > 0)[0]
    x, y = step.matrix(120, 200) @ (column + 0.5, row + 0.5, 1)
    assert (x, y) == pytest.approx((150.5, 40.5))


def test_a_scaled_copy_leads_back_to_the_picture() -> None:
    picture = np.zeros((400, 800, 3), np.uint8)
    picture[200:208, 600:608] = 255
    copy = scale_picture(picture, (100, 50))
    step = Pass((100, 50), (0, 0, 100, 50))
    row, column = np.unravel_index(copy[..., 0].argmax(), copy.shape[:2])
    x, y = step.matrix(400, 800) @ (column + 0.5, row + 0.5, 1)
    assert (x, y) == pytest.approx((604, 204), abs=4)


def test_small_faces_need_more() -> None:
    scores = needed_score(np.array([5.0, 12, 16, 24, 300]), 0.2)
    assert scores == pytest.approx([0.5, 0.5, 0.28, 0.2, 0.2])


def test_half_a_face_inside_a_better_one_goes_and_a_neighbour_stays() -> None:
    whole, half, neighbour = (
        candidate(0, 0, 100, 120),
        candidate(10, 10, 60, 60, 0.5),
        candidate(90, 0, 100, 120, 0.6),
    )
    kept = candidate_tables.suppress(np.stack([half, neighbour, whole]), 0.4, 0.8)
    assert kept[:, :4].tolist() == [whole[:4].tolist(), neighbour[:4].tolist()]


@pytest.mark.parametrize("degrees", [0, 20, 90, 160, -90, -130])
def test_the_roll_and_the_oval_of_a_turned_face_are_recovered(degrees: float) -> None:
    angle = np.radians(degrees)
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    points = ((UPRIGHT - 45) @ turn.T)[None]
    found = roll(points)
    straight = roll((UPRIGHT - 45)[None])
    assert (found - straight - angle + np.pi) % (2 * np.pi) - np.pi == pytest.approx(0, abs=1e-5)
    axes = np.array([[76.5, 100.0]])
    turned = oval_extent(axes, np.array([angle]))
    assert sides(turned, np.array([angle])) == pytest.approx(axes, rel=0.02)


def test_a_finished_box_holds_the_whole_net_box_with_room() -> None:
    before = np.stack([candidate(10, 20, 40, 50), candidate(100, 100, 20, 24)])
    after = enlarged(before)
    assert (after[:, :2] < before[:, :2]).all()
    assert (after[:, :2] + after[:, 2:4] > before[:, :2] + before[:, 2:4]).all()
    assert (after[:, 2:4] < 1.4 * before[:, 2:4] + 2).all()


def test_the_second_look_centres_the_face_upright() -> None:
    one = candidate(200, 300, 80, 100)
    matrix = frame(one, np.radians(90))
    assert matrix @ (240, 350, 1) == pytest.approx((48, 48))
    assert abs(np.linalg.det(matrix[:, :2])) == pytest.approx(FACE**2 / 8000, rel=1e-4)


class Blind:
    """A net that sees nothing and counts its looks, and the engine that opens it."""

    def __init__(self) -> None:
        self.looks = 0

    def session(self, name: str) -> Blind:
        return self

    def run(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.looks += 1
        count, _, height, width = inputs["input.1"].shape
        layers = {"537": 1, "538": 2, "539": 2, "540": 10}
        return {name: np.zeros((count, n, height // 4, width // 4), np.float32) for name, n in layers.items()}


def test_tiles_that_were_seen_are_remembered_and_changed_ones_seen_anew() -> None:
    net = Blind()
    detector = CenterFaceDetector(net)
    picture = np.random.default_rng(1).integers(0, 255, (1500, 2600, 3), np.uint8)
    looks_of = []
    for changed in (picture, picture, picture.copy()):
        if changed is not picture:
            changed[0, 0] ^= 1  # one pixel, in the corner of the first tile only
        before = net.looks
        detector.detect(changed)
        looks_of.append(net.looks - before)
    first, again, one_tile_new = looks_of
    assert again == 0
    assert 1 <= one_tile_new < first
