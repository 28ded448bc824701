"""The library checks what it is given: it works, or says in a sentence what to give instead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import epdcli
from epdcli import Deidentifier, EpdError, Options, Policy, UsageError, Verdict
from epdcli.errors import BackendNotFound, PluginNotFound
from epdcli.files import sha256_of
from epdcli.model import Attributes
from epdcli.pictures.arrays import pixels_of

RGB = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
OPAQUE = np.dstack([RGB, np.full((6, 8), 255, np.uint8)])
CLEAR = np.dstack([RGB, np.arange(48, dtype=np.uint8).reshape(6, 8)])


def with_key_colour() -> Image.Image:
    picture = Image.fromarray(RGB)
    picture.info["transparency"] = (1, 2, 3)
    return picture


@pytest.mark.parametrize(
    "given",
    [RGB, RGB[:, ::-1], OPAQUE, Image.fromarray(RGB), Image.fromarray(OPAQUE)],
    ids=["array", "view", "opaque array", "picture", "opaque picture"],
)
def test_what_holds_the_same_pixels_is_taken(given: Any) -> None:
    taken = pixels_of(given)
    assert taken.shape == RGB.shape and taken.dtype == np.uint8 and taken.flags.c_contiguous
    assert np.array_equal(taken, np.asarray(given)[..., :3])


@pytest.mark.parametrize(
    "given",
    [RGB[..., 0], RGB[..., :1], Image.fromarray(RGB[..., 0])],
    ids=["two axes", "one channel", "picture"],
)
def test_grey_is_taken_as_three_equal_channels(given: Any) -> None:
    assert np.array_equal(pixels_of(given), np.repeat(RGB[..., :1], 3, axis=2))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (RGB / 255, "float64.*255"),
        (RGB.astype(np.float32), "float32"),
        (RGB.astype(np.uint16), "uint16"),
        (RGB > 3, "bool"),
        (CLEAR, "transparent"),
        (Image.fromarray(CLEAR), "transparent"),
        (with_key_colour(), "transparent colour"),
        (Image.fromarray(RGB).convert("P"), r"mode P .*convert\('RGB'\)"),
        (Image.fromarray(RGB).convert("CMYK"), "CMYK"),
        (RGB[None], "1 x 6 x 8 x 3"),
        (RGB.transpose(2, 0, 1), "channels last"),
        (RGB[:0], "0 x 8 x 3"),
        (np.array(3, np.uint8), "a single number"),
        (RGB.tolist(), "not list"),
        (None, "not NoneType"),
        ("a.jpg", r"file\(source, target\)"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_would_have_to_be_guessed_is_refused_in_a_sentence(given: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        pixels_of(given)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"seed": "1"}, "seed must be int"),
        ({"seed": True}, "seed must be int"),
        ({"key": "k" * 40}, "key must be bytes"),
        ({"threshold": float("nan")}, "threshold of nan"),
        ({"threshold": "0.6"}, "threshold must be"),
        ({"candidates": "3"}, "candidates must be int"),
        ({"max_attempts": 2.5}, "max_attempts must be int"),
        ({"threads": -1}, "threads"),
        ({"passes": "some"}, "all or upright"),
        ({"attributes": "none"}, "keep or free"),
        ({"policy": {}}, "policy must be Policy"),
        ({"method": None}, "method must be str"),
    ],
)
def test_options_of_a_wrong_kind_are_refused_in_a_sentence(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        Options(**wrong)
    assert "kkkk" not in str(caught.value), "a key is never shown"


def test_options_may_be_words() -> None:
    options = Options(attributes="free", bank="my.bank")  # type: ignore[arg-type]
    assert options.attributes is Attributes.FREE and options.bank == Path("my.bank")


@pytest.mark.parametrize("unknown", [{"method": "magic"}, {"detector": "magic"}])
def test_an_unknown_method_is_no_unknown_backend(unknown: dict[str, str]) -> None:
    with pytest.raises(PluginNotFound, match="magic") as caught:
        Deidentifier(Options(**unknown))  # type: ignore[arg-type]
    assert not isinstance(caught.value, BackendNotFound)
    with pytest.raises(BackendNotFound):
        Deidentifier(Options(backend="magic"))


@pytest.fixture(scope="module")
def deidentifier() -> Iterator[Deidentifier]:
    with Deidentifier(Options(seed=1, method="solid", policy=Policy(no_face_copy=True))) as opened:
        yield opened


@pytest.fixture
def meadow(tmp_path: Path) -> Path:
    Image.new("RGB", (96, 64), (90, 120, 60)).save(tmp_path / "meadow.png")
    return tmp_path / "meadow.png"


def test_pictures_in_memory_go_the_whole_way(deidentifier: Deidentifier, astronaut: np.ndarray) -> None:
    for picture in (astronaut, astronaut[..., 1], Image.fromarray(astronaut)):
        pixels, answer = deidentifier.pixels(picture)
        assert answer.verdict is Verdict.PASS and pixels is not None and pixels.shape == astronaut.shape
        assert len(deidentifier.detect(picture)) == 1
    with pytest.raises(UsageError, match="float64"):
        deidentifier.detect(astronaut / 255)


def test_a_file_that_is_there_is_replaced_only_if_asked_for(
    deidentifier: Deidentifier, meadow: Path, tmp_path: Path
) -> None:
    target = tmp_path / "new.png"
    target.write_bytes(b"mine")
    record = deidentifier.file(meadow, target)
    assert record.verdict is Verdict.FAILED and "overwrite=True" in record.hint
    assert target.read_bytes() == b"mine"
    record = deidentifier.file(meadow, target, overwrite=True)
    assert record.sha256 == sha256_of(target)


@pytest.mark.parametrize("link", [False, True])
def test_a_source_is_never_replaced(
    deidentifier: Deidentifier, meadow: Path, tmp_path: Path, link: bool
) -> None:
    before, target = meadow.read_bytes(), meadow
    if link:
        target = tmp_path / "other.png"
        target.hardlink_to(meadow)
    record = deidentifier.file(meadow, target, overwrite=True)
    assert record.verdict is Verdict.FAILED and "is the source" in record.reason
    assert meadow.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        ((RGB, "new.png"), None, r"not ndarray.*pixels\(picture\)"),
        ((b"a.png", "new.png"), None, "not bytes"),
        (("meadow.png", None), None, "target is the path"),
        (("meadow.png", "new.jpg"), None, "another format"),
        (("meadow.png", "new.png"), ["face"], "a list for each frame"),
        (("meadow.png", "new.png"), [["face"]], "a list for each frame"),
    ],
)
def test_a_call_that_makes_no_sense_is_refused_in_a_sentence(
    deidentifier: Deidentifier,
    meadow: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[Any, Any],
    given: Any,
    said: str,
) -> None:
    monkeypatch.chdir(meadow.parent)
    with pytest.raises(EpdError, match=said):
        deidentifier.file(*arguments, given=given)
    assert [path.name for path in meadow.parent.iterdir()] == ["meadow.png"]


def test_the_public_names_are_what_is_listed() -> None:
    assert dir(epdcli) == sorted(epdcli.__all__)
    assert all(getattr(epdcli, name).__doc__ for name in epdcli.__all__)
