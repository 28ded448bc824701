"""Draws the styles of the people of the shipped bank, in two steps. Needs scikit-learn and openvino.

    python weights/people/styles.py first RANDOM_FACE first.npz      # 902 styles as the network draws them
    python weights/people/styles.py second RANDOM_FACE first.npz FIRST_FACES labels.csv second.npz

RANDOM_FACE is the unpacked wheel of PyPI random-face 2021.7.21.1. Drawn at random, faces are mostly young,
light and from the front, and a third have hair or a hat over the forehead. Age, sex, skin tone, turn of the
head, mouth and smile are nearly linear in the style (of their variance 0.75, 0.67, 0.83, 0.90, 0.65 and 0.56
on faces left out), and so are glasses, beards, fringes and hats. So the second step asks for people who fill
the bank evenly: of 120,000 draws it takes the nearest to each wish, and moves it by the shortest step that
meets the wish better.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

Floats = NDArray[np.float64]

app = typer.Typer(no_args_is_help=True)

_BATCH = 512
_MEASURED = ("age", "male", "lightness", "yaw", "mouth", "happy")
_SPREAD = np.array([8, 0.35, 18, 0.05, 0.05, 0.4])  # differences from a wish that count alike
_AGES = (((1, 4), 0.07), ((3, 8), 0.08), ((8, 13), 0.07), ((13, 25), 0.17))
_AGES += (((25, 40), 0.22), ((40, 55), 0.19), ((55, 78), 0.20))
# Unwanted: how far a style has to stay on the other side of the border, and how much it weighs.
_UNWANTED = {
    "hat": (1.5, 1.0),
    "fringe": (0.6, 1.0),
    "front": (2, 0.6),
    "artefact": (1, 0.5),
    "sunglasses": (3, 1.0),
}
_MOVED = ("hat", "fringe")
_LONGEST = 7.0  # a style is about 8 from the mean


@dataclass(frozen=True, eq=False)
class Directions:
    """Linear readings of a style less the mean: `weights` (k, 512) and `offsets` (k,)."""

    weights: Floats
    offsets: Floats

    def read(self, styles: Floats) -> Floats:
        return styles @ self.weights.T + self.offsets


@app.command()
def first(random_face: Path, out: Path, count: int = 902) -> None:
    """Draw COUNT styles, each pulled towards the mean by a random factor (0.7 to 1)."""
    generator = np.random.default_rng(7)
    mapping = _mapping(random_face)
    mean = np.concatenate([mapping(generator) for _ in range(40)]).mean(axis=0)
    drawn = np.concatenate([mapping(generator) for _ in range(8)])[:4000]
    factors = generator.uniform(0.7, 1, (4000, 1))
    np.savez(out, mean=mean, styles=(mean + (drawn - mean) * factors).astype(np.float32)[:count])


@app.command()
def second(
    random_face: Path, first_styles: Path, first_faces: Path, labels: Path, out: Path, count: int = 2600
) -> None:
    """Draw COUNT styles that fill the bank evenly; FIRST_FACES is what `render.py` made of the first ones."""
    with np.load(first_styles) as stored:
        mean, styles = stored["mean"].astype(np.float64), stored["styles"].astype(np.float64)
    traits = _traits(styles - mean, _measured(first_faces))
    named = {int(row["number"]): set(row["flags"].split()) for row in csv.DictReader(labels.open())}
    wanted = _borders(styles - mean, named, ("glasses", "beard"))
    unwanted = _borders(styles - mean, named, tuple(_UNWANTED))
    generator = np.random.default_rng(11)
    mapping = _mapping(random_face)
    drawn = np.concatenate([mapping(generator) for _ in range(235)])[:120_000] - mean
    drawn = (drawn * generator.uniform(0.6, 0.95, (len(drawn), 1))).astype(np.float64)
    made = [mean + style for style in _fulfilled(drawn, traits, wanted, unwanted, count, generator)]
    np.savez(out, mean=mean, styles=np.array(made, np.float32))


def _measured(faces: Path) -> dict[int, dict[str, float]]:
    """What the product measures of each number's picture that shows one face."""
    from heads import aligned

    from epdcli.runtimes import Engine, choose_backend
    from epdcli.synthetic.structure import Instruments, mouth_of

    found = {}
    with Engine(choose_backend("auto", "cpu")) as engine:
        instruments = Instruments(engine)
        for number, face in aligned(faces, engine):
            (seen,) = instruments.measure([face])
            left, right = seen.landmarks[36], seen.landmarks[45]
            along = right - left
            found[number] = {
                "age": seen.age,
                "male": seen.male,
                "lightness": float(seen.skin[0]),
                # Where the tip of the nose lies between the eyes: it moves with the head.
                "yaw": float((seen.landmarks[30] - (left + right) / 2) @ along / (along @ along)),
                "mouth": mouth_of(seen.landmarks),
                "happy": float(seen.expression[1]),
            }
    return found


