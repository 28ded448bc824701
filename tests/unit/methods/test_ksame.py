"""k-Same on drawn faces: groups with known members, the guarantee, and faces from outside the set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from epdcli.deidentifier import Deidentifier, Options
from epdcli.errors import UsageError
from epdcli.faces.alignment import TEMPLATE_256
from epdcli.methods.ksame import KSame, partition
from epdcli.model import AlignedFace, Box, Face

SIZE = KSame.size
FOUND = Face(Box(0, 0, 120, 150), TEMPLATE_256.astype(np.float32), 0.9)


def drawn_face(shade: int, mouth: int = 0) -> AlignedFace:
    """A face of one shade; `mouth` moves it a little, so that all are different."""
    pixels = np.full((SIZE, SIZE, 3), shade, np.uint8)
    cv2.ellipse(pixels, (SIZE // 2, 84 + mouth), (14, 4), 0, 0, 360, (200, 40, 40), cv2.FILLED)
    return AlignedFace(FOUND, pixels, KSame().matrix(FOUND))


def new_faces(faces: list[AlignedFace], strength: float, asked: list[AlignedFace] | None = None):
    asked = faces if asked is None else asked
    method = KSame(None, strength, KSame.prepare(faces, strength))
    return [new.pixels for new in method.replace(asked, [np.zeros(0, np.float32)] * len(asked))]


DARK, LIGHT = ([drawn_face(shade, mouth) for mouth in range(3)] for shade in (40, 200))
MIXED = [DARK[0], LIGHT[0], DARK[1], LIGHT[1], DARK[2], LIGHT[2]]


def test_the_members_of_a_group_get_the_same_average() -> None:
    new = new_faces(MIXED, 3)
    wanted = np.rint(np.mean([face.pixels for face in DARK], axis=0)).astype(np.uint8)
    for pixels in new[::2]:
        np.testing.assert_array_equal(pixels, wanted)
    assert len({pixels.tobytes() for pixels in new}) == 2


def test_the_masks_of_all_faces_are_the_same() -> None:
    method = KSame(None, 3, KSame.prepare(MIXED, 3))
    masks = {new.mask.tobytes() for new in method.replace(MIXED, [np.zeros(0, np.float32)] * 6)}
    assert len(masks) == 1


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("count", [5, 6, 11, 32])
def test_each_output_stands_for_at_least_k_sources(k: int, count: int) -> None:
    shades = np.random.default_rng(count).permutation(np.linspace(5, 250, count).astype(int))
    outputs = Counter(pixels.tobytes() for pixels in new_faces([drawn_face(int(s)) for s in shades], k))
    assert min(outputs.values()) >= k and sum(outputs.values()) == count


def test_groups_are_of_the_nearest_and_the_remainder_joins_the_last() -> None:
    shades = np.array([[0], [100], [2], [102], [1], [101], [103]], np.uint8)
    np.testing.assert_array_equal(partition(shades, 3), [0, 1, 0, 1, 0, 1, 1])


def test_a_face_that_was_not_in_the_set_gets_its_nearest_groups_average() -> None:
    stranger = drawn_face(50, mouth=7)
    (new,) = new_faces(MIXED, 3, [stranger])
    np.testing.assert_array_equal(new, new_faces(MIXED, 3)[0])


def test_copies_of_a_picture_count_once() -> None:
    with pytest.raises(UsageError, match="needs 3 different faces; found: 2"):
        KSame.prepare([DARK[0]] * 5 + [DARK[1]], 3)
    assert KSame.prepare([*DARK, DARK[0]], 3).about["faces"] == 3


def test_the_manifest_says_how_many_faces_the_smallest_group_has() -> None:
    about = dict(KSame.prepare(MIXED, 2).about)
    digest = about.pop("averages_sha256")
    assert about == {"k": 2, "faces": 6, "groups": 3, "smallest_group": 2}
    assert digest != KSame.prepare([*MIXED[:5], drawn_face(201, 3)], 2).about["averages_sha256"]


def test_a_set_prepared_for_a_smaller_k_is_refused() -> None:
    with pytest.raises(UsageError, match="k = 5 needs 5"):
        KSame(None, None, KSame.prepare(MIXED, 3))


def test_no_faces_are_too_few() -> None:
    with pytest.raises(UsageError, match="found: 0"):
        KSame.prepare([], None)


@pytest.mark.parametrize("strength", [1, 0, 2.5, float("nan")])
def test_k_is_a_whole_number_of_at_least_two(strength: float) -> None:
    with pytest.raises(UsageError):
        KSame(None, strength)


def test_without_the_set_nothing_is_replaced() -> None:
    with pytest.raises(UsageError, match="has not seen"):
        KSame().replace(DARK, [np.zeros(0, np.float32)] * 3)


def test_the_library_says_what_is_missing_before_a_picture_is_read(tmp_path: Path) -> None:
    with Deidentifier(Options(method="ksame")) as deidentifier:
        with pytest.raises(UsageError, match=r"all pictures before the first.*prepare\(\)"):
            deidentifier.file(tmp_path / "nowhere.jpg", tmp_path / "out.jpg")
        with pytest.raises(UsageError, match="ksame"):
            deidentifier.pixels(np.zeros((64, 64, 3), np.uint8))
        assert deidentifier.prepare(MIXED[:5]) is not None
        assert deidentifier.description()["prepared"] == KSame.prepare(MIXED[:5], None).about
        assert deidentifier.pixels(np.zeros((64, 64, 3), np.uint8))[1].reason == "no face found"
