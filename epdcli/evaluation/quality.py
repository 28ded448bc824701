"""How near the new faces as a crowd are to the old ones, in the feature space of a named network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.floating]


def frechet_distance(clear: Features, new: Features) -> float:
    """Frechet distance of two normal distributions fitted to features (n, d) and (m, d).

    |mean difference|^2 + trace(A + B - 2 (A B)^(1/2)). M. Heusel et al., 2017, with the features of a
    recogniser in place of Inception's. Biased upwards for few pictures: compare sets of equal size only.
    """
    from scipy.linalg import eigvals

    a, b = np.asarray(clear, np.float64), np.asarray(new, np.float64)
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # The trace of a matrix' root is the sum of its eigenvalues' roots, which are real here.
    root = np.sqrt(np.clip(np.real(eigvals(first @ second)), 0, None)).sum()
    gap = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    return float(max(0.0, gap + np.trace(first + second) - 2 * root))


def kernel_distance(clear: Features, new: Features) -> float:
    """Squared maximum mean discrepancy with the kernel (x.y / d + 1)^3: near 0 for equal crowds.

    M. Binkowski et al., "Demystifying MMD GANs", 2018; the unbiased estimate for paired samples of A. Gretton
    et al., 2012, lemma 6. Features (n, d) of the same n pictures are scaled by the clear ones' root mean
    square first, so that networks can be compared.
    """
    from sklearn.metrics.pairwise import polynomial_kernel

    scale = np.sqrt((np.asarray(clear, np.float64) ** 2).mean())
    a, b = (np.asarray(features, np.float64) / scale for features in (clear, new))
    means = [_off_diagonal_mean(polynomial_kernel(*pair, degree=3, coef0=1)) for pair in ((a,), (b,), (a, b))]
    return float(means[0] + means[1] - 2 * means[2])


def _off_diagonal_mean(kernel: NDArray[np.float64]) -> float:
    count = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))
