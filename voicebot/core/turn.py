"""Who said what, when."""

from dataclasses import dataclass
from enum import StrEnum

from voicebot.core.speech import Correction


class Speaker(StrEnum):
    """The parties of a call."""

    CALLER = "caller"
    BOT = "bot"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn as it goes on record.

    ``start_ms`` and ``end_ms`` count from answer. For the caller, ``raw_text`` is what the engine
    wrote and ``text`` what was understood. For the bot, ``raw_text`` is what it meant to say and
    ``text`` what the caller really heard of it.
    """

    index: int
    speaker: Speaker
    text: str
    raw_text: str
    start_ms: float
    end_ms: float
    confidence: float = 1.0
    language: str = "zh"
    source: str | None = None
    corrections: tuple[Correction, ...] = ()


class TurnEventKind(StrEnum):
    """What the endpointer can say about the caller's speech."""

    STARTED = "started"  # speech began; ``position`` is its first sample
    HUSHED = "hushed"  # the level fell, ``speech_end`` is where: speculate now if there is nothing else to do
    PAUSED = "paused"  # a short silence: speculate now
    RESUMED = "resumed"  # it was only a pause: throw the speculation away
    ENDED = "ended"  # the turn is over; ``speech_end`` is its last sample


@dataclass(frozen=True, slots=True)
class TurnEvent:
    """A change in the caller's speech, at a position in samples since answer."""

    kind: TurnEventKind
    position: int
    speech_end: int = 0
