"""What the generator's answer is made into."""

from __future__ import annotations

import numpy as np
import pytest

from epdcli.faces.alignment import align
from epdcli.methods.generate import Generate
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


def faces(engine: Engine, picture: np.ndarray) -> list[Face]:
    found: list[Face] = load_plugin("epd.detectors", "centerface")(engine).detect(picture)
    return found[:1]
