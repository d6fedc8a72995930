"""Weighted character n-grams: what a linear model reads of a Chinese text without cutting it into words."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

_SPACE = re.compile(r"\s+")
_SIZES = (1, 2, 3)


def _count(text: str) -> Counter[str]:
    text = _SPACE.sub(" ", text.lower())
    return Counter(text[i : i + size] for size in _SIZES for i in range(len(text) - size + 1))


class Grams:
    """Sublinear TF-IDF over character 1- to 3-grams that at least two training texts share; rows have length 1."""

    def __init__(self, names: Sequence[str], idf: npt.NDArray[np.float32]) -> None:
        self.names = tuple(names)
        self.idf = idf
        self._column = {name: i for i, name in enumerate(self.names)}

    @classmethod
    def fit(cls, texts: Sequence[str]) -> "Grams":
        """Learn which n-grams there are and how rare each is."""
        seen = Counter(gram for text in texts for gram in set(_count(text)))
        names = sorted(gram for gram, n in seen.items() if n >= 2)
        idf = np.array([np.log((1 + len(texts)) / (1 + seen[g])) + 1 for g in names], dtype=np.float32)
        return cls(names, idf)

    def rows(self, texts: Sequence[str]) -> csr_matrix:
        """One row for each text, shape (texts, n-grams)."""
        indptr, columns, values = [0], [], []
        for text in texts:
            found = [(self._column[g], n) for g, n in _count(text).items() if g in self._column]
            weights = [(1 + np.log(n)) * self.idf[i] for i, n in found]
            length = float(np.sqrt(sum(w * w for w in weights))) or 1.0
            columns += [i for i, _ in found]
            values += [w / length for w in weights]
            indptr.append(len(columns))
        return csr_matrix((np.array(values, dtype=np.float32), columns, indptr), shape=(len(texts), len(self.names)))
