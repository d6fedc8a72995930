"""What may have been said when a syllable was heard, and what it costs to assume so."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from asr.phonetics.syllables import split

Pair = tuple[str, str]


class Confusions:
    """Costs in nats for taking one sound for another, the same in both directions.

    ``initials`` and ``finals`` compare the parts of two syllables ("" is no initial), ``syllables``
    whole ones where the parts do not tell (hui and fei).
    """

    def __init__(self, initials: Mapping[Pair, float], finals: Mapping[Pair, float], syllables: Mapping[Pair, float]):
        """Pairs in alphabetical order, as `symmetric` makes them."""
        self._initials = _neighbours(initials)
        self._finals = _neighbours(finals)
        self._syllables = _neighbours(syllables)
        self._said: dict[str, tuple[tuple[str, float], ...]] = {}  # one entry for each of some 400 syllables

    def said(self, heard: str) -> tuple[tuple[str, float], ...]:
        """Syllables that may have been said when ``heard`` was heard, cheapest first; itself at 0.

        Some of them exist in no word; the vocabulary drops those.
        """
        if heard not in self._said:
            initial, final = split(heard)
            costs = {
                other_initial + other_final: first + second
                for other_initial, first in {initial: 0.0, **self._initials.get(initial, {})}.items()
                for other_final, second in {final: 0.0, **self._finals.get(final, {})}.items()
            }
            costs.update(self._syllables.get(heard, {}))
            costs[heard] = 0.0
            self._said[heard] = tuple(sorted(costs.items(), key=lambda pair: pair[1]))
        return self._said[heard]


def symmetric(pairs: Iterable[tuple[str, str, float]]) -> dict[Pair, float]:
    """Costs by pair in alphabetical order; a later one replaces an earlier one of the same pair."""
    return {(min(one, other), max(one, other)): cost for one, other, cost in pairs}


def _neighbours(costs: Mapping[Pair, float]) -> dict[str, dict[str, float]]:
    near: dict[str, dict[str, float]] = defaultdict(dict)
    for (one, other), cost in costs.items():
        near[one][other] = cost
        near[other][one] = cost
    return dict(near)
