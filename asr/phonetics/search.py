"""The best way through a lattice: beam search over words by sound, language and the engine's belief."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from asr.lexicon import Lexicon
from asr.phonetics.confusions import Confusions
from asr.phonetics.lattice import Arc, Lattice
from asr.phonetics.trigram import LanguageModel
from asr.phonetics.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Weights and limits, in nats; found by search on telephone recordings.

    ``domain`` is how much the city's own texts count beside the general model, from 0 to 1. ``language``
    weighs the language model and ``sound`` the costs of confusion. A word of the city's lexicon gets
    ``lexicon_bonus`` for each character from the second on. Of the characters that change in one word, the
    dearest costs in full and the others ``together`` times theirs, none more than ``lexicon_most`` when the
    lexicon's word replaces them; a word of one character costs ``lone`` more. A word may be ``furthest`` from
    what was heard, in sound, and a word of the lexicon ``lexicon_reach`` more. Of the words over one stretch
    only the ``candidates`` best are tried, none more than ``margin`` behind the best, behind the ``beam`` best
    ways so far.
    """

    domain: float = 0.3
    language: float = 0.8
    sound: float = 1.2
    lexicon_bonus: float = 3.0
    furthest: float = 3.0
    together: float = 0.8
    lone: float = 0.4
    lexicon_most: float = 3.0
    lexicon_reach: float = 2.0
    beam: int = 6
    candidates: int = 12
    margin: float = 8.0


@dataclass(frozen=True, slots=True)
class Word:
    """A word on the best way, between two nodes of the lattice.

    ``source`` says what brought it: fixed, heard, hypothesis, sound or lexicon; ``unlike`` how far its sound is
    from what was written and ``cost`` what taking the word costs beside its probability, in nats.
    """

    text: str
    source: str
    start: int = 0
    end: int = 0
    unlike: float = 0.0
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Way:
    """A way through a lattice and its score in nats."""

    words: tuple[Word, ...]
    score: float


# A word that may follow: node behind it, text, cost in nats, source, distance of its sound in nats. A tuple, because
# thousands are made per sentence.
_Candidate = tuple[int, str, float, str, float]


