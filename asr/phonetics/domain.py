"""What callers of this hotline talk about: pairs of words counted in the city's own texts, behind the general model.

Names of places and of departments count as one word each, so that every road may stand where one was seen.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from asr.lexicon import Lexicon
from asr.phonetics.trigram import LanguageModel

_BREAK = "。"
_DISCOUNT = 0.6  # of every pair that was seen, for those that were not (Ney, Essen and Kneser 1994)
_LONGEST = 12
_NAME_NATS = -9.0  # how likely a word of the lexicon is while the texts are cut into words
_NOTHING = -1e9


class DomainModel:
    """`LanguageModel` that believes a general one by ``1 - share`` and the counts by ``share``."""

    def __init__(self, model: LanguageModel, lexicon: Lexicon, texts: Iterable[str], share: float):
        """Cut ``texts`` into words of the model and the lexicon, and count."""
        self._model = model
        self._lexicon = lexicon
        self._general, self._special = math.log(1 - share), math.log(share)
        self._counts: Counter[str] = Counter()
        self._behind: dict[str, Counter[str]] = defaultdict(Counter)
        for text in texts:
            before = _BREAK
            for word in words_of(text, self._known):
                token = lexicon.group(word) if word in lexicon else word
                self._counts[token] += 1
                self._behind[before][token] += 1
                before = token
        for group, size in lexicon.groups().items():  # a name that no text has is a name all the same
            self._counts[group] += round(math.sqrt(size))
        self._total = sum(self._counts.values()) or 1
        self._sums = {token: sum(followers.values()) for token, followers in self._behind.items()}

    def begin(self) -> Any:
        """State at the beginning of a turn."""
        return self._model.begin(), _BREAK

    def score(self, state: Any, word: str) -> tuple[float, Any]:
        """Natural-log probability of ``word`` behind ``state``, and the state behind it."""
        general, before = state
        likely, behind = self._model.score(general, word)
        token = self._lexicon.group(word) if word in self._lexicon else word
        likely += self._general
        if (special := self._special_score(before, token, word)) > _NOTHING:
            high, low = max(likely, special), min(likely, special)
            likely = high + math.log1p(math.exp(low - high))
        return likely, (behind, token)

    def boost(self, state: Any, word: str) -> float:
        """How much likelier the counts make ``word`` than the general model alone."""
        return max(0.0, self.score(state, word)[0] - self._model.score(state[0], word)[0])

    def __contains__(self, word: str) -> bool:
        """Whether the general model knows the word."""
        return word in self._model

    def _special_score(self, before: str, token: str, word: str) -> float:
        count = self._counts.get(token, 0)
        if not count:
            return _NOTHING
        alone = count / self._total
        if total := self._sums.get(before, 0):
            followers = self._behind[before]
            seen = max(followers[token] - _DISCOUNT, 0.0) if token in followers else 0.0
            alone = (seen + _DISCOUNT * len(followers) * alone) / total
        share = self._lexicon.share(word) if word in self._lexicon else 1.0
        return self._special + math.log(alone * share)

    def _known(self, word: str) -> float | None:
        if word in self._lexicon:
            return _NAME_NATS
        if len(word) == 1 or word in self._model:
            return self._model.score(self._model.begin(), word)[0]
        return None


def words_of(text: str, known: Callable[[str], float | None]) -> Sequence[str]:
    """The likeliest way to cut each run of Chinese characters into known words; a break between two runs."""
    words: list[str] = []
    run = ""
    for character in text + _BREAK:
        if "一" <= character <= "鿿":
            run += character
        elif run:
            words += [*_cut(run, known), _BREAK]
            run = ""
    return words


def _cut(run: str, known: Callable[[str], float | None]) -> list[str]:
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end in range(1, len(run) + 1):
        ways = []
        for begin in range(max(0, end - _LONGEST), end):
            score = known(run[begin:end])
            if score is not None:
                ways.append((best[begin][0] + score, begin))
        best.append(max(ways))
    words, end = [], len(run)
    while end:
        words.append(run[best[end][1] : end])
        end = best[end][1]
    return words[::-1]
