"""All that the engine may have heard, as one graph of characters.

The first hypothesis is the backbone: node ``i`` lies before its token ``i``. Where another hypothesis
differs, its characters lie beside the backbone's as a parallel way. A token is one Chinese character
or a run of anything else (digits, Latin letters, punctuation); the latter is never changed.
"""

import copy
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from asr.correction import Hypothesis
from asr.phonetics.syllables import HAN, read, readings

_TOKEN = re.compile(r"[一-鿿]|[^一-鿿]+")
_NUMERALS = frozenset("零〇一幺二两三四五六七八九")
_COMMAS = frozenset({",", "，"})
_NEVER = 1e3  # nats; only a word of the lexicon, whose cost has a limit, comes past it
_MOST_LEFT_OUT = 2  # characters; a hypothesis that writes less has lost speech, not heard it better
_NUMBER_TOKENS = 4  # a run of numerals this long is a number, whatever it sounds like


@dataclass(frozen=True, slots=True)
class Arc:
    """One character (or a fixed run) on the way from a node to a later one.

    ``cost`` is what taking this way costs before anything is changed, in nats; ``change`` what
    replacing the character costs. ``heard`` holds its readings with a cost each, the likely one first;
    the sound that was said may be at most ``tolerance`` away from them. A character that is ``kept`` may be part of
    any word, but of none that writes it otherwise.
    """

    to: int
    text: str
    heard: tuple[tuple[str, float], ...]
    cost: float
    change: float
    backbone: bool
    tolerance: float = 9.0
    kept: bool = False

    @property
    def fixed(self) -> bool:
        """Whether the text must stay as it is."""
        return not self.heard


@dataclass(frozen=True, slots=True)
class LatticeCosts:
    """How beliefs of the engine become costs; found by search on telephone recordings.

    ``hypothesis`` scales the distance of a hypothesis from the best. A character of confidence p costs
    ``change`` + ``trust`` x log(p / (1 - p)) to replace, at least ``least``, and from ``certain`` on it
    gives way to words of the lexicon only. ``heteronym`` is the cost of a character's other readings.
    At a cost of ``sure`` its sound is beyond doubt: only characters of the same sound may replace it.
    A word that reaches over a comma costs ``comma``.
    """

    hypothesis: float = 0.8
    change: float = 3.2
    trust: float = 0.5
    least: float = 0.75
    certain: float = 0.999
    heteronym: float = 0.6
    sure: float = 6.0
    comma: float = 1.5

    def of_changing(self, confidence: float) -> float:
        """Cost of replacing a character that the engine wrote with this confidence."""
        if confidence >= self.certain:
            return _NEVER
        return max(self.change + self.trust * math.log(max(confidence, 0.001) / (1 - confidence)), self.least)

    def tolerance(self, change: float) -> float:
        """How far off the sound of a character may be that costs this much to replace: nothing when it is sure."""
        return max(0.0, self.sure - change)


