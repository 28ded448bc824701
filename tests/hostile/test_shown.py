"""Faces that stand in transparency, or in a sliver of the values: whatever a viewer shows is replaced.

The judge uses neither our reader nor our looks: Pillow lays the files on backgrounds, numpy stretches them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from epdcli import Deidentifier, Options
from epdcli.model import Verdict

from .planting import INNER, portrait, saved

SIDE = 288
GHOST = (slice(INNER[0].start, INNER[0].stop), slice(SIDE + INNER[1].start, SIDE + INNER[1].stop))
Grey = NDArray[np.float64]


def grey() -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(portrait()).convert("L"))


def ghost(ink: int = 0, dithered: bool = False) -> Image.Image:
    """The portrait, and beside it a second one in transparency alone: one ink, more or less opaque."""
    face = np.asarray(Image.fromarray(grey()).convert("1").convert("L")) if dithered else grey()
    colours = np.full((SIDE, 2 * SIDE, 3), ink, np.uint8)
    colours[:, :SIDE] = portrait()
    alpha = np.full((SIDE, 2 * SIDE), 255, np.uint8)
    alpha[:, SIDE:] = face if ink else 255 - face
    return Image.fromarray(np.dstack([colours, alpha]), "RGBA")


def palette() -> bytes:
    """The ghost in entries of one colour that differ in their transparency."""
    colours = Image.fromarray(portrait()).quantize(190)
    indices = np.zeros((SIDE, 2 * SIDE), np.uint8)
    indices[:, :SIDE] = np.asarray(colours)
    indices[:, SIDE:] = 190 + (255 - grey()) // 4
    picture = Image.fromarray(indices, "P")
    picture.putpalette((colours.getpalette("RGB") or [])[: 190 * 3] + [0] * 66 * 3)
    return saved(picture, "PNG", transparency=bytes([255] * 190 + [4 * n for n in range(64)]))


def colour_key() -> bytes:
    """A dithered face whose white dots are the one colour that is transparent."""
    pixels = np.asarray(ghost(dithered=True)).copy()
    rgb = pixels[..., :3]
    rgb[pixels[..., 3] == 0] = (1, 2, 3)
    return saved(Image.fromarray(np.ascontiguousarray(rgb)), "PNG", transparency=(1, 2, 3))


def heic() -> bytes:
    heif = pytest.importorskip("pillow_heif")
    target = io.BytesIO()
    heif.from_pillow(ghost()).save(target, quality=90)
    return target.getvalue()


def deep(samples: NDArray[np.generic], suffix: str) -> bytes:
    if suffix == ".png":
        return saved(Image.fromarray(samples), "PNG")
    target = io.BytesIO()
    pytest.importorskip("tifffile").imwrite(target, samples)
    return target.getvalue()


def nearly_opaque() -> Image.Image:
    """A face in black ink that nothing but an auto-contrast of its transparency shows."""
    alpha = (224 + grey() / 8.3).astype(np.uint8)
    return Image.fromarray(np.dstack([np.zeros((SIDE, SIDE, 3), np.uint8), alpha]), "RGBA")


def hot_pixel() -> NDArray[np.float32]:
    values = (grey() / 255 * 0.001).astype(np.float32)
    values[0, 0] = 1000
    return values


def shadows() -> NDArray[np.uint16]:
    """A face under one hundredth of the range, beside a white wall."""
    values = np.full((SIDE, 2 * SIDE), 65535, np.uint16)
    values[:, SIDE:] = grey() * 2.0
    return values


IN_ALPHA: dict[str, tuple[str, Callable[[], bytes]]] = {
    "PNG": (".png", lambda: saved(ghost(), "PNG")),
    "PNG, white ink": (".png", lambda: saved(ghost(ink=255), "PNG")),
    "PNG, dithered": (".png", lambda: saved(ghost(dithered=True), "PNG")),
    "PNG, grey and alpha": (".png", lambda: saved(ghost().convert("LA"), "PNG")),
    "PNG, palette": (".png", palette),
    "PNG, transparent colour": (".png", colour_key),
    "APNG": (".png", lambda: saved(ghost(), "PNG", save_all=True, append_images=[ghost(dithered=True)])),
    "WebP": (".webp", lambda: saved(ghost(), "WEBP", quality=92)),
    "WebP, lossless": (".webp", lambda: saved(ghost(), "WEBP", lossless=True, exact=True)),
    "GIF": (".gif", lambda: saved(ghost(dithered=True), "GIF")),
    "TIFF": (".tif", lambda: saved(ghost(), "TIFF", compression="tiff_lzw")),
    "AVIF": (".avif", lambda: saved(ghost(), "AVIF", quality=92)),
    "HEIC": (".heic", heic),
    "JPEG 2000": (".jp2", lambda: saved(ghost(), "JPEG2000")),
}
IN_DEPTH: dict[str, tuple[str, Callable[[], bytes]]] = {
    "float TIFF with a hot pixel": (".tif", lambda: deep(hot_pixel(), ".tif")),
    "thermal PNG": (".png", lambda: deep((30_000 + grey() / 255 * 600).astype(np.uint16), ".png")),
    "thermal TIFF": (".tif", lambda: deep((30_000 + grey() / 255 * 600).astype(np.uint16), ".tif")),
    "shadows under 1 % of the range": (".png", lambda: deep(shadows(), ".png")),
    "alpha of 224 to 255": (".png", lambda: saved(nearly_opaque(), "PNG")),
}


@pytest.fixture(scope="module")
def deidentifier() -> Iterator[Deidentifier]:
    with Deidentifier(Options(method="solid", passes="upright", seed=1)) as opened:
        yield opened


def shown_by_viewers(path: Path) -> Iterator[Grey]:
    """Every frame, laid on white, on black and as its alpha."""
    if path.suffix == ".heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    image = Image.open(path)
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        frame = image.convert("RGBA")
        for background in ("white", "black"):
            laid = Image.new("RGBA", frame.size, background)
            laid.alpha_composite(frame)
            yield np.asarray(laid.convert("L"), np.float64)
        yield np.asarray(frame, np.float64)[..., 3]


def shown_in_depth(path: Path) -> Grey:
    """The values of a grey file; the transparency of any other."""
    values = np.asarray(Image.open(path), np.float64)
    return values if values.ndim == 2 else values[..., 3]


def likeness(shown: Grey, original: NDArray[np.uint8]) -> float:
    """The correlation of grey values, as from a little further away; a negative shows a face as well."""
    one, other = (cv2.GaussianBlur(values.astype(np.float64), (0, 0), 2) for values in (shown, original))
    return 0.0 if np.ptp(one) < 1e-9 else abs(float(np.corrcoef(one.ravel(), other.ravel())[0, 1]))


@pytest.mark.parametrize("kind", IN_ALPHA)
def test_a_face_in_transparency_is_replaced(deidentifier: Deidentifier, tmp_path: Path, kind: str) -> None:
    suffix, made = IN_ALPHA[kind]
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    source.write_bytes(made())
    original = grey()[INNER]
    assert max(likeness(frame[GHOST], original) for frame in shown_by_viewers(source)) > 0.6
    record = deidentifier.file(source, target)
    assert record.verdict is Verdict.PASS, record.reason
    assert max(likeness(frame[GHOST], original) for frame in shown_by_viewers(target)) < 0.5


@pytest.mark.parametrize("kind", IN_DEPTH)
def test_a_face_that_only_a_stretch_shows_is_replaced(
    deidentifier: Deidentifier, tmp_path: Path, kind: str
) -> None:
    suffix, made = IN_DEPTH[kind]
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    source.write_bytes(made())
    assert deidentifier.file(source, target).verdict is Verdict.PASS
    part = GHOST if kind.startswith("shadows") else INNER
    before, after = (shown_in_depth(path)[part] for path in (source, target))
    assert likeness(before, grey()[INNER]) > 0.9
    assert likeness(after, grey()[INNER]) < 0.5


def test_a_cut_out_keeps_its_transparency(deidentifier: Deidentifier, tmp_path: Path) -> None:
    """Somebody before nothing: the face is opaque, and what was clear stays clear."""
    rows, columns = np.ogrid[:SIDE, :SIDE]
    inside = ((rows - 130) / 125) ** 2 + ((columns - 143) / 100) ** 2 < 1
    alpha = np.where(inside, 255, 0).astype(np.uint8)
    Image.fromarray(np.dstack([portrait(), alpha]), "RGBA").save(tmp_path / "in.png")
    record = deidentifier.file(tmp_path / "in.png", tmp_path / "out.png")
    assert (record.verdict, len(record.faces)) == (Verdict.PASS, 1)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png"))[..., 3], alpha)


def test_a_face_that_is_half_cut_off_by_transparency_is_replaced(
    deidentifier: Deidentifier, tmp_path: Path
) -> None:
    alpha = np.full((SIDE, SIDE), 255, np.uint8)
    alpha[140:] = 0
    Image.fromarray(np.dstack([portrait(), alpha]), "RGBA").save(tmp_path / "in.png")
    record = deidentifier.file(tmp_path / "in.png", tmp_path / "out.png")
    assert record.verdict is Verdict.PASS, record.reason
    before, after = (np.asarray(Image.open(tmp_path / name)) for name in ("in.png", "out.png"))
    seen = (slice(INNER[0].start, 140), INNER[1])
    assert (before[..., :3] != after[..., :3]).any(axis=2)[seen].mean() > 0.9
    assert not after[after[..., 3] == 0].any()


def test_an_opaque_picture_is_searched_no_more_often_than_before(
    deidentifier: Deidentifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []
    detect = deidentifier._detector.detect
    monkeypatch.setattr(deidentifier._detector, "detect", lambda pixels: searched.append(1) or detect(pixels))
    Image.fromarray(portrait()).save(tmp_path / "in.png")
    assert deidentifier.file(tmp_path / "in.png", tmp_path / "out.png").verdict is Verdict.PASS
    assert len(searched) == 2  # the source, and the finished file
