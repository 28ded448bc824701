"""Attacks without training: recognise a probe in a clear gallery, link two probes, meet a look-alike.

Every attack returns figures with intervals; thresholds come from the attack's own impostor pairs (the
attacker has the tool and can calibrate) and, apart, from clear pictures (he hasn't).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from epdcli.evaluation import scores
from epdcli.evaluation.figures import ALL, FLOOR, Figure, Interval
from epdcli.evaluation.intervals import mean_interval
from epdcli.evaluation.scores import Pairs

RATES = {"1e-3": 1e-3, "1e-4": 1e-4}
RANKS = (1, 5)
LINKABILITY, EXISTENCE = "linkability", "existence"
_FEWEST = 10  # of genuine pairs: fewer say nothing

Embeddings = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Bench:
    """What an attack works with, for one recogniser: clear embeddings (n, d) of all portraits, which of them
    are there (n,), whose they are (n,), and how embeddings are compared."""

    judge: str
    role: str
    metric: str
    clear: Embeddings
    present: NDArray[np.bool_]
    people: NDArray[np.integer]
    seed: int = 0

    @cached_property
    def clear_impostors(self) -> scores.Scores:
        """Scores of all pairs of clear pictures of different people, each pair once."""
        shown = np.flatnonzero(self.present)
        people = self.people[shown]
        compared = scores.similarity(self.clear[shown], self.clear[shown], self.metric)
        return compared[np.triu(people[:, None] != people[None], 1)]

    def figure(self, attack: str, measure: str, interval: Interval, note: str = "") -> Figure:
        return Figure("", ALL, attack, measure, self.judge, self.role, *interval, note)


def against_gallery(
    bench: Bench, probes: Embeddings, chosen: NDArray[np.bool_], gallery: Embeddings | None = None
) -> Pairs:
    """Pairs of the chosen probes (n, d; one a portrait) with every other person's and the person's *other*
    pictures of the gallery (the clear one by default). Where nobody has another picture, the own original
    is the genuine pair."""
    numbers, shown = np.flatnonzero(chosen), np.flatnonzero(bench.present)
    shown_embeddings = (bench.clear if gallery is None else gallery)[shown]
    same = bench.people[numbers][:, None] == bench.people[shown][None]
    itself = numbers[:, None] == shown[None]
    several = same & ~itself
    genuine = several if several.any() else same
    compared = scores.similarity(probes[numbers], shown_embeddings, bench.metric)
    return Pairs(compared, genuine, ~same, bench.people[numbers])


def recognise(bench: Bench, attack: str, probes: Embeddings, chosen: NDArray[np.bool_]) -> Iterator[Figure]:
    """Naive or oracle: AUC, TPR at each FMR, EER, ranks with chance level, and matches of the own original.

    `probes` (n, d) hold an embedding for each portrait, `chosen` (n,) says which count.
    """
    pairs = against_gallery(bench, probes, chosen)
    gallery = bench.people[bench.present]
    yield from verification(bench, attack, pairs, bench.clear_impostors)
    if pairs.genuine.any():
        place = scores.ranks(pairs, gallery)
        people = len(np.unique(gallery))
        for rank in RANKS:
            hits = np.where(np.isnan(place), np.nan, place <= rank)
            found = mean_interval(hits, pairs.people, bench.seed, yes_or_no=True)
            note = f"chance {rank / people:.4f} ({people} people, {len(gallery)} pictures)"
            yield bench.figure(attack, f"rank-{rank}", found, note)
    yield from _own_picture(bench, attack, probes, chosen)


def verification(
    bench: Bench, attack: str, pairs: Pairs, clear_impostors: scores.Scores | None = None
) -> Iterator[Figure]:
    """AUC, EER and TPR at each false match rate of some pairs."""
    genuine, impostors = pairs.genuine_scores, pairs.impostor_scores
    counted = f"{len(genuine)} genuine, {len(impostors)} impostor pairs"
    if len(genuine) < _FEWEST or not len(impostors):
        refused = Interval(None, None, None, len(genuine))
        yield bench.figure(attack, "auc", refused, f"too few pairs: {counted}")
        return
    whose = pairs.genuine_people
    placed = mean_interval(scores.placements(genuine, impostors), whose, bench.seed)
    area = Interval(scores.area_under_curve(genuine, impostors), *placed[1:])
    yield bench.figure(attack, "auc", area, counted)
    rate = scores.equal_error_rate(genuine, impostors)
    yield bench.figure(attack, "eer", Interval(rate, None, None, len(genuine)), counted)
    thresholds = {"tpr": impostors} | ({} if clear_impostors is None else {"tpr_clear": clear_impostors})
    for name, strangers in thresholds.items():
        for label, wanted in RATES.items():
            yield _true_positives(bench, attack, f"{name}@{label}", wanted, strangers, genuine, whose)


def link(bench: Bench, probes: Embeddings, chosen: NDArray[np.bool_]) -> Iterator[Figure]:
    """Two de-identified pictures of one person against two of different people: near 0.5 if unlinkable."""
    yield from verification(bench, LINKABILITY, among_themselves(bench, probes, chosen))


def among_themselves(bench: Bench, probes: Embeddings, chosen: NDArray[np.bool_]) -> Pairs:
    """All pairs of the chosen probes (n, d), each once."""
    numbers = np.flatnonzero(chosen)
    people = bench.people[numbers]
    same = people[:, None] == people[None]
    once = np.triu(np.ones_like(same), 1)
    compared = scores.similarity(probes[numbers], probes[numbers], bench.metric)
    return Pairs(compared, same & once, ~same & once, people)


def resemble(bench: Bench, probes: Embeddings, chosen: NDArray[np.bool_]) -> Iterator[Figure]:
    """Does a new face resemble somebody else of the set? The share whose nearest stranger is closer than one
    in a thousand pairs of clear strangers, beside the share that clear faces themselves reach."""
    strangers = bench.clear_impostors
    if not scores.supports(len(strangers), 1e-3):
        refused = Interval(None, None, None, len(strangers))
        yield bench.figure(EXISTENCE, "look-alike", refused, f"{len(strangers)} clear impostor pairs")
        return
    threshold = scores.threshold_at(strangers, 1e-3)
    clear = _nearest_stranger(bench, bench.clear, bench.present)
    nearest = _nearest_stranger(bench, probes, chosen)
    expected = float((clear > threshold).mean())
    note = f"clear faces: {expected:.3f} (threshold {threshold:.3f}, {bench.present.sum()} pictures)"
    hits = mean_interval(nearest > threshold, bench.people[chosen], bench.seed)
    yield bench.figure(EXISTENCE, "look-alike", hits, note)


def label_floor(bench: Bench, labels: Sequence[tuple[str, ...]]) -> Figure | None:
    """The AUC that strangers with the same labels reach among clear strangers: what keeping age, gender and
    group alone gives away. None where too few pairs share their labels."""
    shown = np.flatnonzero(bench.present)
    table = np.unique(np.array(["\0".join(row) for row in labels]), return_inverse=True)[1][shown]
    people = bench.people[shown]
    strangers = people[:, None] != people[None]
    alike = strangers & (table[:, None] == table[None])
    compared = scores.similarity(bench.clear[shown], bench.clear[shown], bench.metric)
    pairs = Pairs(compared, alike, strangers & ~alike, people)
    found = next(iter(verification(bench, "floor", pairs)))
    return None if found.value is None else replace(found, measure=FLOOR)


def _true_positives(
    bench: Bench,
    attack: str,
    measure: str,
    rate: float,
    strangers: scores.Scores,
    genuine: scores.Scores,
    whose: NDArray[np.integer],
) -> Figure:
    if not scores.supports(len(strangers), rate):
        reason = f"{len(strangers)} impostor pairs support no FMR below {3 / max(1, len(strangers)):.1e}"
        return bench.figure(attack, measure, Interval(None, None, None, len(genuine)), reason)
    threshold = scores.threshold_at(strangers, rate)
    found = mean_interval(genuine > threshold, whose, bench.seed)
    return bench.figure(attack, measure, found, f"threshold {threshold:.4f} of {len(strangers)} pairs")


def _own_picture(
    bench: Bench, attack: str, probes: Embeddings, chosen: NDArray[np.bool_]
) -> Iterator[Figure]:
    """How often a probe matches its own original, where the gallery has it, at the clear threshold of FMR
    1e-3."""
    strangers, there = bench.clear_impostors, chosen & bench.present
    if not scores.supports(len(strangers), 1e-3) or not there.any():
        return
    threshold = scores.threshold_at(strangers, 1e-3)
    own = scores.paired_similarity(probes[there], bench.clear[there], bench.metric)
    found = mean_interval(own > threshold, bench.people[there], bench.seed)
    yield bench.figure(attack, "own picture@1e-3", found, f"threshold {threshold:.4f} of clear pairs")


def _nearest_stranger(bench: Bench, probes: Embeddings, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Each chosen probe's best score with a clear picture of another person."""
    shown = np.flatnonzero(bench.present)
    other = bench.people[chosen][:, None] != bench.people[shown][None]
    compared = scores.similarity(probes[chosen], bench.clear[shown], bench.metric)
    return np.where(other, compared, -np.inf).max(axis=1)