def _traits(styles: Floats, measured: dict[int, dict[str, float]]) -> Directions:
    """Ridge regression of what was measured of each number's face on its style."""
    from sklearn.linear_model import RidgeCV

    numbers = sorted(measured)
    fits = [
        RidgeCV(np.logspace(0, 4, 9)).fit(styles[numbers], [measured[number][name] for number in numbers])
        for name in _MEASURED
    ]
    return Directions(np.stack([fit.coef_ for fit in fits]), np.array([fit.intercept_ for fit in fits]))


def _borders(styles: Floats, named: dict[int, set[str]], flags: tuple[str, ...]) -> Directions:
    """Logistic regression of labels on styles: log odds."""
    from sklearn.linear_model import LogisticRegression

    numbers = sorted(named)
    spread = styles.std()
    fits = [
        LogisticRegression(C=0.01, max_iter=1000, class_weight="balanced").fit(
            styles[numbers] / spread, [flag in named[number] for number in numbers]
        )
        for flag in flags
    ]
    weights = np.stack([fit.coef_[0] / spread for fit in fits])
    return Directions(weights, np.array([fit.intercept_[0] for fit in fits]))


def _fulfilled(
    drawn: Floats,
    traits: Directions,
    wanted: Directions,
    unwanted: Directions,
    count: int,
    generator: np.random.Generator,
) -> list[Floats]:
    """For each of COUNT wishes the nearest of the styles that is left, moved to meet it better."""
    read, odds = traits.read(drawn), wanted.read(drawn)
    margins, costs = np.array(list(_UNWANTED.values())).T
    crossed = np.maximum(0, unwanted.read(drawn) + margins)
    bad = crossed @ costs
    taken = np.zeros(len(drawn))
    made = []
    for _ in range(count):
        wish, sides = _wish(generator)
        short = np.where(sides > 0, np.minimum(odds, sides), np.maximum(odds, sides)) - sides
        distance = (
            (((read - wish) / _SPREAD) ** 2).sum(axis=1) + 0.25 * (short**2).sum(axis=1) + 3 * bad + taken
        )
        number = int(distance.argmin())
        taken[number] = 1e3
        moved = [list(_UNWANTED).index(flag) for flag in _MOVED]
        directions = np.vstack([traits.weights, wanted.weights, unwanted.weights[moved]])
        steps = np.concatenate(
            [0.8 * (wish - read[number]), -0.7 * short[number], -0.7 * crossed[number, moved]]
        )
        made.append(drawn[number] + _shortest(directions, steps))
    return made


def _wish(generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Somebody to look for: values of `_MEASURED`, and log odds of glasses and a beard to reach."""
    shares = np.cumsum([share for _, share in _AGES[:-1]])
    (youngest, oldest), _ = _AGES[int(np.searchsorted(shares, generator.random()))]
    age = generator.uniform(youngest, oldest)
    male = float(generator.random() < 0.5) if age > 12 else generator.uniform(0.2, 0.8)
    lightness = generator.uniform(75, 195)
    yaw = generator.uniform(-0.02, 0.24) if generator.random() < 0.7 else generator.uniform(-0.05, 0.08)
    wish = np.array(
        [age, male, lightness, yaw, abs(generator.normal(0, 0.14)), float(generator.random() < 0.45)]
    )
    glasses = 2.2 if age > 13 and generator.random() < 0.2 else -2.5
    beard = 1.8 if age > 22 and male and generator.random() < 0.22 else -2.0
    return wish, np.array([glasses, beard])


def _shortest(directions: Floats, steps: Floats) -> Floats:
    """The shortest move (512,) by which each reading changes as asked, at most `_LONGEST`."""
    products = directions @ directions.T
    damped = products + 1e-6 * np.trace(products) / len(products) * np.eye(len(products))
    move = directions.T @ np.linalg.solve(damped, steps)
    return np.asarray(move * min(1.0, _LONGEST / max(1e-9, float(np.linalg.norm(move)))))


def _mapping(random_face: Path):  # type: ignore[no-untyped-def]
    """Draws 512 styles (512, 512) with a generator."""
    import openvino

    core = openvino.Core()
    model = core.read_model(random_face / "random_face" / "data" / "MappingNetwork.xml")
    model.reshape({"var": [_BATCH, 512]})
    compiled = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda generator: compiled([generator.normal(size=(_BATCH, 512)).astype(np.float32)])[0].copy()


if __name__ == "__main__":
    app()
