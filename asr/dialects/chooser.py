"""Which dialect a call is in, as far as can be told, and when a person should take over.

Beliefs add up in nats: the city's prior, words of a dialect that were heard, confusions of its sounds
that paid off in correction, the engine's guess of the language. What the caller asks for decides.
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from asr.dialects.asking import asked_for
from asr.dialects.pack import DialectPack
from asr.phonetics.syllables import HAN, read, split
from voicebot.core.speech import Correction, Transcript

_BASE = "mandarin"
_RARE = 0.01  # prior of a dialect that the city's data does not name


@dataclass(frozen=True, slots=True)
class DialectSettings:
    """``switch_margin`` nats are needed to leave the dialect a call is in. A call is heard poorly when the mean

    confidence of its last ``poor_turns`` turns (of at least ``poor_characters`` characters together)
    is below ``poor_confidence``; that by itself speaks ``poor_evidence`` nats against plain Mandarin. A guess of
    another Chinese language by the engine is worth ``language_evidence`` nats, a confusion that paid off
    ``sound_evidence`` per nat it is cheaper. A turn of ``plain_characters`` without any mark of a dialect leaves
    ``fading`` of what was believed beyond the prior.
    """

    switch_margin: float = 1.5
    poor_turns: int = 3
    poor_characters: int = 12
    poor_confidence: float = 0.55  # measured: below it more than half of the characters are wrong
    poor_evidence: float = 1.8
    language_evidence: float = 3.0
    sound_evidence: float = 0.3
    plain_characters: int = 6
    fading: float = 0.8


@dataclass(frozen=True, slots=True)
class DialectChoice:
    """The dialect to hear the next turn in; ``poor`` says that a person with ``seat_skill`` would hear better.

    ``seat`` is the dialect that this person speaks. ``asked`` is True when the caller chose, ``whole_turn`` when
    this was all that the last turn said.
    """

    dialect: str
    changed: bool = False
    asked: bool = False
    whole_turn: bool = False
    poor: bool = False
    seat: str = ""
    seat_skill: str = ""


class DialectChooser:
    """The belief about one call. Pure: it is told what was heard and answers with a choice."""

    def __init__(
        self, packs: Mapping[str, DialectPack], prior: Mapping[str, float], settings: DialectSettings | None = None
    ):
        """``prior`` is the city's share of callers by dialect; it need not sum to one."""
        self._packs = packs
        self._settings = settings or DialectSettings()
        self._prior = {name: math.log(max(prior.get(name, 0.0), _RARE)) for name in packs}
        self._belief = dict(self._prior)
        self._current = max(self._belief, key=lambda name: self._belief[name])
        self._asked = False
        self._recent: deque[tuple[float, int]] = deque(maxlen=self._settings.poor_turns)

    @property
    def choice(self) -> DialectChoice:
        """The choice as it stands."""
        seat = self._seat()
        return DialectChoice(
            self._current,
            asked=self._asked,
            poor=self._poor(),
            seat=seat,
            seat_skill=self._packs[seat].seat_skill,
        )

    def hear(self, transcript: Transcript) -> DialectChoice:
        """Take a final transcript; the choice holds from the next turn on."""
        before = self._current
        if transcript.raw_text:
            self._recent.append((transcript.mean_confidence, len(transcript.raw_text)))
        asked = asked_for(transcript.text, self._packs) or asked_for(transcript.raw_text, self._packs)
        if asked:
            self._asked, self._current = True, asked.dialect
        elif not self._asked:
            self._weigh(transcript)
            best = max(self._belief, key=lambda name: self._belief[name])
            if self._belief[best] >= self._belief[self._current] + self._settings.switch_margin:
                self._current = best
        if self._current != before:
            self._recent.clear()  # the new dialect gets its own chance to be understood
        return replace(self.choice, changed=self._current != before, whole_turn=asked is not None and asked.whole_turn)

    def _seat(self) -> str:
        """Whose speaker should take over: of the dialect a call is in, or of the likeliest when Mandarin fails."""
        if self._current != _BASE or self._asked or not self._poor():
            return self._current
        return max(
            self._belief,
            key=lambda name: self._belief[name] + (self._settings.poor_evidence if name != _BASE else 0.0),
        )

    def _weigh(self, transcript: Transcript) -> None:
        plain = len(transcript.raw_text) >= self._settings.plain_characters
        for name, pack in self._packs.items():
            words = max(pack.evidence(transcript.raw_text), pack.evidence(transcript.text))
            evidence = words + sum(self._cheaper(pack, correction) for correction in transcript.corrections)
            if transcript.language == pack.language != self._packs[_BASE].language:
                evidence += self._settings.language_evidence
            if evidence:
                self._belief[name] += evidence
            elif plain:
                self._belief[name] += (1 - self._settings.fading) * (self._prior[name] - self._belief[name])

    def _cheaper(self, pack: DialectPack, correction: Correction) -> float:
        """How much cheaper the pack explains a correction than Mandarin does, as evidence."""
        heard, written = correction.heard, correction.written
        if len(heard) != len(written) or not all(map(HAN.match, heard + written)):
            return 0.0
        base = self._packs[_BASE]
        gain = 0.0
        for one, other in zip(read(heard), read(written), strict=True):
            if one != other:
                gain += max(0.0, _cost(base, one, other) - _cost(pack, one, other))
        return gain * self._settings.sound_evidence

    def _poor(self) -> bool:
        characters = sum(length for _, length in self._recent)
        if len(self._recent) < self._settings.poor_turns or characters < self._settings.poor_characters:
            return False
        mean = sum(confidence * length for confidence, length in self._recent) / characters
        return mean < self._settings.poor_confidence


def _cost(pack: DialectPack, one: str, other: str) -> float:
    """Cost of a confusion in a pack; one that it does not know costs as much as a rare one."""
    unknown = 4.0
    if (whole := pack.syllables.get((min(one, other), max(one, other)))) is not None:
        return whole
    (initial, final), (other_initial, other_final) = split(one), split(other)
    cost = 0.0
    for part, other_part, costs in ((initial, other_initial, pack.initials), (final, other_final, pack.finals)):
        if part != other_part:
            cost += costs.get((min(part, other_part), max(part, other_part)), unknown)
    return cost
