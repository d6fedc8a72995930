"""The place of a matter in the city's three-level table: by keywords and meaning until a model has been trained."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from dialog.city.nouns import City
from dialog.embedding import Embedder
from dialog.routing.prior import category_vectors
from dialog.routing.store import ModelStore

_MEANING_WEIGHT = 60.0
_KEYWORD_WEIGHT = 2.0  # for a keyword of two characters; longer ones say more
_MAX_KEYWORD = 6.0
_ALIKE = 0.9  # cosine; below it two descriptions are of different matters, above it the leaves decide


class CategoryClassifier:
    """Finds the leaf of the table; uses the trained model of ``folder`` when there is one.

    Labels of a trained model are codes, full paths joined by ``/``, or the beginnings of paths.
    """

    def __init__(self, city: City, embedder: Embedder, folder: Path) -> None:
        self._city = city
        self._embedder = embedder
        self._sure = city.thresholds.category_sure
        self._trained = ModelStore(folder, "category").load()
        leaves = city.categories
        self._vectors = category_vectors(city, embedder)
        self._keywords = [(c.level3, *c.keywords) for c in leaves]

    def categorise(self, text: str) -> tuple[tuple[str, ...], float]:
        """The likeliest path and its probability: three levels when sure, else as many as are sure, at least one.

        An empty text gives an empty path.
        """
        if not text.strip():
            return (), 0.0
        if self._trained is not None:
            label, probability = self._trained.best(text, self._embedder)[0]
            return self._path(label), probability
        probabilities = self.probabilities(text)
        best = self._city.categories[int(probabilities.argmax())]
        for depth in (3, 2, 1):
            path = best.path[:depth]
            inside = [c.path[:depth] == path for c in self._city.categories]
            probability = float(probabilities[inside].sum())
            if probability >= self._sure:
                return path, min(probability, 1.0)
        return best.path[:1], min(probability, 1.0)

    def alike(self, one: str, other: str) -> float:
        """The overlap of the leaves that two texts may belong to, 0 when they mean different things."""
        if float(self._embedder.sentence(one) @ self._embedder.sentence(other)) < _ALIKE:
            return 0.0
        return float(np.sqrt(self.probabilities(one) * self.probabilities(other)).sum())

    def probabilities(self, text: str) -> npt.NDArray[np.float32]:
        """By the built-in rules: one probability for each leaf, shape (leaves,)."""
        scores = _MEANING_WEIGHT * (self._vectors @ self._embedder.sentence(text))
        words = np.array([self._words(keywords, text) for keywords in self._keywords], dtype=np.float32)
        scores = scores + words
        odds = np.exp(scores - scores.max())
        return np.asarray(odds / odds.sum(), dtype=np.float32)

    def _words(self, keywords: tuple[str, ...], text: str) -> float:
        found = sum(len(keyword) - 1 for keyword in keywords if len(keyword) >= 2 and keyword in text)
        return min(_KEYWORD_WEIGHT * found, _MAX_KEYWORD)

    def _path(self, label: str) -> tuple[str, ...]:
        category = self._city.category_by_code.get(label)
        return category.path if category else tuple(label.split("/"))