class Search:
    """Finds words for one dialect; keeps nothing between sentences, so threads may share it."""

    def __init__(
        self,
        model: LanguageModel,
        vocabulary: Vocabulary,
        lexicon: Lexicon,
        confusions: Confusions,
        settings: SearchSettings,
    ):
        """Words come from the vocabulary and the lexicon, their order from the model."""
        self._model = model
        self._vocabulary = vocabulary
        self.lexicon = lexicon
        self._confusions = confusions
        self._settings = settings

    def best(self, lattice: Lattice, begin: int = 0, end: int | None = None, state: Any = None) -> Way:
        """The best way through ``lattice``, or from one node to another behind the words that ``state`` knows."""
        end = lattice.end if end is None else end
        # Per node: (word before the last, last word) -> (score, model state, way so far as a linked list).
        beams: dict[int, dict[tuple[str, str], tuple[float, Any, Any]]] = {node: {} for node in lattice.arcs}
        beams[begin]["", ""] = (0.0, self._model.begin() if state is None else state, None)
        for node in lattice.nodes():
            if node == end or not beams[node]:
                continue
            alive = sorted(beams[node].items(), key=lambda item: -item[1][0])[: self._settings.beam]
            for candidate in self._candidates(lattice, node):
                to, text, cost, source, _ = candidate
                if lattice.order[to] > lattice.order[end]:
                    continue
                ahead = beams[to]
                for (_, last), (score, state, way) in alive:
                    gained, behind = self._score(state, text, source)
                    total = score + gained - cost
                    known = ahead.get((last, text))
                    if known is None or total > known[0]:
                        ahead[last, text] = (total, behind, (node, candidate, way))
        total, _, way = max(beams[end].values(), key=lambda entry: entry[0])
        words: list[Word] = []
        while way is not None:
            start, (to, text, cost, source, unlike), way = way
            words.append(Word(text, source, start, to, unlike, cost))
        return Way(tuple(reversed(words)), total)

    def follow(self, words: Iterable[Word], state: Any = None) -> tuple[list[float], Any]:
        """What each of ``words`` adds to a way behind ``state``, its cost aside, and the state behind them."""
        state = self._model.begin() if state is None else state
        scores = []
        for word in words:
            score, state = self._score(state, word.text, word.source)
            scores.append(score)
        return scores, state

    def boosts(self, words: Iterable[Word], state: Any) -> list[float]:
        """How much texts of the domain speak for each of ``words`` behind ``state``."""
        found = []
        for word in words:
            found.append(0.0 if word.source == "fixed" else self._model.boost(state, word.text))
            _, state = self._score(state, word.text, word.source)
        return found

    def _score(self, state: Any, text: str, source: str) -> tuple[float, Any]:
        if source == "fixed":
            return 0.0, state
        score, behind = self._model.score(state, text)
        return score * self._settings.language, behind

    def _candidates(self, lattice: Lattice, node: int) -> list[_Candidate]:
        """Words that may begin at ``node``: those that were written always, and the most promising others."""
        kept: list[_Candidate] = []
        others: dict[int, dict[str, tuple[float, _Candidate]]] = {}
        paths: list[tuple[int, tuple[Arc, ...], dict[str, float]]] = [(node, (), {"": 0.0})]
        while paths:
            at, before, beginnings = paths.pop()
            for arc in lattice.arcs[at]:
                if arc.fixed:
                    if not before:
                        kept.append((arc.to, arc.text, arc.cost, "fixed", 0.0))
                    continue
                way = (*before, arc)
                text = "".join(part.text for part in way)
                taken = sum(part.cost for part in way)
                if len(way) == 1 or text in self._vocabulary or text in self.lexicon:
                    source = "heard" if all(part.backbone for part in way) else "hypothesis"
                    kept.append((arc.to, text, taken - self._bonus(text), source, 0.0))
                if further := self._further(beginnings, arc):
                    best = others.setdefault(arc.to, {})
                    for word, cost, source, unlike, estimate in self._changed(way, text, taken, further):
                        if word not in best or estimate > best[word][0]:
                            best[word] = (estimate, (arc.to, word, cost, source, unlike))
                    paths.append((arc.to, way, further))
        for best in others.values():
            kept += self._promising(best)
        return kept

    def _promising(self, words: dict[str, tuple[float, _Candidate]]) -> Iterator[_Candidate]:
        ranked = sorted(words.values(), key=lambda entry: -entry[0])[: self._settings.candidates]
        for estimate, candidate in ranked:
            if estimate < ranked[0][0] - self._settings.margin:
                return
            yield candidate

    def _further(self, beginnings: dict[str, float], arc: Arc) -> dict[str, float]:
        """Beginnings of words that this arc's sounds continue, with what they differ in sound."""
        further: dict[str, float] = {}
        settings, vocabulary, lexicon = self._settings, self._vocabulary, self.lexicon
        for beginning, so_far in beginnings.items():
            for heard, reading in arc.heard:
                room = min(settings.furthest - so_far, arc.tolerance) - reading
                city_room = room + settings.lexicon_reach if arc.tolerance > 0 else room
                for said, unlike in self._confusions.said(heard):
                    unlike *= settings.sound
                    if unlike > city_room:
                        break
                    key = f"{beginning}{said}'"
                    cost = so_far + reading + unlike
                    may_begin = (unlike <= room and vocabulary.may_begin(key)) or lexicon.may_begin(key)
                    if may_begin and cost < further.get(key, math.inf):
                        further[key] = cost
        return further

    def _changed(
        self, way: tuple[Arc, ...], text: str, taken: float, sounds: dict[str, float]
    ) -> Iterator[tuple[str, float, str, float, float]]:
        """Words that sound like the way but are written otherwise: word, cost, source, distance, estimated gain."""
        language = self._settings.language
        if all(arc.kept for arc in way):
            return
        for key, unlike in sounds.items():
            for word, probability in self._vocabulary.words(key):
                if word != text and _leaves(word, way):
                    cost = taken + unlike + self._change(word, way, math.inf)
                    yield word, cost, "sound", unlike, language * probability - cost
            for word in self.lexicon.words(key):
                certain = all(arc.tolerance <= 0 for one, arc in zip(word, way, strict=True) if one != arc.text)
                known = text in self._vocabulary
                allowed = self.lexicon.allows(word, text, unlike, heard_is_word=known, certain=certain)
                if word != text and allowed and _leaves(word, way):
                    bonus = 0.0 if certain else self._bonus(word)
                    cost = taken + unlike + self._change(word, way, self._settings.lexicon_most) - bonus
                    yield word, cost, "lexicon", unlike, -cost

    def _bonus(self, word: str) -> float:
        return self._settings.lexicon_bonus * (len(word) - 1) if word in self.lexicon else 0.0

    def _change(self, word: str, way: tuple[Arc, ...], most: float) -> float:
        """Cost of replacing what was written by ``word``, at most ``most`` for each character."""
        settings = self._settings
        dearest = total = 0.0
        for character, arc in zip(word, way, strict=True):
            if character != arc.text:
                cost = min(arc.change, most)
                total += cost
                dearest = max(dearest, cost)
        lone = settings.lone if len(way) == 1 else 0.0
        return lone + dearest + settings.together * (total - dearest)


def _leaves(word: str, way: Sequence[Arc]) -> bool:
    """Whether ``word`` leaves the characters alone that have to stay."""
    return all(not arc.kept or one == arc.text for one, arc in zip(word, way, strict=True))
