"""What is measured of a face: the conditioning signals, all that reaches the new face from the old one.

A bank's people and the faces to be replaced are measured by the same function. All coordinates are pixels of
the aligned 256 px frame (`SIZE`). Of an old face these numbers are used:

    landmarks      68 points          pose and shape of brows, eyes, nose, lips, jaw; mixed with the person's
    irises          2 points          gaze: darkness-weighted centre inside each eye's outline
    expression      7 probabilities   chooses the person
    age, male       2 numbers         apparent ones, as a network reads them; choose the person
    glasses, beard  2 numbers         choose the person
    tone            1 number          lightness of the skin in ordinary light; chooses the person
    skin            3 numbers         mean colour of the cheeks; chooses the person
    identity      128 numbers         only to keep the person unlike the old face
    light       8 x 8 colours         Gaussian means over the face, 24 px wide: light and skin tone
    detail          3 numbers         strength of fine, middle and coarse detail: sharpness of the picture
    forehead        a mask            where hair or a hat lies over the forehead: those pixels stay

Every other pixel of the new face is the person's. The last three are measured in `light` and `blending`. A
test holds the list: other pixels of the inner face, the same numbers, the same new face bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.model import Face, Mask, Pixels, Points
from epdcli.runtimes import Engine, Session

Floats = NDArray[np.float32]

SIZE = 256
JAW, BROWS, LIDS, LIPS = slice(0, 17), slice(17, 27), slice(36, 48), slice(48, 68)
EYES = (slice(36, 42), slice(42, 48))
EXPRESSIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")

_SHIFT = 4  # OpenCV draws with 1/16 pixel
# Squares of the frame that the networks take: left, top, side; pixels of their input.
_MESH_CROP = (18.0, 36.0, 220.0, 192)
_EXPRESSION_CROP = (58.0, 90.0, 140.0, 112)
_APPEARANCE_CROP = (33.0, 45.0, 190.0, 224)
_LEAST_PRESENCE, _SURE_PRESENCE, _SURE_SCORE = 0.5, 0.95, 0.6
# Of the detector: what has less is a button, or half a face at the border. The second where the mesh is sure.
_LEAST_SCORE, _LEAST_SCORE_SURE = 0.45, 0.25
_BLURRED_PX = 50  # height of a face below which the mesh may be unsure
_MOST_APART_PX, _MOST_APART_SURE_PX = 19.0, 25.0
_MOST_TURNED = 0.78  # 99 % of the shipped people are turned less
_NUMBERS = ("age", "male", "glasses", "beard", "tone")  # answers of the appearance network
_CHEEKS = [2, 14, 31, 35, 48, 54, 3, 13]  # points of iBUG-68 around cheeks and nose


@dataclass(frozen=True, eq=False)
class Structure:
    """What is known of one face, as the module's docstring lists it.

    `presence` 0..1, the probability that there is a face; `landmarks` (68, 2), `irises` (2, 2), float32;
    `expression` (7,) probabilities in the order of `EXPRESSIONS`; `age` in years; `male`, `glasses`, `beard`
    0..1; `tone` L, 0..255; `skin` (3,) mean L, a and b (each 0..255) of the cheeks; `identity` (128,) of unit
    length.
    """

    presence: float
    landmarks: Points
    irises: Points
    expression: Floats
    age: float
    male: float
    glasses: float
    beard: float
    tone: float
    skin: Floats
    identity: Floats


class Instruments:
    """The networks that measure faces, up to `engine.batch` at once."""

    def __init__(self, engine: Engine) -> None:
        self._mesh = engine.session("face_mesh")
        self._expression = engine.session("expression_faceapi")
        self._appearance = engine.session("appearance")
        self._batch = engine.batch

    def measure(self, faces: Sequence[Pixels]) -> list[Structure]:
        """The structures of aligned faces (each 256 x 256 x 3, uint8, RGB)."""
        starts = range(0, len(faces), self._batch)
        return [
            structure for start in starts for structure in self._measured(faces[start : start + self._batch])
        ]

    def _measured(self, faces: Sequence[Pixels]) -> list[Structure]:
        crops = np.stack([_crop(face, *_MESH_CROP) for face in faces])
        one, other = _both_ways(self._mesh, crops)
        # Mirrored points are another answer on the same face: their mean is steadier than either.
        landmarks = [
            ((_points(as_seen) + _mirrored(_points(mirrored))) / 2).astype(np.float32)
            for as_seen, mirrored in zip(one["landmarks"], other["landmarks"], strict=True)
        ]
        presence = (one["face"] + other["face"]).ravel() / 2
        expressions = self._expressions(faces)
        people = self._appearance.run({"image": np.stack([appearance_crop(face) for face in faces])})
        numbers = np.hstack([people[name] for name in _NUMBERS])
        return [
            _structure(
                face, float(presence[i]), landmarks[i], expressions[i], numbers[i], people["identity"][i]
            )
            for i, face in enumerate(faces)
        ]

    def impressions(self, faces: Sequence[Pixels]) -> tuple[Floats, Floats]:
        """The expressions (n, 7) and identities (n, 128) alone."""
        starts = range(0, len(faces), self._batch)
        parts = [faces[start : start + self._batch] for start in starts]
        crops = [np.stack([appearance_crop(face) for face in part]) for part in parts]
        identities = [self._appearance.run({"image": some})["identity"] for some in crops]
        return np.concatenate([self._expressions(part) for part in parts]), unit(np.concatenate(identities))

    def _expressions(self, faces: Sequence[Pixels]) -> Floats:
        crops = np.stack([_crop(face, *_EXPRESSION_CROP) for face in faces])
        read = [answer["probabilities"] for answer in _both_ways(self._expression, crops)]
        return np.mean(read, axis=0).astype(np.float32)


# The partner of each of iBUG's 68 points in a mirrored face.
MIRROR = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31,
     45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
     54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]
)  # fmt: skip


def mirrored_points(points: Points, edges: float = SIZE - 1) -> Points:
    """The 68 points (68, 2) of the face in a mirror; `edges` is the sum of x and its mirror image."""
    flipped = points[MIRROR].copy()
    flipped[:, 0] = edges - flipped[:, 0]
    return flipped


def shape_of(landmarks: Points) -> Points:
    """Landmarks (68, 2) about their mean, in units of their spread: without place and size."""
    centred = landmarks - landmarks.mean(axis=0)
    return np.asarray(centred / max(1e-6, _spread(landmarks)), np.float32)


def mouth_of(landmarks: Points) -> float:
    """How far the mouth is open, in units of the distance between the outer corners of the eyes."""
    apart = np.linalg.norm(landmarks[62] - landmarks[66])
    return float(apart / max(1e-6, float(np.linalg.norm(landmarks[36] - landmarks[45]))))


def five_points(landmarks: Points) -> Points:
    """Eyes, nose and corners of the mouth (5, 2) as the 68 landmarks place them."""
    eyes = [landmarks[eye].mean(axis=0) for eye in EYES]
    return np.stack([*eyes, landmarks[30], landmarks[48], landmarks[54]]).astype(np.float32)


def is_plausible(structure: Structure, face: Face, detected: Points) -> bool:
    """Whether two networks see the same face: the mesh, and the detector, which found `face` with its five
    landmarks (5, 2) at `detected` in the frame.

    On faces of 30 px the mesh is no longer sure that there is one, but puts its points right: there the
    detector's score counts. Nor is a face plausible that is turned further than the shipped people are.
    """
    apart = float(np.abs(five_points(structure.landmarks) - detected).max())
    very_sure = structure.presence >= _SURE_PRESENCE
    if face.score < (_LEAST_SCORE_SURE if very_sure else _LEAST_SCORE):
        return False
    most = _MOST_APART_SURE_PX if very_sure else _MOST_APART_PX
    blurred = face.box.height < _BLURRED_PX and face.score >= _SURE_SCORE
    sure = structure.presence >= _LEAST_PRESENCE or blurred
    return sure and apart <= most and abs(nose_of(structure.landmarks)[0]) <= _MOST_TURNED


def nose_of(landmarks: Points) -> Points:
    """Where the tip of the nose is from the middle between the ends of the jaw, in halves of their
    distance (2,): across it tells how far the head is turned, 0 from the front, about 1 or -1 in a profile,
    and down how far it is bent."""
    ends = landmarks[[0, 16]]
    half = max(1e-6, float(np.linalg.norm(ends[1] - ends[0])) / 2)
    return np.asarray((landmarks[30] - ends.mean(axis=0)) / half, np.float32)


def unit(vectors: Floats) -> Floats:
    """Vectors (..., n) of unit length."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def _spread(landmarks: Points) -> float:
    """The root mean square distance of the points (68, 2) from their mean, in pixels."""
    return float(np.sqrt(((landmarks - landmarks.mean(axis=0)) ** 2).sum() / len(landmarks)))


