"""What a judging network wants to be given: its crop of the aligned face, scale of values, kind of distance.

Nothing has a silent default: a network is known by its SHA-256, described by a JSON file beside it, or
described by options after its name, `NAME=FILE,crop=arcface,metric=cosine`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from epdcli.errors import UsageError
from epdcli.files import sha256_of

# Squares of the aligned 256 px frame (left, top, side) and the networks' input sides in pixels.
CROPS = {
    "arcface": (32.8, 22.6, 190.4, 112),
    "dlib": (43.6, 56.6, 171.0, 150),
    "expression": (58.0, 90.0, 140.0, 112),
    "pose": (18.0, 25.0, 220.0, 64),
    "face": (43.0, 55.0, 170.0, 64),
}
VERIFICATION, TRAINING = "verification", "training"
FACEAPI_CLASSES = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
_FER_CLASSES = ("angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral")
_HINT = "Describe it: NAME=FILE,crop=arcface,metric=cosine (see docs/evaluation.md)"


@dataclass(frozen=True)
class Convention:
    """How a network is fed and read.

    crop      left, top, side in the aligned 256 px frame, and the input's side in pixels
    channels  3 (RGB unless `order` is bgr) or 1 (grey); values are (0..255 - mean) / scale
    output    the output's name; `length` its numbers a face
    metric    of embeddings: cosine or euclidean
    role      verification or training: what the product itself uses the network for, else empty
    classes   of an emotion network, in the output's order
    unit      of a gaze network's two angles, pitch and yaw: degrees or radians; three numbers are a direction
    """

    crop: tuple[float, float, float, int]
    output: str
    length: int | None = None
    input: str = "image"
    channels: int = 3
    order: str = "rgb"
    mean: float = 0.0
    scale: float = 1.0
    metric: str = "cosine"
    role: str = ""
    classes: tuple[str, ...] = ()
    unit: str = field(default="degrees", repr=False)  # not in the key that answers are stored under


_ARCFACE = Convention(CROPS["arcface"], "embedding")
DLIB = Convention(CROPS["dlib"], "embedding", 128, metric="euclidean", role=VERIFICATION)
FACEAPI = Convention(CROPS["expression"], "probabilities", 7, role=TRAINING, classes=FACEAPI_CLASSES)
LANDMARKS = Convention(CROPS["expression"], "landmarks", 136, role=TRAINING)
# Networks that anybody may have, by the SHA-256 of their files.
_KNOWN = {
    "a8b86d691d4fd2d2b327b651909ea10a0cb1c91345b8f6e7d8b53271c16bd328": replace(_ARCFACE, length=192),
    "baa12b403d39383d7170e72651edc274ffa94c341569116bc593788b4d7f4453": replace(
        _ARCFACE, length=128, role=TRAINING
    ),
    "62de17964fecd039d4aec212e6defa412e24e26a8f7d9f4ddc930f21dbeec9da": DLIB,
    "6ca80be714651af8d3a39cff5b01a5da3d40b4f273fad4799d168af5cbfe5233": FACEAPI,
    "747532535092f2f5bd8aea239094988a21b9a7f5cf33688151255a92f82b98f1": Convention(
        CROPS["face"], "probabilities", 7, channels=1, classes=_FER_CLASSES
    ),
    "29f22db310ee2e532b49003624fc0e044ac4464b8c4a854f0ebda6e1092e718a": Convention(
        CROPS["pose"], "yaw_pitch_roll", 3
    ),
    "d1e524419ce542c2923eccde8ce3f07289862d4250e33764986f1f6da452f015": LANDMARKS,
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A judge as named on the command line: its file (None: shipped with the tool) and how it is fed."""

    name: str
    path: Path | None
    sha256: str
    convention: Convention


def parse_source(text: str) -> Source:
    """`NAME=FILE[,key=value...]`. Raises UsageError when the file is missing or nothing says how to feed it.

    Keys are those of `Convention`; `crop` is one of the names of `CROPS` or LEFT:TOP:SIDE:PIXELS, `classes`
    are joined by colons. A JSON file `FILE.json` may say the same.
    """
    name, equals, rest = text.partition("=")
    file, *settings = rest.split(",")
    path = Path(file)
    if not equals or not name or not path.is_file():
        raise UsageError(f"{text!r} names no network file.", hint=_HINT)
    digest = sha256_of(path)
    said = _beside(path) | _settings(settings, text)
    known = _KNOWN.get(digest)
    if known is None and not {"crop", "output"} <= said.keys():
        raise UsageError(f"Nothing says how {path} is fed: crop and output are needed at least.", hint=_HINT)
    base = known or Convention(CROPS["arcface"], "")
    return Source(name, path, digest, _described(base, said, text))


def _beside(path: Path) -> dict[str, Any]:
    sidecar = path.with_name(path.name + ".json")
    if not sidecar.is_file():
        return {}
    try:
        return dict(json.loads(sidecar.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise UsageError(f"{sidecar} is not a JSON object: {error}.", hint=_HINT) from error


def _settings(settings: list[str], text: str) -> dict[str, Any]:
    pairs = [setting.partition("=") for setting in settings]
    if not all(equals for _, equals, _ in pairs):
        raise UsageError(f"{text!r}: after the file come key=value pairs.", hint=_HINT)
    return {key.strip(): value.strip() for key, _, value in pairs}


def _described(base: Convention, said: Mapping[str, Any], text: str) -> Convention:
    unknown = said.keys() - {field.name for field in fields(Convention)}
    if unknown:
        raise UsageError(f"{text!r}: there is no {', '.join(sorted(unknown))}.", hint=_HINT)
    try:
        read = {key: _READERS.get(key, str)(value) for key, value in said.items()}
    except (ValueError, KeyError) as error:
        raise UsageError(f"{text!r} can't be understood: {error}.", hint=_HINT) from error
    result = replace(base, **read)
    allowed = {
        "metric": ("cosine", "euclidean"),
        "role": ("", VERIFICATION, TRAINING),
        "order": ("rgb", "bgr"),
        "channels": (1, 3),
        "unit": ("degrees", "radians"),
    }
    for key, values in allowed.items():
        if getattr(result, key) not in values:
            raise UsageError(
                f"{text!r}: {key} is one of {', '.join(map(str, filter(None, values)))}.", hint=_HINT
            )
    return result


def _crop(value: Any) -> tuple[float, float, float, int]:
    if isinstance(value, str) and value in CROPS:
        return CROPS[value]
    left, top, side, pixels = value.split(":") if isinstance(value, str) else value
    return float(left), float(top), float(side), int(pixels)


def _classes(value: Any) -> tuple[str, ...]:
    return tuple(value.split(":") if isinstance(value, str) else value)


_READERS: Mapping[str, Any] = {
    "crop": _crop, "classes": _classes, "length": int, "channels": int, "mean": float, "scale": float,
}  # fmt: skip
