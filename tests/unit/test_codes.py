from __future__ import annotations

import numpy as np
import pytest

from epdcli.faces.codes import KeyedCodes, RandomCodes, SeededCodes, code_from

KEY = bytes(range(32))


def test_codes_have_unit_length_and_belong_to_their_bytes() -> None:
    seed = SeededCodes(7).seed("a.jpg", 0, 0)
    code = code_from(seed)
    assert np.linalg.norm(code) == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(code, code_from(seed))


@pytest.mark.parametrize("source", [SeededCodes(7), KeyedCodes(KEY)])
def test_every_picture_face_and_attempt_has_its_own_bytes(source: SeededCodes | KeyedCodes) -> None:
    seeds = {source.seed(n, f, a) for n in ("a.jpg", "b.jpg") for f in range(3) for a in range(3)}
    assert len(seeds) == 18
    assert source.seed("a.jpg", 1, 2) == source.seed("a.jpg", 1, 2)


def test_another_key_gives_other_codes() -> None:
    assert KeyedCodes(KEY).seed("a", 0, 0) != KeyedCodes(KEY[::-1]).seed("a", 0, 0)


def test_random_codes_never_repeat() -> None:
    assert RandomCodes().seed("a", 0, 0) != RandomCodes().seed("a", 0, 0)


def test_the_key_is_not_in_what_is_printed() -> None:
    assert KEY.hex() not in repr(KeyedCodes(KEY))
    assert str(list(KEY))[1:-1] not in repr(KeyedCodes(KEY))


def test_two_faces_of_a_picture_never_wear_the_same_code() -> None:
    worn = [code_from(bytes([i]) * 32) for i in range(12)]
    code = code_from(bytes([3]) * 32, worn)  # its first draw is worn already
    assert max(float(code @ other) for other in worn) < 0.5
