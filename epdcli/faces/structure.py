"""What may cross from the old inner face to the new one, and how the generator gets to see it.

The generator never sees the inner face. `what_crosses` measures it, in numbers; `draw` paints those numbers
around the blanked picture. Training and product both come through here, so that they can't diverge.

What crosses (all in the aligned frame of `size` pixels; the numbers are measured at 128 pixels):
    landmarks     68 points                      pose, shape of brows, eyelids, nose and lips
    expression     7 probabilities               the emotion that the expression network read
    means         8 x 8 colours                  light and skin tone
    irises         2 points                      gaze: darkness-weighted centre inside each eye outline
    interiors      4 colours                     each eye; upper and lower half of the open mouth (teeth)
    detail        16 places x 2 strengths        fine upright and level edges: wrinkles, beard, glasses
    glimpses       5 x 3, 5 x 3, 8 x 4 greys     each eye and the mouth: lids, gaze, teeth

Nothing else: `draw` is a function of these numbers and of the pixels outside the hull.

Channels of the context (`CHANNELS`): 0 to 2 the picture outside the hull, -1..1; 3 the hull, 0..1;
4 to 6 lines of the landmarks (jaw and nose | brows and eyes | lips), -1..1; 7 to 9 the means, blown up,
times the hull; 10 a soft dot on each iris, -1..1; 11 to 13 the interiors' colours over their outlines,
0 elsewhere; 14 and 15 the detail as soft discs, 0 and more; 16 the glimpses, -1..1, 0 elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from epdcli.model import Mask, Pixels, Points

Floats = NDArray[np.float32]

CHANNELS = 17
SURROUNDINGS = slice(0, 3)
LOW = slice(7, 10)  # the blown-up means, which the generator adds its answer to
EXPRESSIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")

_MEASURED_AT = 128  # pixels: the scale at which interiors, irises and detail are read
_BLOCKS = 8
_SHIFT = 4  # OpenCV draws with 1/16 pixel
_CROP_CORNER = np.array((29.0, 45.0), np.float32)  # of the expression crop in the 128 px frame
_CROP_SIDE = 70.0
_NETWORK_SIDE = 112
_AROUND = np.linspace(0, 2 * np.pi, 32, endpoint=False)
# In units of the frame; a tenth larger than what `coverage.inner_face` asks to be covered.
_INNER_FACE = np.stack([0.5 + 0.245 * np.cos(_AROUND), 0.5625 + 0.300 * np.sin(_AROUND)], 1).astype(
    np.float32
)
_JAW = slice(0, 17)
_BROWS = slice(17, 27)
_OPEN_LINES = (
    (4, slice(0, 17)),
    (4, slice(27, 31)),
    (4, slice(31, 36)),
    (5, slice(17, 22)),
    (5, slice(22, 27)),
)
_CLOSED_LINES = ((5, slice(36, 42)), (5, slice(42, 48)), (6, slice(48, 60)), (6, slice(60, 68)))
_EYES = (slice(36, 42), slice(42, 48))
_GLIMPSES = ((slice(36, 42), 5, 3), (slice(42, 48), 5, 3), (slice(48, 60), 8, 4))  # points, across, down


@dataclass(frozen=True, eq=False)
class Crossing:
    """The numbers that cross, as the module's docstring lists them.

    `landmarks` (68, 2) in the aligned frame; `expression` (7,) probabilities; `means` (8, 8, 3) in 0..255;
    `irises` (2, 2) in the aligned frame; `interiors` (4, 3) in 0..255; `detail` (16, 2), 0..1;
    `glimpses` (62,) in 0..255: both eyes' rows, then the mouth's.
    """

    size: int
    landmarks: Points
    expression: Floats
    means: Floats
    irises: Points
    interiors: Floats
    detail: Floats
    glimpses: Floats


@dataclass(frozen=True, eq=False)
class Structure:
    """What the generator is given of a face: `context` (17, S, S), `expression` (7,), and what pasting needs:
    `hull` (S, S) in 0..1 and `landmarks` (68, 2) in the aligned frame. All float32.
    """

    context: Floats
    expression: Floats
    hull: Mask
    landmarks: Points


def structure_of(pixels: Pixels, landmarks: Points, expression: Floats, blur: float = 0.0) -> Structure:
    """The structure of an aligned face (S x S x 3, uint8, RGB; S a multiple of 8).

    `landmarks` are the 68 points in the aligned frame (`landmarks_from_network`), `expression` the seven
    probabilities of the expression network in the order of `EXPRESSIONS`; `blur` as in `softened`.
    """
    return draw(softened(what_crosses(pixels, landmarks, expression), blur), pixels)


def what_crosses(pixels: Pixels, landmarks: Points, expression: Floats) -> Crossing:
    """Measure the inner face: every number that may leave it, and no other.

    Block means are exact integer sums divided once, so equal numbers are equal to the last bit.
    """
    size = pixels.shape[0]
    points = np.asarray(landmarks, np.float32)
    scale = _MEASURED_AT / size
    seen, at = _resized(pixels, _MEASURED_AT), points * np.float32(scale)
    light = seen.astype(np.int32).sum(axis=2).astype(np.float32) / 3
    side = size // _BLOCKS
    blocks = pixels.reshape(_BLOCKS, side, _BLOCKS, side, 3).astype(np.int64).sum(axis=(1, 3)) / side**2
    return Crossing(
        size=size,
        landmarks=points,
        expression=np.asarray(expression, np.float32),
        means=blocks.astype(np.float32),
        irises=np.stack([_iris(light, at[eye]) for eye in _EYES]) / np.float32(scale),
        interiors=np.stack([_mean_colour(seen, outline) for outline in _interior_outlines(at)]),
        detail=_detail(light, at),
        glimpses=_glimpses(light, at),
    )


def softened(crossing: Crossing, blur: float) -> Crossing:
    """The same in softer light, so that even less crosses: the means blurred over the hull by a Gaussian of
    `blur` blocks (standard deviation, at most 8). Of small and dim faces they show nearly everything.
    """
    if blur == 0:
        return crossing
    hull = hull_of(crossing.landmarks, crossing.size)
    weights = cv2.resize(hull, (_BLOCKS, _BLOCKS), interpolation=cv2.INTER_AREA)[..., None]
    both = np.concatenate([crossing.means * weights, weights], axis=2)
    blurred = cv2.GaussianBlur(both, (0, 0), min(blur, _BLOCKS), borderType=cv2.BORDER_CONSTANT)
    means = blurred[..., :3] / np.maximum(blurred[..., 3:], 1e-6)
    return replace(crossing, means=means.astype(np.float32))


def draw(crossing: Crossing, pixels: Pixels) -> Structure:
    """Paint the numbers around the picture, whose pixels inside the hull are blanked before anything else.

    Of `pixels` (S x S x 3, uint8) only those outside the hull reach the result.
    """
    size, points = crossing.size, crossing.landmarks
    hull = hull_of(points, size)
    context = np.zeros((CHANNELS, size, size), np.float32)
    outside = pixels * (hull < 1)[..., None]  # blanked, so that not even the sign of a zero crosses
    context[SURROUNDINGS] = ((outside / np.float32(127.5) - 1) * (1 - hull)[..., None]).transpose(2, 0, 1)
    context[3] = hull
    context[4:7] = _lines(points, size)
    low = cv2.resize(crossing.means, (size, size), interpolation=cv2.INTER_LINEAR) / 127.5 - 1
    context[LOW] = (low * hull[..., None]).transpose(2, 0, 1)
    across, down = _bells(crossing.irises, 0.018 * size, size)
    context[10] = 2 * np.clip(down.T @ across, 0, 1) - 1
    for outline, colour in zip(_interior_outlines(points), crossing.interiors, strict=True):
        inside = _filled(outline, size)
        context[11:14] = context[11:14] * (1 - inside) + (colour / 127.5 - 1)[:, None, None] * inside
    across, down = _bells(_detail_places(points, size), 0.03 * size, size)
    for channel, strengths in zip((14, 15), crossing.detail.T, strict=True):
        context[channel] = (down * strengths[:, None]).T @ across
    context[16] = _drawn_glimpses(crossing.glimpses, points, size)
    return Structure(context, crossing.expression, hull, points)


def hull_of(landmarks: Points, size: int) -> Mask:
    """The part of the frame that is replaced, (S, S) in 0..1: the convex hull of the jaw (0 to 16) and of the
    brows raised by .35 of the brow-to-chin distance, its corners scaled by 1.06 about their mean, and of the
    inner face as the five points place it: where the landmark network lost a turned or hidden face, the old
    one is covered all the same.
    """
    points = np.asarray(landmarks, np.float32)
    brows = points[_BROWS]
    raised = brows + np.float32(0.35) * (brows.mean(axis=0) - points[8])
    corners = cv2.convexHull(np.concatenate([points[_JAW], raised]))[:, 0]
    centre = corners.mean(axis=0)
    whole_face = (corners - centre) * np.float32(1.06) + centre
    outline = np.concatenate([whole_face, _INNER_FACE * np.float32(size)])
    hull = np.asarray(cv2.convexHull(outline)[:, 0], np.float32)
    canvas = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(canvas, _subpixels(hull), 255, cv2.LINE_AA, _SHIFT)
    return np.asarray(canvas / np.float32(255), np.float32)


def feather(hull: Mask) -> Mask:
    """The mask to paste with: clamp(2 x (box mean of the hull - .5), 0, 1), box of 9 px at 128, (S, S).

    It is 1 inside, fades to 0 on the hull's border and is 0 outside.
    """
    side = 2 * (4 * hull.shape[0] // 128) + 1
    return np.asarray(np.clip(2 * (cv2.blur(hull, (side, side)) - 0.5), 0, 1), np.float32)


def expression_crop(pixels: Pixels) -> Floats:
    """What the landmark and expression networks take of an aligned face: (3, 112, 112), RGB, 0..255.

    The square with centre (128, 160) and side 140 of the 256 px frame.
    """
    left, top, side = crop_square(pixels.shape[0])
    crop = cv2.resize(pixels[top : top + side, left : left + side], (_NETWORK_SIDE, _NETWORK_SIDE))
    return np.ascontiguousarray(crop.transpose(2, 0, 1), np.float32)


def crop_square(size: int) -> tuple[int, int, int]:
    """Left, top and side, in pixels, of the square that `expression_crop` takes from a frame of `size`."""
    left, top = (_CROP_CORNER * size / 128).astype(int)
    return int(left), int(top), round(_CROP_SIDE * size / 128)


def landmarks_from_network(output: Floats, size: int) -> Points:
    """The landmark network's answer (136 values, 0..1 of its crop) as 68 points in the aligned frame.

    Rounded to a quarter of a pixel at 128 pixels, far below the network's error: the drawn lines have steps,
    and runtimes that differ in the seventh digit would fall on either side of them in one face of forty.
    """
    points = np.asarray(output, np.float32).reshape(68, 2) * _CROP_SIDE + _CROP_CORNER
    return (np.round(points * 4) / 4 * (size / 128)).astype(np.float32)


def _resized(pixels: Pixels, side: int) -> Pixels:
    if pixels.shape[0] == side:
        return pixels
    return cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)


def _subpixels(points: Points) -> NDArray[np.int32]:
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def _filled(outline: Points, size: int) -> Mask:
    canvas = np.zeros((size, size), np.uint8)
    cv2.fillPoly(canvas, [_subpixels(outline)], 255, cv2.LINE_AA, _SHIFT)
    return np.asarray(canvas / np.float32(255), np.float32)


def _lines(points: Points, size: int) -> Floats:
    canvas = np.zeros((3, size, size), np.uint8)
    for closed, lines in ((False, _OPEN_LINES), (True, _CLOSED_LINES)):
        for channel, part in lines:
            cv2.polylines(
                canvas[channel - 4], [_subpixels(points[part])], closed, 255, size // 128, cv2.LINE_AA, _SHIFT
            )
    return np.asarray(canvas / 127.5 - 1, np.float32)


def _bells(centres: Points, sigma: float, size: int) -> tuple[Floats, Floats]:
    """Gaussian curves across and down (n, size) whose outer products are round spots of height 1."""
    grid = np.arange(size, dtype=np.float32)
    across, down = (np.exp(-((grid - centres[:, [k]]) ** 2) / np.float32(2 * sigma**2)) for k in (0, 1))
    return across.astype(np.float32), down.astype(np.float32)


def _iris(light: Floats, outline: Points) -> Points:
    """The centre of what is darker than the eye's mean, weighted by the square of the difference."""
    rows, columns = np.nonzero(_filled(outline, light.shape[0]) > 0)
    if len(rows) == 0:
        return outline.mean(axis=0).astype(np.float32)
    seen = light[rows, columns]
    weights = np.clip(seen.mean() - seen, 0, None) ** 2 + 1e-3
    return np.array((columns @ weights, rows @ weights), np.float32) / np.float32(weights.sum())


