"""A second ear for danger: how much a sentence means and sounds like known cries for help.

A logistic regression over the sentence's vector (multilingual-e5-small) and its syllables, fitted by
``python -m benchmarks.fit_danger`` on benchmarks/data/emergencies.jsonl, on sentences of real messages to hotlines and
on other speech. It finds what no list of phrases foresees (两个小孩下河游泳，沉下去没上来); alone it is too easily
alarmed, so its threshold is high. In a long turn it also tells a phrase of danger from a story in which it only occurs.
"""

import math
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from voicebot.language.sound import syllables

Vectorise = Callable[[str], npt.NDArray[np.float32]]
WEIGHTS = "danger.npz"


def grams(text: str) -> list[str]:
    """Merged syllables and pairs of them."""
    single = syllables(text)
    return [*single, *(f"{a} {b}" for a, b in pairwise(single))]


class DangerModel:
    """Scores sentences; ``vectorise`` gives a sentence's vector of length 1, shape (384,)."""

    def __init__(self, vectorise: Vectorise) -> None:
        self._vectorise = vectorise
        with (files(__package__) / WEIGHTS).open("rb") as file:
            weights = np.load(file)
            self._meaning = weights["meaning"].astype(np.float32)
            self._bias = float(weights["bias"])
            self._grams = dict(
                zip(weights["grams"].tolist(), zip(weights["idf"], weights["sound"], strict=True), strict=True)
            )

    def score(self, text: str) -> float:
        """Log-odds of danger, summed over meaning and sound; above 0 is more likely than not on balanced data."""
        return self._bias + float(self._meaning @ self._vectorise(text)) + self._sound(text)

    def _sound(self, text: str) -> float:
        counted = [(1 + math.log(n), *self._grams[g]) for g, n in Counter(grams(text)).items() if g in self._grams]
        length = math.sqrt(sum((tf * idf) ** 2 for tf, idf, _ in counted))
        return sum(tf * idf * weight for tf, idf, weight in counted) / length if length else 0.0
