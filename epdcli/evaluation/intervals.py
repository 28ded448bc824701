"""Means with 95 % bootstrap intervals; people are drawn, not pictures: one person's pictures are alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from epdcli.evaluation.figures import Interval

RESAMPLES = 1000
RULE_OF_THREE = 3.0  # nothing seen in n trials: below 3 / n with 95 % confidence
_CHUNK = 100


def mean_interval(
    values: NDArray[np.floating] | NDArray[np.bool_],
    people: NDArray[np.integer],
    seed: int = 0,
    *,
    yes_or_no: bool = False,
) -> Interval:
    """The mean of `values` (n,) with its interval from drawing people (n,) again and again.

    NaN values are left out. `yes_or_no`: values are 0 and 1, as bool arrays are anyway; where all are the
    same the bootstrap says nothing, and the interval's open end is the rule of three over people.
    Source: scipy.stats.bootstrap, percentiles.
    """
    from scipy.stats import bootstrap

    flags = np.asarray(values).dtype == np.bool_
    values = np.asarray(values, np.float64)
    kept = np.isfinite(values)
    values, people = values[kept], np.asarray(people)[kept]
    if not len(values):
        return Interval(None, None, None, 0)
    numbers = np.unique(people, return_inverse=True)[1]
    sums, counts = np.bincount(numbers, values), np.bincount(numbers).astype(np.float64)
    value = float(values.mean())
    if len(sums) < 2:
        return Interval(value, None, None, len(values))
    if np.ptp(values) == 0 and not (yes_or_no or flags):
        return Interval(value, value, value, len(values))
    if np.ptp(values) == 0:
        reach = min(1.0, RULE_OF_THREE / len(sums))
        return Interval(value, max(0.0, value - reach), min(1.0, value + reach), len(values))
    found = bootstrap(
        (sums, counts),
        _ratio,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=_CHUNK,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(value, float(found.low), float(found.high), len(values))


def _ratio(sums: NDArray[np.float64], counts: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    return np.asarray(sums.sum(axis=axis) / counts.sum(axis=axis), np.float64)
