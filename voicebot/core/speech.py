"""What was heard, and what the recogniser may know before it listens."""

from dataclasses import dataclass
from enum import StrEnum


class Expect(StrEnum):
    """The kind of answer the last question asked for; hearing and turn-taking adapt to it."""

    ANYTHING = "anything"
    YES_NO = "yes_no"
    DIGITS = "digits"
    ADDRESS = "address"
    NAME = "name"
    TIME = "time"
    RATING = "rating"


@dataclass(frozen=True, slots=True)
class HearingContext:
    """What the recogniser is told before a turn.

    ``language`` is an ISO 639 code the engine should assume, or "auto". ``dialect`` names a dialect
    pack, ``hint`` is a sentence of the kind to be expected, for engines that take one. ``previous`` is the
    text of the turn so far when a long turn is cut at a pause. ``over_bot``: the turn began into the bot's own words.
    """

    language: str = "zh"
    dialect: str = "mandarin"
    expects: Expect = Expect.ANYTHING
    previous: str = ""
    hint: str = ""
    over_bot: bool = False


@dataclass(frozen=True, slots=True)
class Correction:
    """One change between what the engine wrote and what was taken: ``raw_text[start:end]`` became ``written``."""

    start: int
    end: int
    heard: str
    written: str
    reason: str


@dataclass(frozen=True, slots=True)
class DialectNotice:
    """What became known with a turn about the dialect of the caller, who asked for it or is heard poorly.

    ``text`` is what to tell them; ``seat_skill`` the skill of a person who speaks the dialect.
    ``hand_over`` says that such a person should take over, ``whole_turn`` that the turn said nothing else.
    """

    dialect: str
    text: str
    seat_skill: str
    hand_over: bool = False
    whole_turn: bool = False


@dataclass(frozen=True, slots=True)
class Transcript:
    """One recognised stretch of speech.

    ``raw_text`` is the engine's own text, ``text`` the corrected one. ``confidence`` holds a
    probability in [0, 1] for each character of ``raw_text`` (empty when the engine gives none).
    ``start`` and ``end`` are positions in samples since answer. An empty ``text`` of a final
    transcript means: there was sound, but nothing that is speech. ``notice`` is there when something about
    the caller's dialect has to be said or done. ``ending`` is the log-odds that the voice before a silence sounded
    finished; None when the engine cannot tell.
    """

    text: str
    raw_text: str
    start: int
    end: int
    final: bool = True
    language: str = "zh"
    dialect: str = "mandarin"
    engine: str = ""
    confidence: tuple[float, ...] = ()
    corrections: tuple[Correction, ...] = ()
    notice: DialectNotice | None = None
    ending: float | None = None

    @property
    def mean_confidence(self) -> float:
        """Mean character probability; 1.0 when the engine gives none, 0.0 for an empty text."""
        if not self.raw_text:
            return 0.0
        return sum(self.confidence) / len(self.confidence) if self.confidence else 1.0
