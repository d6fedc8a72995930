"""A second ear for danger: how much a sentence means and sounds like known cries for help.

Two judges whose opinions are weighed against each other: a support vector machine (radial basis) over the sentence's
vector (multilingual-e5-small), which remembers cries and harmless sentences that lie close together, and a logistic
regression over its syllables, which a misheard word does not upset. Both are fitted by ``python -m
benchmarks.fit_danger`` on benchmarks/data/emergencies.jsonl, on ordinary things that callers say, on sentences of real
messages to hotlines and on other speech. They find what no list of phrases foresees
(两个小孩下河游泳，沉下去没上来), and tell a phrase of danger from a story in which it only occurs.
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
            self._known = weights["known"].astype(np.float32) * np.float32(weights["step"])  # (sentences, 384)
            self._says = weights["says"].astype(np.float32)  # what each of them speaks for, (sentences,)
            self._gamma = float(weights["gamma"])
            self._meaning, self._heard, self._bias = (float(each) for each in weights["weigh"])
            self._grams = dict(
                zip(weights["grams"].tolist(), zip(weights["idf"], weights["sound"], strict=True), strict=True)
            )
        self._lengths = (self._known**2).sum(axis=1)

    def score(self, text: str) -> float:
        """Log-odds of danger; above 0 is more likely than not where danger is as frequent as harmlessness."""
        return self._bias + self._meaning * self._means(text) + self._heard * self._sounds(text)

    def _means(self, text: str) -> float:
        vector = self._vectorise(text)
        apart = self._lengths + float(vector @ vector) - 2 * (self._known @ vector)
        return float(self._says @ np.exp(-self._gamma * apart))

    def _sounds(self, text: str) -> float:
        counted = [(1 + math.log(n), *self._grams[g]) for g, n in Counter(grams(text)).items() if g in self._grams]
        length = math.sqrt(sum((tf * idf) ** 2 for tf, idf, _ in counted))
        return sum(tf * idf * weight for tf, idf, weight in counted) / length if length else 0.0
