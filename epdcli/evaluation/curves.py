"""ROC curves and score distributions of naive attack and linkability, thinned to what a plot can show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from epdcli.evaluation import scores
from epdcli.evaluation.attacks import LINKABILITY, against_gallery, among_themselves
from epdcli.evaluation.bench import Panel, Subject, bench_of
from epdcli.evaluation.gauges import NAIVE

_POINTS, _BINS = 120, 60


@dataclass(frozen=True)
class Curve:
    """One set under one attack, naive or linkability, by one recogniser.

    `false_matches` and `true_matches` are rates on the ROC curve, the former evenly spaced by their logarithm
    from one impostor pair upwards; `edges` are those of the histograms, which are densities.
    """

    set: str
    attack: str
    judge: str
    false_matches: tuple[float, ...]
    true_matches: tuple[float, ...]
    edges: tuple[float, ...]
    genuine: tuple[float, ...]
    impostors: tuple[float, ...]


def curves(subject: Subject, panel: Panel, seed: int) -> tuple[Curve, ...]:
    """The curves of every set by the first headline recogniser; sets without pairs have none."""
    name = panel.headline[0]
    bench = bench_of(subject, panel, name, seed)
    found = []
    for attack, paired in ((NAIVE, against_gallery), (LINKABILITY, among_themselves)):
        for new in subject.measured:
            pairs = paired(bench, new[f"{NAIVE} {name}"], new.judged)
            if pairs.genuine.any() and pairs.impostor.any():
                rows = _curve(pairs.genuine_scores, pairs.impostor_scores)
                found.append(Curve(new.name, attack, name, *rows))
    return tuple(found)


def _curve(genuine: scores.Scores, impostors: scores.Scores) -> Iterator[tuple[float, ...]]:
    """False matches, true matches, edges, and both densities."""
    false_matches, true_matches = scores.curve(genuine, impostors)
    at = np.geomspace(1 / len(impostors), 1, _POINTS)
    last = np.searchsorted(false_matches, at, side="right") - 1
    both = np.concatenate([genuine, impostors])
    edges = np.histogram_bin_edges(both, _BINS)  # of some width even where all scores are equal
    densities = [np.histogram(part, edges, density=True)[0] for part in (genuine, impostors)]
    rows = (at, true_matches[last], edges, *densities)
    return (tuple(float(f"{v:.6g}") for v in row) for row in rows)
