"""Make a bank from portraits: find the face, align it, measure it as old faces are, keep it small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli import pictures
from epdcli.errors import EpdError
from epdcli.faces.alignment import align, map_points
from epdcli.faces.detection import CenterFaceDetector
from epdcli.faces.detection_passes import DetectionSettings
from epdcli.model import Face, Pixels
from epdcli.runtimes import Engine
from epdcli.synthetic.bank import MEASURED
from epdcli.synthetic.blending import hull_of, shown_part, skin_share
from epdcli.synthetic.light import light_of
from epdcli.synthetic.structure import SIZE, Instruments, Structure, is_plausible

LEAST_PX = 100  # height of a face: smaller ones look soft in every picture
LEAST_SKIN = 0.6  # of the forehead: a fringe or a hat would be painted onto other foreheads
SKIN_HUES = ((134, 163), (126, 168))  # a and b (0..255) of cheeks in ordinary light, of all skin tones
_MARGIN_PX = 21  # around the hull that is kept of a picture
_QUALITY = 85


@dataclass(frozen=True, eq=False)
class Portrait:
    """A picture of one person: its name, its aligned face (256 x 256 x 3) and what was measured; or, where it
    can't be used, only the `problem`, in words."""

    name: str
    problem: str = ""
    unreadable: bool = False
    pixels: Pixels | None = None
    structure: Structure | None = None


def opened(files: Iterable[tuple[Path, str]]) -> Iterator[tuple[str, Pixels | str]]:
    """Name and first frame (H x W x 3, uint8, RGB) of each picture; in place of the frame what is wrong."""
    for path, name in files:
        try:
            yield name, pictures.read(path).frames[0]
        except EpdError as error:
            yield name, str(error)


def portraits(named: Iterable[tuple[str, Pixels | str]], engine: Engine) -> Iterator[Portrait]:
    """What each named picture gives."""
    detector = CenterFaceDetector(engine, DetectionSettings(passes="upright"))
    instruments = Instruments(engine)
    for name, picture in named:
        if isinstance(picture, str):
            yield Portrait(name, picture, unreadable=True)
            continue
        faces = [face for face in detector.detect(picture) if face.box.height >= LEAST_PX]
        if len(faces) == 1:
            yield _portrait(name, picture, faces[0], instruments)
        else:
            found = f"{len(faces)} faces" if faces else "no face"
            yield Portrait(name, f"{found} of {LEAST_PX} px or more, one is needed")


def arrays_of(people: Sequence[Portrait]) -> Mapping[str, NDArray[np.generic]]:
    """The arrays of a bank's file (see `bank`) for portraits that can be used."""
    rows = [(person.pixels, person.structure) for person in people]
    usable = [
        (pixels, structure) for pixels, structure in rows if pixels is not None and structure is not None
    ]
    faces, structures = [pixels for pixels, _ in usable], [structure for _, structure in usable]
    encoded = [_encoded(face, hull_of(old.landmarks)) for face, old in zip(faces, structures, strict=True)]
    return {
        **measured_arrays(faces, structures),
        "pictures": np.concatenate(encoded),
        "ends": np.cumsum([len(picture) for picture in encoded]),
    }


def measured_arrays(
    faces: Sequence[Pixels], structures: Sequence[Structure]
) -> Mapping[str, NDArray[np.generic]]:
    """What a bank's file says of aligned faces (each 256 x 256 x 3) beside their pictures."""
    lights = [
        light_of(face, shown_part(face, structure.landmarks))
        for face, structure in zip(faces, structures, strict=True)
    ]
    measured = {
        name: np.array([getattr(structure, name) for structure in structures], np.float16)
        for name in MEASURED
    }
    return {**measured, "light": np.rint(np.clip(lights, 0, 255)).astype(np.uint8)}


def _portrait(name: str, picture: Pixels, face: Face, instruments: Instruments) -> Portrait:
    aligned = align(picture, face, SIZE)
    (structure,) = instruments.measure([aligned.pixels])
    landmarks = structure.landmarks
    detected = map_points(aligned.matrix, face.landmarks).astype(np.float32)
    if not is_plausible(structure, face, detected):
        return Portrait(name, "the face is turned or hidden too far")
    if skin_share(aligned.pixels, landmarks, hull_of(landmarks)) < LEAST_SKIN:
        return Portrait(name, "hair or a hat hides the forehead")
    if not all(low < hue < high for hue, (low, high) in zip(structure.skin[1:], SKIN_HUES, strict=True)):
        return Portrait(name, "the light on the face is coloured")
    return Portrait(name, pixels=aligned.pixels, structure=structure)


def _encoded(pixels: Pixels, hull: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture as WebP; what lies far from the hull, and is never pasted, is blurred to save bytes."""
    element = np.ones((2 * _MARGIN_PX + 1,) * 2, np.uint8)
    near = cv2.blur(cv2.dilate(hull, element), (9, 9))
    far = cv2.blur(pixels, (81, 81))
    kept = cv2.blendLinear(pixels, far, near, 1 - near)
    _, encoded = cv2.imencode(
        ".webp", cv2.cvtColor(kept, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, _QUALITY]
    )
    return np.asarray(encoded, np.uint8).ravel()
