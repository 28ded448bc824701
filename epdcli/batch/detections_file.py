"""Faces in a JSON file: what `epd detect --json` writes and `--detections` takes back, edited or not."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from epdcli.errors import UsageError
from epdcli.model import Box, Face

_FARTHEST_PX = 1e6  # no picture that can be read is larger


def detections_as_json(faces: Mapping[str, Sequence[Sequence[Face]]]) -> dict[str, Any]:
    """Faces by picture name, a list for each frame: `box` [x, y, w, h], `landmarks` 5 x 2, `score`."""
    return {
        "pictures": {
            name: [
                [
                    {
                        "box": [round(float(side), 2) for side in face.box],
                        "landmarks": np.round(face.landmarks.astype(float), 2).tolist(),
                        "score": round(float(face.score), 4),
                    }
                    for face in frame
                ]
                for frame in frames
            ]
            for name, frames in faces.items()
        }
    }


def read_detections(path: Path) -> dict[str, list[list[Face]]]:
    """Read such a file; landmarks may be missing (then they stand at the template's places in the box).

    Names only select pictures of the run and are never opened. Raises UsageError that names the file and
    the place when it is not of this form, or a number is not finite or absurd.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}.", hint="Check its name.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}.", hint=_HINT) from error
    pictures = content.get("pictures") if isinstance(content, dict) else None
    if not isinstance(pictures, dict):
        raise UsageError(f"{path} has no object 'pictures'.", hint=_HINT)
    return {name: _frames(frames, f"{path}: {name}") for name, frames in pictures.items()}


_HINT = "Write it with: epd detect --json PICTURES > FILE"
# Where the five landmarks lie in a detector's box, as parts of its width and height (means over lfw-dev).
_IN_BOX = np.array([(0.29, 0.40), (0.71, 0.40), (0.50, 0.62), (0.33, 0.80), (0.67, 0.80)], np.float32)


def _frames(frames: Any, where: str) -> list[list[Face]]:
    if not isinstance(frames, list) or not all(isinstance(frame, list) for frame in frames):
        raise UsageError(f"{where}: the faces must be a list for each frame.", hint=_HINT)
    return [[_face(face, f"{where}, frame {n}, face {i}") for i, face in enumerate(frame)]
            for n, frame in enumerate(frames)]  # fmt: skip


def _face(face: Any, where: str) -> Face:
    if not isinstance(face, dict):
        raise UsageError(f"{where} must be an object.", hint=_HINT)
    box = Box(*_numbers(face.get("box"), 4, f"{where}: box"))
    if box.width < 1 or box.height < 1:
        raise UsageError(f"{where}: the box must be at least 1 pixel wide and high.", hint=_HINT)
    given = face.get("landmarks")
    if given is None:
        points = _IN_BOX * (box.width, box.height) + (box.x, box.y)
    else:
        if not isinstance(given, list) or len(given) != 5:
            raise UsageError(f"{where}: landmarks must be five points.", hint=_HINT)
        points = np.array([_numbers(point, 2, f"{where}: landmarks") for point in given])
        if np.ptp(points, axis=0).max() < 1:
            raise UsageError(f"{where}: the landmarks coincide.", hint=_HINT)
    (score,) = _numbers([face.get("score", 1.0)], 1, f"{where}: score")
    return Face(box, points.astype(np.float32), score)


def _numbers(values: Any, count: int, where: str) -> list[float]:
    if not isinstance(values, list) or len(values) != count:
        raise UsageError(f"{where} must be {count} numbers.", hint=_HINT)
    for value in values:
        finite = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not finite or abs(value) > _FARTHEST_PX:
            raise UsageError(f"{where} holds {value!r}, which is no pixel position.", hint=_HINT)
    return [float(value) for value in values]
