"""Identity codes for training: whose face each row is to get.

A row that is to be reconstructed gets its own embedding. The others get, in equal shares, the embedding of
another training face, a mixture of two to four, or a sample of the Gaussian fitted on all embeddings. In use
only mixtures and samples are drawn, so that nobody's own embedding is ever worn.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class TrainingCodes:
    """Draws foreign codes from the space that `embeddings` (n, 128), unit length, span."""

    def __init__(self, embeddings: Floats) -> None:
        self.embeddings = embeddings
        self.mean = embeddings.mean(axis=0)
        self.covariance = np.cov(embeddings, rowvar=False)
        values, vectors = np.linalg.eigh(self.covariance)
        self._spread = vectors * np.sqrt(np.clip(values, 0, None))

    def foreign(self, draw: np.random.Generator) -> Floats:
        """One code (128,) of unit length that belongs to another face, to several, or to nobody."""
        match int(draw.integers(3)):
            case 0:
                code = self.embeddings[draw.integers(len(self.embeddings))]
            case 1:
                several = draw.integers(len(self.embeddings), size=int(draw.integers(2, 5)))
                code = draw.dirichlet(np.ones(len(several))) @ self.embeddings[several]
            case _:
                return self.nobody(draw)
        return _unit(code)

    def nobody(self, draw: np.random.Generator) -> Floats:
        """One sample (128,) of the fitted Gaussian, scaled to unit length: what the product uses."""
        return _unit(self.mean + self._spread @ draw.standard_normal(len(self.mean)))

    def save(self, path: Path) -> None:
        """Write `mean` (128,) and `covariance` (128, 128) as the product reads them; no embedding."""
        np.savez(path, mean=self.mean.astype(np.float32), covariance=self.covariance.astype(np.float32))


def _unit(code: NDArray[np.floating]) -> Floats:
    return (code / np.linalg.norm(code)).astype(np.float32)
