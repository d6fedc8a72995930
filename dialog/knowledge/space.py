"""The space in which a question and the ways to ask it lie close together, whoever asks.

Between two ways to ask the same thing a sentence vector differs by manner (dialect, politeness, whose child it is);
between two articles it differs by matter. Whitening with the scatter inside the groups takes the manner out:
within-class covariance normalisation (Hatch, Kajarekar and Stolcke 2006). ``benchmarks/fit_knowledge_judge.py`` prints
how many questions reach their article by the others alone: 78 % in the example city.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_NOISE = 5e-4  # variance that every direction is taken to have anyway
_LEAST = 30  # differences between questions; fewer tell nothing of manner


class MeaningSpace:
    """Made of ``groups`` of vectors that mean the same, each of shape (n, 384), around the mean of ``all_vectors``."""

    def __init__(self, groups: Sequence[Floats], all_vectors: Floats) -> None:
        size = all_vectors.shape[1]
        apart = np.vstack([np.empty((0, size), np.float32), *(group - group.mean(axis=0) for group in groups)])
        scatter = apart.T @ apart / len(apart) if len(apart) >= _LEAST else np.zeros((size, size), np.float32)
        values, axes = np.linalg.eigh(scatter.astype(np.float64))
        self._whiten = np.asarray(axes / np.sqrt(np.maximum(values, 0.0) + _NOISE) @ axes.T, dtype=np.float32)
        self._middle = all_vectors.mean(axis=0)

    def place(self, vectors: Floats) -> Floats:
        """The vectors in this space, of length 1; shape (n, 384) or (384,)."""
        placed = (vectors - self._middle) @ self._whiten
        return np.asarray(placed / (np.linalg.norm(placed, axis=-1, keepdims=True) + 1e-9), dtype=np.float32)
