"""Each change that the search proposes, and what speaks for and against it."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from asr.phonetics.lattice import Lattice
from asr.phonetics.search import Search, Way, Word

_AROUND = 2  # words on each side; the model looks no further back
_NEAR = 3  # characters on each side whose confidence is asked
_MOST_NATS = 40.0


@dataclass(frozen=True, slots=True)
class Change:
    """Adjacent words of a way that are not what was written at the tokens from ``start`` up to ``end``.

    ``signs`` are what `Judge` weighs, by name.
    """

    start: int
    end: int
    words: tuple[Word, ...]
    signs: Mapping[str, float]


def changes(search: Search, lattice: Lattice, way: Way, confidence: Sequence[float]) -> Iterator[Change]:
    """The changes of the best ``way``; ``confidence`` is that of each token of the lattice."""
    first = 0
    words = way.words
    while first < len(words):
        last = first
        while last < len(words) and _changed(lattice, words[last]):
            last += 1
        if last > first:
            changed = words[first:last]
            signs = _signs(search, lattice, words, first, last, confidence)
            yield Change(changed[0].start, changed[-1].end, changed, signs)
        first = last + 1


def _changed(lattice: Lattice, word: Word) -> bool:
    if word.source == "fixed":
        return False
    return max(word.start, word.end) > lattice.end or word.text != "".join(lattice.tokens[word.start : word.end])


def _signs(
    search: Search, lattice: Lattice, words: Sequence[Word], first: int, last: int, confidence: Sequence[float]
) -> dict[str, float]:
    changed = words[first:last]
    start, end = changed[0].start, changed[-1].end
    begin, stop = max(0, first - _AROUND), min(len(words), last + _AROUND)
    _, state = search.follow(words[:begin])
    scores, _ = search.follow(words[begin:stop], state)
    kept = search.best(lattice.keeping(start, end), words[begin].start, words[stop - 1].end, state)
    kept_scores, _ = search.follow(kept.words, state)
    gain = sum(scores) - sum(word.cost for word in words[begin:stop]) - kept.score

    written, replaced = "".join(word.text for word in changed), lattice.tokens[start:end]
    heard = "".join(replaced)
    places = list(range(start, end))
    if len(written) == len(heard) == len(replaced):
        places = [start + at for at, one in enumerate(replaced) if one != written[at]]
    doubts = [_odds(confidence[at]) for at in places]
    near = [*range(max(0, start - _NEAR), start), *range(end, min(lattice.end, end + _NEAR))]
    around = [_odds(confidence[at]) for at in near if not lattice.arcs[at][0].fixed]
    new = sum(scores[first - begin : last - begin]) / len(written)
    scored = list(zip(kept.words, kept_scores, strict=True))
    old = [(word, score) for word, score in scored if start <= word.start < end]
    old_each = sum(score for _, score in old) / (end - start)
    whole = sum(len(word.text) for word, _ in old if len(word.text) > 1) / (end - start)
    following = _first_score(zip(words[last:stop], scores[last - begin :], strict=True))
    kept_following = _first_score((word, score) for word, score in scored if word.start >= end)
    exact = float(len(written) == len(heard) and not any(word.unlike for word in changed))
    certain = sum(doubts) / len(doubts)
    city = float(any(word.text in search.lexicon for word in changed))
    gain = max(-_MOST_NATS, min(_MOST_NATS, gain))
    longest = max(len(word.text) for word in changed)
    # Texts of the domain may know a changed word, or the word behind it for its sake.
    boosts = search.boosts(words[begin:stop], state)[first - begin : last - begin + 1]
    kept_boosts = search.boosts(kept.words, state)
    old_boosts = [boost for word, boost in zip(kept.words, kept_boosts, strict=True) if start <= word.start <= end]
    sentence = sum(map(_odds, confidence)) / len(confidence)
    next_better = following - kept_following
    return {
        "around": sum(around) / len(around) if around else 0.0,
        "both": old_each * new,
        "certain": certain,
        "city": city,
        "city_certain": city * certain,
        "city_gain": city * gain,
        "city_new": city * new,
        "clear": max(0.0, sentence - 1.8),
        "clear_new": max(0.0, sentence - 1.5) * new,
        "different": float(len(places)),
        "exact": exact,
        "exact_certain": exact * certain,
        "gain": gain,
        "gain_each": min(gain / len(places), 8.0),
        "gain_large": max(0.0, gain - 8.0),
        "hypothesis": float(any(word.source == "hypothesis" for word in changed)),
        "length": float(len(written)),
        "long": float(longest >= 3),
        "longest": float(longest),
        "new": new,
        "new_fluent": max(0.0, new + 4.0),
        "new_odd": max(0.0, -4.0 - new),
        "next_better": next_better,
        "next_far_better": max(0.0, next_better - 1.0),
        "one": float(len(places) == 1),
        "sentence": sentence,
        "texts": sum(boosts),
        "texts_better": sum(boosts) - sum(old_boosts),
        "very_certain": max(0.0, certain),
        "whole": whole,
    }


def _first_score(scored: Iterable[tuple[Word, float]]) -> float:
    """The score of the first word that the language model knows anything about; 0 behind the last one."""
    return next((score for word, score in scored if word.source != "fixed"), 0.0)


def _odds(confidence: float) -> float:
    confidence = min(max(confidence, 0.001), 0.999)
    return math.log(confidence / (1 - confidence))
