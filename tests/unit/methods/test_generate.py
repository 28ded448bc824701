"""What the generator's answer is made into."""

from __future__ import annotations

import numpy as np
import pytest

from epdcli.errors import UsageError
from epdcli.faces.alignment import align
from epdcli.methods.generate import Generate, expression_change
from epdcli.model import Face
from epdcli.runtimes import Engine, choose_backend, load_plugin


@pytest.mark.parametrize("grey", [True, False])
def test_a_black_and_white_face_stays_black_and_white(grey: bool) -> None:
    """Codes bring colours along: a photograph of 1950 got pink cheeks."""
    picture = pytest.importorskip("skimage.data").astronaut()
    if grey:
        picture = np.repeat(picture.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    with Engine(choose_backend("auto", "cpu"), threads=1) as engine:
        (face,) = faces(engine, picture)
        method = Generate(engine)
        code = np.eye(128, dtype=np.float32)[0]
        (new,) = method.replace([align(picture, face, method.size)], [code])
    assert (np.ptp(new.pixels, axis=2).max() == 0) is np.bool_(grey)


def test_a_strength_blurs_the_light_and_softer_blurs_it_more() -> None:
    picture = pytest.importorskip("skimage.data").astronaut()
    code = np.eye(128, dtype=np.float32)[0]
    with Engine(choose_backend("auto", "cpu"), threads=1) as engine:
        (face,) = faces(engine, picture)
        methods = (Generate(engine), Generate(engine, 0.0), Generate(engine, 2.0), Generate(engine).softer())
        aligned = align(picture, face, methods[0].size)
        plain, none, strong, softer = (method.replace([aligned], [code])[0].pixels for method in methods)
    assert (plain == none).all() and (strong == softer).all()
    assert np.abs(plain.astype(int) - strong).mean() > 1


@pytest.mark.parametrize("strength", [-1.0, float("nan"), float("inf")])
def test_a_strength_that_makes_no_sense_is_refused(strength: float) -> None:
    with (
        Engine(choose_backend("auto", "cpu"), threads=1) as engine,
        pytest.raises(UsageError, match="strength"),
    ):
        Generate(engine, strength)


def test_a_change_of_expression_is_nothing_small_or_more_than_one() -> None:
    happy, glad, sad = (np.array(p, np.float32) for p in ((0.1, 0.9, 0), (0.3, 0.7, 0), (0, 0.1, 0.9)))
    assert expression_change(happy, happy) == 0
    assert expression_change(happy, glad) == pytest.approx(0.2)
    assert expression_change(happy, sad) == pytest.approx(1.9)


def faces(engine: Engine, picture: np.ndarray) -> list[Face]:
    found: list[Face] = load_plugin("epd.detectors", "centerface")(engine).detect(picture)
    return found[:1]