def _interior_outlines(points: Points) -> tuple[Points, ...]:
    """Both eyes, and the mouth inside the lips cut in two along its middle."""
    middle = (points[[61, 62, 63]] + points[[67, 66, 65]]) / 2
    upper = np.concatenate([points[60:65], middle[::-1]])
    lower = np.concatenate([points[64:68], points[60:61], middle])
    return points[_EYES[0]], points[_EYES[1]], upper, lower


def _mean_colour(pixels: Pixels, outline: Points) -> Floats:
    inside = _filled(outline, pixels.shape[0]) > 0
    return pixels[inside].mean(axis=0).astype(np.float32) if inside.any() else np.zeros(3, np.float32)


def _detail_places(points: Points, size: int) -> Points:
    """Where fine edges are measured: eyes, mouth, between the brows, bridge of the nose, forehead, under the
    eyes, outer corners, smile folds, cheeks, upper lip, chin."""
    step = np.float32(size)
    eyes = [points[eye].mean(axis=0) for eye in _EYES]
    glabella = points[[21, 22]].mean(axis=0)
    places = [
        *eyes,
        points[60:68].mean(axis=0),
        glabella,
        points[[27, 28]].mean(axis=0),
        glabella - (0, 0.09 * step),
        eyes[0] + (0, 0.065 * step),
        eyes[1] + (0, 0.065 * step),
        points[36] - (0.05 * step, 0),
        points[45] + (0.05 * step, 0),
        points[[31, 48]].mean(axis=0) + (-0.03 * step, 0),  # noqa: RUF005 -- arrays, added
        points[[35, 54]].mean(axis=0) + (0.03 * step, 0),  # noqa: RUF005
        points[[4, 48]].mean(axis=0),
        points[[12, 54]].mean(axis=0),
        points[[33, 51]].mean(axis=0),
        points[[8, 57]].mean(axis=0),
    ]
    return np.array(places, np.float32)


