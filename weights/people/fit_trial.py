"""Does moving a person's style towards a face beat choosing the nearest person? A trial, without training.

    python weights/people/fit_trial.py random_face first.npz first labels.csv PICTURES     # 1 s a face

The bank are the usable ones of the first faces (`render.py`), once as they are drawn and once moved: age,
sex, skin, mouth, turn of the head and expression are read from a style by ridge regression, and the style
makes the likeliest step by which they become the old face's (the posterior mean, for normal styles and
residuals). Beside them stands the shipped bank. Printed are means over the main faces of PICTURES, by the
product's own instruments. Needs openvino and scikit-learn.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import typer
from choose import UNWANTED
from numpy.typing import NDArray
from render import synthesis

from epdcli import pictures
from epdcli.faces.alignment import align, alignment_matrix, warp
from epdcli.faces.detection import CenterFaceDetector
from epdcli.faces.detection_passes import DetectionSettings
from epdcli.methods.generate import Generate, _seen, expression_change
from epdcli.model import Pixels
from epdcli.networks import shipped_bank
from epdcli.runtimes import Engine, choose_backend
from epdcli.synthetic.bank import Bank, read_bank
from epdcli.synthetic.building import Portrait, arrays_of
from epdcli.synthetic.person import fitting_people, person_for
from epdcli.synthetic.structure import SIZE, Instruments, Structure, mirrored_points, mouth_of, nose_of

Floats = NDArray[np.float64]

_LEAST_PX = 60
_RIDGE, _LONGEST = 300.0, 4.0  # a style is about 8 from the mean
_COLUMNS = ("expression", "same expression", "identity, cosine", "age, years", "sex", "skin, L", "mouth")


def main(random_face: Path, styles: Path, faces: Path, labels: Path, folder: Path, count: int = 48) -> None:
    """Print how far faces of three kinds are from COUNT old ones in PICTURES."""
    with np.load(styles) as stored:
        mean, drawn = stored["mean"].astype(np.float64), stored["styles"].astype(np.float64)
    flags = {int(row["number"]): set(row["flags"].split()) for row in csv.DictReader(labels.open())}
    draw = synthesis(random_face)
    generator = np.random.default_rng(3)
    with Engine(choose_backend("auto", "cpu")) as engine:
        instruments = Instruments(engine)
        detector = CenterFaceDetector(engine, DetectionSettings(passes="upright"))
        rendered = {
            int(path.stem): pictures.read(path).frames[0] for path in sorted(faces.glob("[0-9]*.jpg"))
        }
        frame = _frame_of(rendered, detector)
        cut = {number: warp(pixels, frame, SIZE) for number, pixels in rendered.items()}
        measured = dict(zip(cut, instruments.measure(list(cut.values())), strict=True))
        sure = [number for number, structure in measured.items() if structure.presence > 0.9]
        fit = _Fit.of(drawn[sure] - mean, np.stack([_read_off(measured[number]) for number in sure]))
        usable = [number for number in sure if not flags[number] & UNWANTED]
        own = _bank([cut[number] for number in usable], [measured[number] for number in usable])
        shipped, method = read_bank(*shipped_bank()), Generate(engine)
        rows = []
        for face in _faces(folder, detector, generator):
            if len(rows) == count:
                break
            (structure,) = instruments.measure([face.pixels])
            old = _seen(face, structure)
            if old is None:
                continue
            code = generator.normal(size=128).astype(np.float32)
            there = person_for(shipped, fitting_people(shipped, structure, old.light), code)
            here = person_for(own, fitting_people(own, structure, old.light), code)
            number, flipped = usable[here % len(own)], here >= len(own)
            points = structure.landmarks
            towards = replace(structure, landmarks=mirrored_points(points) if flipped else points)
            moved = fit.moved(drawn[number] - mean, _read_off(measured[number]), _read_off(towards))
            new = [shipped.picture(there), cut[number][:, ::-1] if flipped else cut[number]]
            drawn_anew = warp(draw(mean + moved), frame, SIZE)
            new.append(drawn_anew[:, ::-1] if flipped else drawn_anew)
            new = [np.ascontiguousarray(pixels) for pixels in new]
            pasted = []
            for pixels, person in zip(new, instruments.measure(new), strict=True):
                method.__dict__["_bank"] = _bank([pixels], [person])
                made = method._fitted(old, np.zeros(1, np.int64), code)
                blend = cv2.blendLinear(made.pixels, face.pixels, made.mask, 1 - made.mask)
                pasted.append(blend.astype(np.uint8))
            rows.append([_far(structure, found) for found in instruments.measure(pasted)])
    print(f"{len(rows)} faces, {len(own)} people beside the {len(shipped)} shipped ones\n")
    print(f"| | {' | '.join(_COLUMNS)} |\n|---|{'---|' * len(_COLUMNS)}")
    names = ("shipped bank", "first faces", "first faces, moved")
    for name, row in zip(names, np.mean(rows, axis=0), strict=True):
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in row)} |")


@dataclass(frozen=True)
class _Fit:
    """How readings follow from a style: `slopes` (k, 512), `left` (k,) variance, `spread` (512, 512)."""

    slopes: Floats
    left: Floats
    spread: Floats

    @classmethod
    def of(cls, styles: Floats, readings: Floats) -> _Fit:
        from sklearn.linear_model import Ridge

        ridge = Ridge(_RIDGE).fit(styles, readings)
        spread = np.cov(styles.T)
        spread += 1e-3 * np.trace(spread) / len(spread) * np.eye(len(spread))
        return cls(ridge.coef_, (readings - ridge.predict(styles)).var(axis=0), spread)

    def moved(self, style: Floats, own: Floats, wanted: Floats) -> Floats:
        """The style (512,) after the likeliest step from its own readings to the wanted ones."""
        across = self.spread @ self.slopes.T
        step = across @ np.linalg.solve(self.slopes @ across + np.diag(self.left), wanted - own)
        return style + step * min(1.0, _LONGEST / max(1e-9, float(np.linalg.norm(step))))


def _bank(faces: Sequence[Pixels], structures: Sequence[Structure]) -> Bank:
    people = [Portrait("", pixels=face, structure=one) for face, one in zip(faces, structures, strict=True)]
    return Bank(arrays_of(people), {}, "")


def _read_off(face: Structure) -> Floats:
    expression = np.log(face.expression + 0.05) * (1, 1, 1, 0.3, 0.3, 0.3, 0.3)
    numbers = [mouth_of(face.landmarks), face.age, face.male, face.tone, face.glasses, face.beard]
    return np.concatenate([nose_of(face.landmarks), numbers, face.skin, expression])


def _far(old: Structure, new: Structure) -> list[float]:
    change = expression_change(old.expression, new.expression)
    return [
        change % 1,
        float(change < 1),
        float(old.identity @ new.identity),
        abs(old.age - new.age),
        abs(old.male - new.male),
        abs(float(old.skin[0] - new.skin[0])),
        abs(mouth_of(old.landmarks) - mouth_of(new.landmarks)),
    ]


def _frame_of(rendered: dict[int, Pixels], detector: CenterFaceDetector) -> Floats:
    """From the rendered pictures to the aligned frame: the network puts all faces at one place."""
    found = [
        [face for face in detector.detect(pixels) if face.box.height > 100] for pixels in rendered.values()
    ]
    matrix = np.median([alignment_matrix(faces[0], SIZE) for faces in found if len(faces) == 1], axis=0)
    scale = (matrix[0, 0] + matrix[1, 1]) / 2
    return np.array([[scale, 0, matrix[0, 2]], [0, scale, matrix[1, 2]]])


def _faces(folder: Path, detector: CenterFaceDetector, generator: np.random.Generator):  # type: ignore[no-untyped-def]
    paths = sorted(folder.rglob("*.jpg"))
    generator.shuffle(paths)
    for path in paths:
        pixels = pictures.read(path).frames[0]
        found = [face for face in detector.detect(pixels) if face.box.height >= _LEAST_PX]
        if found:
            yield align(pixels, max(found, key=lambda face: face.box.height), SIZE)


if __name__ == "__main__":
    typer.run(main)
