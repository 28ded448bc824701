"""The new face: what reaches it from the old one, and when there is none."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from epdcli.errors import UsageError
from epdcli.faces.alignment import TEMPLATE_256, align
from epdcli.methods import generate
from epdcli.methods.generate import Generate, expression_change
from epdcli.model import AlignedFace, Box, Face, Pixels
from epdcli.runtimes import Engine, choose_backend, load_plugin

CODE = np.eye(128, dtype=np.float32)[0]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(choose_backend("auto", "cpu"), threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def portrait(engine: Engine) -> AlignedFace:
    picture = pytest.importorskip("skimage.data").astronaut()
    face = load_plugin("epd.detectors", "centerface")(engine).detect(picture)[0]
    return align(picture, face, Generate.size)


def changed(face: AlignedFace, pixels: Pixels) -> AlignedFace:
    return AlignedFace(face.face, pixels, face.matrix)


def test_nothing_but_the_listed_numbers_reaches_the_new_face(
    engine: Engine, portrait: AlignedFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any other inner face with the same numbers gets the same new face, bit for bit."""
    method = Generate(engine)
    structure = method._instruments.measure([portrait.pixels])[0]
    seen = generate._seen(portrait, structure)
    assert seen is not None
    inner = np.zeros((256, 256, 1), np.uint8)
    cv2.ellipse(inner, (128, 144), (56, 68), 0, 0, 360, 1, cv2.FILLED)
    noise = np.random.default_rng(0).integers(0, 256, portrait.pixels.shape, np.uint8)
    other = changed(portrait, np.where(inner > 0, noise, portrait.pixels))
    monkeypatch.setattr(method._instruments, "measure", lambda faces: [structure] * len(faces))
    for name, value in (("light_of", seen.light), ("detail_of", seen.detail), ("open_forehead", None)):
        measured = getattr(generate, name)
        if value is not None:
            monkeypatch.setattr(generate, name, lambda *_, value=value: value)
        else:  # the old forehead is listed; the person's is measured as ever
            monkeypatch.setattr(
                generate, name,
                lambda skin, points, measured=measured: (
                    seen.forehead if np.array_equal(points, structure.landmarks) else measured(skin, points)
                ),
            )  # fmt: skip
    (one,), (two,) = method.replace([portrait], [CODE]), method.replace([other], [CODE])
    assert one is not None and two is not None
    np.testing.assert_array_equal(one.pixels, two.pixels)
    np.testing.assert_array_equal(one.mask, two.mask)


def test_where_the_mask_is_one_nothing_of_the_old_face_is_left(engine: Engine, portrait: AlignedFace) -> None:
    (new,) = Generate(engine).replace([portrait], [CODE])
    assert new is not None and (new.mask[120:190, 100:156] > 0.99).all()


@pytest.mark.parametrize("grey", [True, False])
def test_a_black_and_white_face_stays_black_and_white(
    engine: Engine, portrait: AlignedFace, grey: bool
) -> None:
    pixels = portrait.pixels
    if grey:
        pixels = np.repeat(pixels.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    (new,) = Generate(engine).replace([changed(portrait, pixels)], [CODE])
    assert new is not None
    assert (np.ptp(new.pixels, axis=2).max() == 0) is np.bool_(grey)


def test_what_does_not_look_like_a_face_to_both_landmark_networks_gets_none(
    engine: Engine, portrait: AlignedFace
) -> None:
    """A face painted on a fist is worse than a fill."""
    ground = np.random.default_rng(1).integers(90, 130, (300, 300, 3), np.uint8)
    points = (TEMPLATE_256 * 0.8 + (10, 20)).astype(np.float32)
    nobody = align(ground, Face(Box(60, 50, 120, 150), points, 0.9), Generate.size)
    turned = changed(portrait, np.ascontiguousarray(portrait.pixels[::-1]))
    new = Generate(engine).replace([nobody, portrait, turned], [CODE] * 3)
    assert [face is None for face in new] == [True, False, True]


def test_two_faces_of_a_picture_are_not_the_same_person(engine: Engine, portrait: AlignedFace) -> None:
    method, twin = Generate(engine), changed(portrait, portrait.pixels.copy())
    one, two = method.replace([portrait, twin], [CODE, CODE])
    assert one is not None and two is not None
    assert np.abs(one.pixels.astype(int) - two.pixels).mean() > 2


def test_strength_keeps_less_of_the_old_shape_and_softer_nothing_but_the_jaw(
    engine: Engine, portrait: AlignedFace
) -> None:
    methods = (Generate(engine), Generate(engine, 1.0), Generate(engine, 0.0), Generate(engine).softer())
    new = [method.replace([portrait], [CODE])[0] for method in methods]
    plain, same, weak, softer = (face.pixels.astype(int) for face in new if face is not None)
    assert (plain == same).all()
    assert np.abs(plain - weak).mean() > 0.1 and np.abs(plain - softer).mean() > 0.1


@pytest.mark.parametrize("strength", [-1.0, 1.5, float("nan"), float("inf")])
def test_a_strength_that_makes_no_sense_is_refused(engine: Engine, strength: float) -> None:
    with pytest.raises(UsageError, match="strength"):
        Generate(engine, strength)


def test_a_change_of_expression_is_nothing_small_or_more_than_one() -> None:
    happy, glad, sad = (np.array(p, np.float32) for p in ((0.1, 0.9, 0), (0.3, 0.7, 0), (0, 0.1, 0.9)))
    assert expression_change(happy, happy) == 0
    assert expression_change(happy, glad) == pytest.approx(0.2)
    assert expression_change(happy, sad) == pytest.approx(1.9)
