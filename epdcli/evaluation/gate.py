"""Requirements on an evaluation, `tpr@1e-3<=0.01`: what a publisher of pictures puts into CI."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from epdcli.errors import UsageError
from epdcli.evaluation.deidentified import CONTROL
from epdcli.evaluation.figures import ALL, Figure

_FORM = re.compile(r"(?:(?P<set>[^:<>=]+):)?(?P<measure>[^<>=]+?)\s*(?P<op><=|>=|<|>)\s*(?P<bound>[^<>=]+)")
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


@dataclass(frozen=True)
class Requirement:
    """`[SET:][ATTACK.]MEASURE OP NUMBER`, for example `tpr@1e-3<=0.01` or `generate:emotion>=.9`.

    It holds for every set (but the control), every attack and every judge that it doesn't exclude.
    """

    text: str
    set: str | None
    attack: str | None
    measure: str
    symbol: str
    bound: float

    def picks(self, figure: Figure) -> bool:
        """Whether a figure is one that the requirement speaks of."""
        return (
            figure.set == (self.set or figure.set)
            and figure.set != CONTROL
            and figure.part == ALL
            and figure.attack == (self.attack or figure.attack)
            and _plain(figure.measure) == _plain(self.measure)
        )

    def holds(self, figure: Figure) -> bool:
        """Whether the figure is there and within the bound."""
        return figure.value is not None and _OPERATORS[self.symbol](figure.value, self.bound)


@dataclass(frozen=True)
class Failure:
    """A requirement that isn't met, and why in a sentence."""

    requirement: str
    reason: str


def parse_requirement(text: str, attacks: Sequence[str]) -> Requirement:
    """Read one requirement; `attacks` are the names that may stand before the dot. Raises UsageError."""
    match = _FORM.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError("it has no comparison")
        bound = float(match["bound"])
    except ValueError as error:
        raise UsageError(
            f"--require {text!r} can't be understood: {error}.",
            hint='For example: --require "tpr@1e-3<=0.01" --require "emotion>=0.9"',
        ) from error
    attack, dot, rest = match["measure"].strip().partition(".")
    named = bool(dot) and attack in attacks
    measure = rest if named else match["measure"].strip()
    return Requirement(text, match["set"], attack if named else None, measure, match["op"], bound)


def check(
    requirements: Sequence[Requirement], figures: Sequence[Figure], headline: Sequence[str]
) -> list[Failure]:
    """The requirements that some figure breaks, or that no figure can show to be met.

    Of figures by judges that the product uses itself those count that nobody else gives: `headline` names
    the recognisers to go by; of other judges the unmarked ones go first.
    """
    return [failure for wanted in requirements for failure in _failures(wanted, figures, headline)]


def _failures(wanted: Requirement, figures: Sequence[Figure], headline: Sequence[str]) -> list[Failure]:
    picked = [figure for figure in figures if wanted.picks(figure)]
    own = [figure for figure in picked if figure.judge in headline or not figure.role]
    judged = own or picked
    if not judged:
        known = ", ".join(sorted({figure.measure for figure in figures}))
        return [Failure(wanted.text, f"no such figure was measured; there are {known}")]
    return [Failure(wanted.text, _reason(figure)) for figure in judged if not wanted.holds(figure)]


def _reason(figure: Figure) -> str:
    where = ", ".join(filter(None, (figure.set, figure.attack, figure.judge)))
    found = "no value" if figure.value is None else f"{figure.value:.4g}"
    return f"{where}: {figure.measure} is {found}{f' ({figure.note})' if figure.value is None else ''}"


def _plain(measure: str) -> str:
    return measure.casefold().replace(" ", "").replace("-", "").replace("_", "")