def _detail(light: Floats, points: Points) -> Floats:
    """Strength of upright and level edges in a square at each place, 0..1 (1: 32 grey levels a pixel)."""
    size = light.shape[0]
    across = np.abs(np.diff(light, axis=1, append=light[:, -1:]))
    down = np.abs(np.diff(light, axis=0, append=light[-1:]))
    reach = round(0.035 * size)
    strengths = np.zeros((16, 2), np.float32)
    for n, (x, y) in enumerate(np.round(_detail_places(points, size)).astype(int)):
        square = np.s_[max(0, y - reach) : max(0, y + reach + 1), max(0, x - reach) : max(0, x + reach + 1)]
        if across[square].size:
            strengths[n] = across[square].mean(), down[square].mean()
    return np.clip(strengths / 32, 0, 1)


def _glimpse_boxes(points: Points) -> list[tuple[int, int, int, int]]:
    """Left, top, right, bottom around each eye and the mouth, whole pixels of the 128 px frame: a sixth wider
    than the outline, and at least half (eyes) or a third (mouth) as high as wide."""
    boxes = []
    for part, across, down in _GLIMPSES:
        low, high = points[part].min(axis=0), points[part].max(axis=0)
        half = (high - low) / 2 * np.float32(7 / 6)
        half[1] = max(half[1], half[0] * (0.5 if across == 5 else 0.34))
        centre = (low + high) / 2
        left, top = (int(v) for v in np.round(centre - half))
        right, bottom = (int(v) for v in np.round(centre + half))
        boxes.append((left, top, max(right, left + across), max(bottom, top + down)))
    return boxes


