"""The best way through a lattice: beam search over words by sound, language and the engine's belief."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asr.lexicon import Lexicon
from asr.phonetics.confusions import Confusions
from asr.phonetics.lattice import Arc, Lattice
from asr.phonetics.trigram import LanguageModel
from asr.phonetics.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """Weights and limits, in nats; found by search, see docs/measurements.

    ``language`` weighs the language model; ``lexicon_bonus`` is given for each character of a word of
    the city from the third on; a word may differ from what was heard by at most ``furthest`` in sound.
    """

    language: float = 1.0
    sound: float = 1.0
    lexicon_bonus: float = 2.0
    lexicon_base: float = 9.0
    furthest: float = 4.0
    beam: int = 8
    candidates: int = 16


@dataclass(frozen=True, slots=True)
class Word:
    """A word on the best way. ``source`` says what brought it: heard, sound, hypothesis or lexicon."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    to: int
    text: str
    cost: float
    source: str
    estimate: float


class Search:
    """Finds words for one dialect; holds no state between sentences."""

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
        self._lexicon = lexicon
        self._confusions = confusions
        self._settings = settings

    def best(self, lattice: Lattice) -> list[Word]:
        """The words of the best way through ``lattice``."""
        settings, model = self._settings, self._model
        # Per node: the last two words -> (score, model state, way so far as a linked list).
        beams: dict[int, dict[tuple[str, ...], tuple[float, Any, Any]]] = {node: {} for node in lattice.arcs}
        beams[0][()] = (0.0, model.begin(), None)
        for node in lattice.nodes():
            if node == lattice.end or not beams[node]:
                continue
            alive = sorted(beams[node].items(), key=lambda item: -item[1][0])[: settings.beam]
            for candidate in self._candidates(lattice, node):
                ahead = beams[candidate.to]
                link = (candidate.text, candidate.source)
                for words, (score, state, way) in alive:
                    gained, behind = self._score(state, candidate)
                    total = score + gained - candidate.cost
                    key = (*words[-1:], candidate.text)
                    known = ahead.get(key)
                    if known is None or total > known[0]:
                        ahead[key] = (total, behind, (link, way))
        way = max(beams[lattice.end].values(), key=lambda entry: entry[0])[2]
        words = []
        while way is not None:
            (text, source), way = way
            words.append(Word(text, source))
        return words[::-1]

    def _score(self, state: Any, candidate: _Candidate) -> tuple[float, Any]:
        if candidate.source == "fixed":
            return 0.0, state
        score, behind = self._model.score(state, candidate.text)
        score *= self._settings.language
        if candidate.text in self._lexicon:
            score = max(score, -self._settings.lexicon_base + self._lexicon.weight(candidate.text))
        return score, behind

    def _candidates(self, lattice: Lattice, node: int) -> list[_Candidate]:
        """Words that may begin at ``node``: what was heard always, and the most promising others of each span."""
        kept: list[_Candidate] = []
        by_end: dict[int, dict[str, _Candidate]] = {}
        for candidate in self._words_from(lattice, node):
            if candidate.source in {"fixed", "heard"}:
                kept.append(candidate)
                continue
            best = by_end.setdefault(candidate.to, {})
            known = best.get(candidate.text)
            if known is None or candidate.cost < known.cost:
                best[candidate.text] = candidate
        for best in by_end.values():
            kept += sorted(best.values(), key=lambda candidate: -candidate.estimate)[: self._settings.candidates]
        return kept

    def _words_from(self, lattice: Lattice, node: int) -> Iterator[_Candidate]:
        paths: list[tuple[int, tuple[Arc, ...], dict[str, float]]] = [(node, (), {"": 0.0})]
        while paths:
            at, arcs, beginnings = paths.pop()
            for arc in lattice.arcs[at]:
                way = (*arcs, arc)
                if arc.fixed:
                    if not arcs:
                        yield _Candidate(arc.to, arc.text, arc.cost, "fixed", 0.0)
                    continue
                text = "".join(part.text for part in way)
                taken = sum(part.cost for part in way)
                if len(way) == 1 or text in self._vocabulary or text in self._lexicon:
                    source = "heard" if all(part.backbone for part in way) else "hypothesis"
                    bonus = self._bonus(text)
                    yield _Candidate(arc.to, text, taken - bonus, source, 0.0 - taken)
                further = self._further(beginnings, arc)
                if not further:
                    continue
                yield from self._changed(way, text, taken, further)
                paths.append((arc.to, way, further))

    def _further(self, beginnings: dict[str, float], arc: Arc) -> dict[str, float]:
        """Beginnings of words that this arc's sounds continue, with what they differ in sound."""
        further: dict[str, float] = {}
        for beginning, so_far in beginnings.items():
            for heard, reading in arc.heard:
                for said, unlike in self._confusions.said(heard):
                    cost = so_far + reading + unlike * self._settings.sound
                    if cost > self._settings.furthest:
                        break
                    key = beginning + said + "'"
                    if cost < further.get(key, 1e9) and (self._vocabulary.may_begin(key) or self._lexicon.may_begin(key)):
                        further[key] = cost
        return further

    def _changed(self, way: tuple[Arc, ...], text: str, taken: float, sounds: dict[str, float]) -> Iterator[_Candidate]:
        """Words that sound like the way but are written otherwise."""
        to = way[-1].to
        for key, unlike in sounds.items():
            for word, probability in self._vocabulary.words(key):
                if word != text:
                    cost = taken + unlike + _change(word, way)
                    estimate = self._settings.language * probability - cost
                    yield _Candidate(to, word, cost, "sound", estimate)
            for word in self._lexicon.words(key):
                if word != text and self._lexicon.allows(word, text, unlike, heard_is_word=text in self._vocabulary):
                    cost = taken + unlike + _change(word, way) - self._bonus(word)
                    yield _Candidate(to, word, cost, "lexicon", 100.0 - cost)

    def _bonus(self, word: str) -> float:
        return self._settings.lexicon_bonus * (len(word) - 1) if word in self._lexicon else 0.0


def _change(word: str, way: tuple[Arc, ...]) -> float:
    return sum(arc.change for character, arc in zip(word, way, strict=True) if character != arc.text)
