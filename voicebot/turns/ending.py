"""How likely the words heard so far are the end of what a caller wants to say.

A logistic regression over the last characters, fitted by ``python -m benchmarks.fit_ending``: sentences that are said
whole against the same sentences stopped between two words, at a comma above all. How the voice
sounds comes from the recogniser (`Transcript.ending`).
"""

from functools import lru_cache
from importlib.resources import files
from itertools import chain

import numpy as np

WEIGHTS = "ending.npz"
_LAST = 14  # characters that are looked at
_LONGEST_END = 4
_LONGEST_COUNTED = 30


def marks(said: str) -> list[str]:
    """What the regression sees of a text without punctuation: its end, the pieces of its last words, its length."""
    last = said[-_LAST:]
    ends = (f"${said[-size:]}" for size in range(1, min(_LONGEST_END, len(said)) + 1))
    pieces = (last[at : at + size] for size in (1, 2) for at in range(len(last) - size + 1))
    return [*chain(ends, pieces), f"#{min(len(said), _LONGEST_COUNTED) // 3}"]


class EndingModel:
    """The fitted weights."""

    def __init__(self) -> None:
        with (files(__package__) / WEIGHTS).open("rb") as file:
            stored = np.load(file)
            self._bias = float(stored["bias"])
            self._weights = dict(zip(stored["marks"].tolist(), stored["weights"].astype(float).tolist(), strict=True))

    def score(self, said: str) -> float:
        """Log-odds that nothing follows a text without punctuation; one end to two pauses inside is even."""
        return self._bias + float(sum(self._weights.get(mark, 0.0) for mark in dict.fromkeys(marks(said))))


@lru_cache(maxsize=1)
def ending_model() -> EndingModel:
    """The model, read once; the service reads it as it is built, and not in a call."""
    return EndingModel()
