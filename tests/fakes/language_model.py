"""A language model that knows a handful of words, each with its own probability wherever it stands."""

from collections.abc import Mapping


class ListedModel:
    """Natural-log probabilities by word; anything else is as unlikely as ``unknown``."""

    def __init__(self, words: Mapping[str, float], unknown: float = -14.0):
        self._words = words
        self._unknown = unknown

    def begin(self) -> None:
        return None

    def score(self, state: None, word: str) -> tuple[float, None]:
        return self._words.get(word, self._unknown), None

    def boost(self, state: None, word: str) -> float:
        return 0.0

    def __contains__(self, word: str) -> bool:
        return word in self._words