def _glimpses(light: Floats, points: Points) -> Floats:
    """The means of the boxes' cells; what lies outside the frame repeats its border."""
    size = light.shape[0]
    grids = []
    for (left, top, right, bottom), (_, across, down) in zip(_glimpse_boxes(points), _GLIMPSES, strict=True):
        rows, columns = (np.clip(np.arange(*ends), 0, size - 1) for ends in ((top, bottom), (left, right)))
        seen = np.ascontiguousarray(light[np.ix_(rows, columns)])
        grids.append(cv2.resize(seen, (across, down), interpolation=cv2.INTER_AREA).ravel())
    return np.concatenate(grids).astype(np.float32)


def _drawn_glimpses(glimpses: Floats, points: Points, size: int) -> Floats:
    canvas = np.zeros((size, size), np.float32)
    scale, start = size // _MEASURED_AT, 0
    boxes = _glimpse_boxes(points * np.float32(_MEASURED_AT / size))
    for box, (_, across, down) in zip(boxes, _GLIMPSES, strict=True):
        left, top, right, bottom = (edge * scale for edge in box)
        grid = glimpses[start : start + across * down].reshape(down, across) / np.float32(127.5) - 1
        start += across * down
        blown = cv2.resize(grid, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
        seen = np.s_[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
        there = canvas[seen]
        canvas[seen] = blown[max(0, -top) :, max(0, -left) :][: there.shape[0], : there.shape[1]]
    return canvas