def skin_colour(pixels: Pixels, landmarks: Points) -> Floats:
    """Mean L, a and b (3,), each 0..255, of cheeks and nose of an aligned face."""
    inside = filled(cv2.convexHull(landmarks[_CHEEKS].astype(np.float32))[:, 0]) > 0
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)
    return lab[inside].mean(axis=0).astype(np.float32) if inside.any() else np.zeros(3, np.float32)


def filled(outline: NDArray[np.number], size: int = SIZE) -> Mask:
    """The inside of a polygon (n, 2) as a mask (size, size) in 0..1, its border anti-aliased."""
    canvas = np.zeros((size, size), np.uint8)
    cv2.fillPoly(canvas, [np.rint(outline * (1 << _SHIFT)).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
    return np.asarray(canvas / np.float32(255), np.float32)


def _structure(
    face: Pixels, presence: float, landmarks: Points, expression: Floats, numbers: Floats, identity: Floats
) -> Structure:
    # A quarter of a pixel is far below the network's error, and makes runtimes agree to the last bit.
    points = (np.round(landmarks * 4) / 4).astype(np.float32)
    return Structure(
        presence=presence,
        landmarks=points,
        irises=np.stack([_iris(face, points[eye]) for eye in EYES]),
        expression=expression.astype(np.float32),
        **dict(zip(_NUMBERS, map(float, numbers), strict=True)),
        skin=skin_colour(face, points),
        identity=unit(identity),
    )


def appearance_crop(face: Pixels) -> Floats:
    """What the appearance network takes of an aligned face: (3, 224, 224), RGB, 0..255."""
    return _crop(face, *_APPEARANCE_CROP)


def _crop(face: Pixels, left: float, top: float, side: float, out: int) -> Floats:
    zoom = out / side
    matrix = np.array([[zoom, 0, -left * zoom], [0, zoom, -top * zoom]])
    part = cv2.warpAffine(face, matrix, (out, out), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(part.transpose(2, 0, 1), np.float32)


def _both_ways(session: Session, crops: Floats) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
    """A network's answers on crops (n, 3, h, w) and on their mirror images."""
    flipped = np.ascontiguousarray(crops[..., ::-1])
    return session.run({"image": crops}), session.run({"image": flipped})


def _points(answer: Floats) -> Points:
    left, top, side, _ = _MESH_CROP
    return answer.reshape(68, 2) * side + (left, top)


def _mirrored(points: Points) -> Points:
    """Points that were found in a mirrored crop, in the crop that was mirrored."""
    left, _, side, across = _MESH_CROP
    return mirrored_points(points, 2 * left + side * (across - 1) / across)


def _iris(face: Pixels, outline: Points) -> Points:
    """The centre of what is darker than the eye's mean, weighted by the square of the difference: (2,)."""
    rows, columns = np.nonzero(filled(outline) > 0.5)
    if len(rows) == 0:
        return outline.mean(axis=0).astype(np.float32)
    seen = face[rows, columns].sum(axis=1) / np.float32(3)
    weights = np.clip(seen.mean() - seen, 0, None) ** 2 + 1e-3
    return np.array((columns @ weights, rows @ weights), np.float32) / np.float32(weights.sum())
