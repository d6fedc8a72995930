"""Which dialect a call is in, as far as can be told, and when a person should take over.

Beliefs add up in nats: the city's prior, words of a dialect that were heard, confusions of its sounds
that paid off in correction, the engine's guess of the language. What the caller asks for decides.
"""

import math
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from asr.dialects.pack import DialectPack
from asr.phonetics.syllables import HAN, read, split
from voicebot.core.speech import Correction, Transcript

_BASE = "mandarin"
_RARE = 0.01  # prior of a dialect that the city's data does not name


@dataclass(frozen=True, slots=True)
class DialectSettings:
    """``switch_margin`` nats are needed to leave the dialect a call is in. A call is heard poorly when the mean

    confidence of its last ``poor_turns`` turns (of at least ``poor_characters`` characters together)
    is below ``poor_confidence``. A guess of another Chinese language by the engine is worth
    ``language_evidence`` nats, a confusion that paid off ``sound_evidence`` per nat it is cheaper.
    """

    switch_margin: float = 1.5
    poor_turns: int = 3
    poor_characters: int = 12
    poor_confidence: float = 0.55
    language_evidence: float = 3.0
    sound_evidence: float = 0.3


@dataclass(frozen=True, slots=True)
class DialectChoice:
    """The dialect to hear the next turn in; ``poor`` says that a person with ``seat_skill`` would hear better."""

    dialect: str
    changed: bool = False
    asked: bool = False
    poor: bool = False
    seat_skill: str = ""


class DialectChooser:
    """The belief about one call. Pure: it is told what was heard and answers with a choice."""

    def __init__(
        self, packs: Mapping[str, DialectPack], prior: Mapping[str, float], settings: DialectSettings | None = None
    ):
        """``prior`` is the city's share of callers by dialect; it need not sum to one."""
        self._packs = packs
        self._settings = settings or DialectSettings()
        self._belief = {name: math.log(max(prior.get(name, 0.0), _RARE)) for name in packs}
        self._current = max(self._belief, key=lambda name: self._belief[name])
        self._asked = False
        self._recent: deque[tuple[float, int]] = deque(maxlen=self._settings.poor_turns)

    @property
    def choice(self) -> DialectChoice:
        """The choice as it stands."""
        return DialectChoice(
            self._current, asked=self._asked, poor=self._poor(), seat_skill=self._packs[self._current].seat_skill
        )

    def hear(self, transcript: Transcript) -> DialectChoice:
        """Take a final transcript; the choice holds from the next turn on."""
        before = self._current
        if transcript.raw_text:
            self._recent.append((transcript.mean_confidence, len(transcript.raw_text)))
        if asked := self._asked_for(transcript.raw_text):
            self._asked, self._current = True, asked
        elif not self._asked:
            self._weigh(transcript)
            best = max(self._belief, key=lambda name: self._belief[name])
            if self._belief[best] >= self._belief[self._current] + self._settings.switch_margin:
                self._current = best
        if self._current != before:
            self._recent.clear()  # the new dialect gets its own chance to be understood
        choice = self.choice
        return DialectChoice(choice.dialect, self._current != before, choice.asked, choice.poor, choice.seat_skill)

    def _asked_for(self, text: str) -> str | None:
        for name, pack in self._packs.items():
            names = "|".join(map(re.escape, pack.called))
            if re.search(
                rf"(?<!不会)(?<!不)(说|讲|用|听得?懂|听|会)(点|一点|的是|的)?({names})(?!.{{0,2}}(听不懂|不会))", text
            ):
                return name
        return None

    def _weigh(self, transcript: Transcript) -> None:
        for name, pack in self._packs.items():
            evidence = sum(word.evidence * len(word.places(transcript.raw_text)) for word in pack.words)
            if transcript.language == pack.language != self._packs[_BASE].language:
                evidence += self._settings.language_evidence
            evidence += sum(self._cheaper(pack, correction) for correction in transcript.corrections)
            self._belief[name] += evidence

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
