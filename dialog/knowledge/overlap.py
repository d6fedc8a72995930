"""How many written characters and how many sounds two sentences share, in spite of homophones.

Sounds are pinyin syllables without tone; the pairs that accents and the telephone confuse (zh/z, ch/c, sh/s,
ang/an, eng/en, ing/in, l/n, f/h) count as one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from pypinyin import lazy_pinyin
from scipy.sparse import csr_matrix

_IGNORED = re.compile(r"[^\w]|[的了呢吗啊呀吧嘛哦嗯]")
_MERGED = (("zh", "z"), ("ch", "c"), ("sh", "s"))


@lru_cache(maxsize=8192)
def _syllable(syllable: str) -> str:
    for full, short in _MERGED:
        if syllable.startswith(full):
            syllable = short + syllable[2:]
    if syllable.endswith(("ang", "eng", "ing")):
        syllable = syllable[:-1]
    first = {"n": "l", "f": "h"}.get(syllable[:1], syllable[:1])
    return first + syllable[1:]


def sounds(text: str) -> tuple[str, ...]:
    """The merged syllables of the Chinese characters in a text; other words stand as they are."""
    return tuple(_syllable(s) for s in lazy_pinyin(_IGNORED.sub("", text)))


def _grams(units: Sequence[str], sizes: Iterable[int]) -> list[str]:
    return ["|".join(units[i : i + size]) for size in sizes for i in range(len(units) - size + 1)]


class Overlap:
    """TF-IDF cosines between a sentence and each of a fixed set of texts, by n-grams of characters or of sounds."""

    def __init__(self, texts: Sequence[str], *, by_sound: bool) -> None:
        self._by_sound = by_sound
        bags = [Counter(self._split(text)) for text in texts]
        seen = Counter(gram for bag in bags for gram in bag)
        self._column = {gram: i for i, gram in enumerate(seen)}
        self._idf = np.array([np.log((1 + len(texts)) / (1 + n)) + 1 for n in seen.values()], dtype=np.float32)
        self._unseen = float(np.log(1 + len(texts)) + 1)
        rows, columns, values = [], [], []
        for row, bag in enumerate(bags):
            weights = {self._column[g]: (1 + np.log(n)) * self._idf[self._column[g]] for g, n in bag.items()}
            length = float(np.sqrt(sum(w * w for w in weights.values()))) or 1.0
            rows += [row] * len(weights)
            columns += list(weights)
            values += [w / length for w in weights.values()]
        shape = (len(texts), len(self._column))
        self._matrix = csr_matrix((np.array(values, dtype=np.float32), (rows, columns)), shape=shape)

    def cosines(self, text: str) -> npt.NDArray[np.float32]:
        """One cosine in [0, 1] for each text, shape (n,)."""
        query = np.zeros(len(self._column), dtype=np.float32)
        square = 0.0
        for gram, n in Counter(self._split(text)).items():
            column = self._column.get(gram)
            weight = (1 + np.log(n)) * (self._unseen if column is None else self._idf[column])
            square += weight * weight
            if column is not None:
                query[column] = weight
        if square == 0.0:
            return np.zeros(self._matrix.shape[0], dtype=np.float32)
        result: npt.NDArray[np.float32] = (self._matrix @ query) / np.float32(np.sqrt(square))
        return result

    def _split(self, text: str) -> list[str]:
        units = sounds(text) if self._by_sound else tuple(_IGNORED.sub("", text))
        return _grams(units, (2, 3) if self._by_sound else (1, 2, 3))


class Shared:
    """How much of a sentence's weight in pairs (of characters or of sounds) a whole article contains."""

    def __init__(self, documents: Sequence[str], *, by_sound: bool) -> None:
        self._by_sound = by_sound
        self._pairs = [Counter(self._split(document)) for document in documents]
        self._seen = Counter(pair for pairs in self._pairs for pair in pairs)

    def share(self, text: str, document: int, without: str = "") -> float:
        """The share in [0, 1] for one document, counted without one occurrence of a text in it."""
        left_out = Counter(self._split(without)) if without else Counter()
        total = held = 0.0
        for pair in set(self._split(text)):
            weight = float(np.log((len(self._pairs) + 1) / (self._seen[pair] + 1))) + 0.1
            total += weight
            if self._pairs[document][pair] > left_out[pair]:
                held += weight
        return held / total if total else 0.0

    def _split(self, text: str) -> list[str]:
        return _grams(sounds(text) if self._by_sound else tuple(_IGNORED.sub("", text)), (2,))