class Lattice:
    """Arcs by the node they leave, and the nodes in an order that never points back."""

    def __init__(self, hypotheses: Sequence[Hypothesis], costs: LatticeCosts):
        """Lay the hypotheses over each other; the first is never empty of text."""
        first = hypotheses[0]
        self._costs = costs
        self.tokens = _TOKEN.findall(first.text)
        self.end = len(self.tokens)
        self.arcs: dict[int, list[Arc]] = {node: [] for node in range(self.end + 1)}
        self.order: list[float] = [float(node) for node in range(self.end + 1)]
        self._changes = self._lay_backbone(first)
        self._step_over_commas()
        for other in hypotheses[1:]:
            distance = costs.hypothesis * max(0.0, first.score - other.score)
            self._lay_beside(other, distance)

    def nodes(self) -> list[int]:
        """Every node, each before those its arcs lead to."""
        return sorted(self.arcs, key=lambda node: self.order[node])

    def of_tokens(self, confidence: Sequence[float]) -> list[float]:
        """The confidence of each token's first character, from that of every character of the first hypothesis."""
        found, at = [], 0
        for token in self.tokens:
            found.append(confidence[at])
            at += len(token)
        return found

    def keeping(self, start: int, end: int) -> "Lattice":
        """The same without any way to change the tokens from ``start`` up to ``end``."""
        kept = copy.copy(self)
        kept.arcs = dict(self.arcs)
        for node in range(start):
            kept.arcs[node] = [arc for arc in self.arcs[node] if self.order[arc.to] <= start]
        for node in range(start, end):
            kept.arcs[node] = [replace(self.arcs[node][0], kept=True, tolerance=0.0)]
        return kept

    def _lay_backbone(self, first: Hypothesis) -> list[float]:
        confidence = first.confidence or (1.0,) * len(first.text)  # unknown: only the lexicon may change it
        fixed = _number_positions(self.tokens)
        heard = _heard(self.tokens, self._costs.heteronym)
        changes, at = [], 0
        for node, token in enumerate(self.tokens):
            change = self._costs.of_changing(confidence[at])
            at += len(token)
            changes.append(change)
            self.arcs[node].append(
                self._arc(node + 1, token, () if node in fixed else heard[node], 0.0, change, backbone=True)
            )
        return changes

    def _step_over_commas(self) -> None:
        """Lay a way past each comma between two doubtful characters, since engines put commas inside words."""
        for node in range(1, self.end - 1):
            before, after = self.arcs[node - 1][0], self.arcs[node + 1][0]
            doubtful = all(arc.heard and arc.tolerance > 0 for arc in (before, after))
            if self.tokens[node] in _COMMAS and doubtful:
                self.arcs[node - 1].append(replace(before, to=node + 1, cost=self._costs.comma))

    def _lay_beside(self, other: Hypothesis, distance: float) -> None:
        tokens = [token for token in _TOKEN.findall(other.text) if HAN.match(token) or token.isalnum()]
        heard = _heard(tokens, self._costs.heteronym)
        blocks = SequenceMatcher(None, self.tokens, tokens, autojunk=False).get_opcodes()
        for kind, begin, end, other_begin, other_end in blocks:
            if kind == "equal" or kind == "delete":
                continue
            if kind == "insert":
                if begin == self.end or not self._changeable(begin, begin + 1):
                    continue
                way, way_heard = (
                    [*tokens[other_begin:other_end], self.tokens[begin]],
                    [
                        *heard[other_begin:other_end],
                        self.arcs[begin][0].heard,
                    ],
                )
                end = begin + 1
            else:
                way, way_heard = tokens[other_begin:other_end], heard[other_begin:other_end]
            left_out = end - begin - len(way) > _MOST_LEFT_OUT
            if left_out or not self._changeable(begin, end) or not all(way_heard):
                continue
            self._lay_way(begin, end, way, way_heard, distance)

    def _changeable(self, begin: int, end: int) -> bool:
        return all(not self.arcs[node][0].fixed for node in range(begin, end))

    def _lay_way(
        self, begin: int, end: int, way: Sequence[str], heard: Sequence[tuple[tuple[str, float], ...]], distance: float
    ) -> None:
        if len(way) == end - begin:
            for offset, (text, sounds) in enumerate(zip(way, heard, strict=True)):
                self._add(begin + offset, begin + offset + 1, text, sounds, distance / len(way))
            return
        at = begin
        for index, (text, sounds) in enumerate(zip(way, heard, strict=True)):
            last = index == len(way) - 1
            to = end if last else len(self.order)
            if not last:
                self.arcs[to] = []
                self.order.append(begin + (end - begin) * (index + 1) / (len(way) + 1))
            self._add(at, to, text, sounds, distance if index == 0 else 0.0)
            at = to

    def _add(self, at: int, to: int, text: str, heard: tuple[tuple[str, float], ...], cost: float) -> None:
        for index, arc in enumerate(self.arcs[at]):
            if arc.to == to and arc.text == text:
                if cost < arc.cost:
                    self.arcs[at][index] = replace(arc, cost=cost)
                return
        change = self._changes[min(at, self.end - 1)] if at < self.end else self._costs.change
        self.arcs[at].append(self._arc(to, text, heard, cost, change, backbone=False))

    def _arc(
        self, to: int, text: str, heard: tuple[tuple[str, float], ...], cost: float, change: float, *, backbone: bool
    ) -> Arc:
        return Arc(to, text, heard, cost, change, backbone, self._costs.tolerance(change))


def _heard(tokens: Sequence[str], heteronym: float) -> list[tuple[tuple[str, float], ...]]:
    """Readings of each token: by context first, then the character's others; none for what is not Chinese."""
    heard: list[tuple[tuple[str, float], ...]] = []
    for run in re.findall(r"[一-鿿]+|[^一-鿿]+", "".join(tokens)):
        if not HAN.match(run):
            heard.append(())
            continue
        for character, syllable in zip(run, read(run), strict=True):
            others = tuple((other, heteronym) for other in readings(character)[:3] if other != syllable)
            heard.append(((syllable, 0.0), *others))
    return heard


def _number_positions(tokens: Sequence[str]) -> set[int]:
    """Positions inside runs of numerals that are long enough to be numbers."""
    fixed: set[int] = set()
    run: list[int] = []
    for position, token in enumerate([*tokens, ""]):
        if token in _NUMERALS:
            run.append(position)
            continue
        if len(run) >= _NUMBER_TOKENS:
            fixed.update(run)
        run = []
    return fixed
