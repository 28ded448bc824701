"""How well scores tell the same person from strangers: AUC, TPR at FMR, EER, ranks; and what chance gives.

Convention: a score is higher for more alike. `genuine` and `impostors` are scores of pairs of the same person
and of different people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epdcli.evaluation.intervals import RULE_OF_THREE

Scores = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Scores of probes against a gallery: `scores` (p, g), and which pairs count as `genuine` and as
    `impostor` (p, g); `people` (p,) are the probes' people."""

    scores: Scores
    genuine: Flags
    impostor: Flags
    people: NDArray[np.integer]

    @property
    def genuine_scores(self) -> Scores:
        return self.scores[self.genuine]

    @property
    def impostor_scores(self) -> Scores:
        return self.scores[self.impostor]

    @property
    def genuine_people(self) -> NDArray[np.integer]:
        """Whose each genuine score is, in the order of `genuine_scores`."""
        return np.repeat(self.people, self.genuine.sum(axis=1))


def similarity(probes: Scores, gallery: Scores, metric: str) -> Scores:
    """Scores (p, g) of embeddings (p, d) and (g, d): their cosine, or the negative Euclidean distance."""
    from sklearn.metrics.pairwise import cosine_similarity, euclidean_distances

    if metric == "euclidean":
        return -np.asarray(euclidean_distances(probes, gallery), np.float32)
    return np.asarray(cosine_similarity(probes, gallery), np.float32)


def paired_similarity(probes: Scores, others: Scores, metric: str) -> Scores:
    """Scores (n,) of each probe (n, d) with the other embedding (n, d) of its row."""
    from sklearn.metrics.pairwise import paired_cosine_distances, paired_euclidean_distances

    if metric == "euclidean":
        return -np.asarray(paired_euclidean_distances(probes, others), np.float32)
    return 1 - np.asarray(paired_cosine_distances(probes, others), np.float32)


def area_under_curve(genuine: Scores, impostors: Scores) -> float:
    """The chance that a genuine pair scores higher than an impostor pair; 0.5 is guessing."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(*_labelled(genuine, impostors)))


def curve(genuine: Scores, impostors: Scores) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ROC curve: false match rates and true positive rates (n,), from 0 to 1."""
    from sklearn.metrics import roc_curve

    false_matches, true_matches, _ = roc_curve(*_labelled(genuine, impostors))
    return false_matches, true_matches


def equal_error_rate(genuine: Scores, impostors: Scores) -> float:
    """Where as many strangers pass as true people fail; 0.5 is guessing."""
    false_matches, true_matches = curve(genuine, impostors)
    return float(np.interp(0, false_matches + true_matches - 1, false_matches))


def threshold_at(impostors: Scores, rate: float) -> float:
    """The score above which at most `rate` of the impostor pairs lie."""
    return float(np.quantile(impostors, 1 - rate, method="higher"))


def supports(pairs: int, rate: float) -> bool:
    """Whether so many impostor pairs can show a false match rate this small (rule of three)."""
    return pairs * rate >= RULE_OF_THREE


def placements(genuine: Scores, impostors: Scores) -> NDArray[np.float64]:
    """For each genuine score the share of impostors below it, ties half: their mean is the AUC (n,)."""
    ordered = np.sort(impostors)
    below, through = (np.searchsorted(ordered, genuine, side=side) for side in ("left", "right"))
    return np.asarray((below + through) / (2 * len(ordered)), np.float64)


def ranks(pairs: Pairs, gallery_people: NDArray[np.integer]) -> NDArray[np.float64]:
    """At which place each probe's own person stands, 1 for the first, among the gallery's people; each person
    counts by the best picture. NaN for probes without a genuine pair: (p,)."""
    usable = np.where(pairs.genuine | pairs.impostor, pairs.scores, -np.inf)
    own = np.where(pairs.genuine, pairs.scores, -np.inf).max(axis=1)
    order = np.argsort(gallery_people, kind="stable")
    starts = np.flatnonzero(np.diff(gallery_people[order], prepend=gallery_people.min() - 1))
    best = np.maximum.reduceat(usable[:, order], starts, axis=1)  # (p, people)
    return np.where(np.isfinite(own), 1 + (best > own[:, None]).sum(axis=1), np.nan)


def _labelled(genuine: Scores, impostors: Scores) -> tuple[Flags, Scores]:
    labels = np.concatenate([np.ones(len(genuine), bool), np.zeros(len(impostors), bool)])
    return labels, np.concatenate([genuine, impostors])
