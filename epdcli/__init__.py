"""epdcli: de-identify faces in pictures. The public names, imported when they are first used.

from epdcli import Deidentifier, Options

with Deidentifier(Options(seed=1)) as deidentifier:
    record = deidentifier.file("in.jpg", "out.jpg")      # a file
    pixels, answer = deidentifier.pixels(array)          # an array, H x W x 3, uint8, RGB
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from epdcli.deidentifier import Deidentifier, Options
    from epdcli.errors import EpdError, PictureError, SetupError, UsageError
    from epdcli.model import Box, Face, FaceRecord, PictureRecord, Verdict
    from epdcli.pipeline import Answer, Policy

_HOME = {
    "Answer": "pipeline",
    "Box": "model",
    "Deidentifier": "deidentifier",
    "EpdError": "errors",
    "Face": "model",
    "FaceRecord": "model",
    "Options": "deidentifier",
    "PictureError": "errors",
    "PictureRecord": "model",
    "Policy": "pipeline",
    "SetupError": "errors",
    "UsageError": "errors",
    "Verdict": "model",
}

__all__ = [
    "Answer",
    "Box",
    "Deidentifier",
    "EpdError",
    "Face",
    "FaceRecord",
    "Options",
    "PictureError",
    "PictureRecord",
    "Policy",
    "SetupError",
    "UsageError",
    "Verdict",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'epdcli' has no attribute {name!r}")
    return getattr(import_module(f"epdcli.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
