"""Is the caller's sound while the bot speaks an interruption? Pure; positions are the only clock.

Two steps: a voice holds the bot at once (`Floor.DUCK`: silence its audio and keep the rest), and only what
turns out to be a real interruption stops it for good. A cough, a door or 嗯 lets it go on where it was held. The words
decide; since the held bot is silent already, the caller loses nothing while it waits for them.
"""

from enum import StrEnum
from typing import NamedTuple

from voicebot.core.frames import FRAME_SAMPLES, samples_to_ms
from voicebot.turns.completeness import bare, is_backchannel, takes_floor
from voicebot.turns.settings import TurnSettings

_WORDS = 3
"""Characters that interrupt while the voice goes on."""
_SAID = 2
"""Characters that interrupt when the voice ended behind them: 什么, 不要."""

_SHORT_MS = 1000.0


class Floor(StrEnum):
    """What the bot's voice should do now."""

    NONE = "none"  # as before
    DUCK = "duck"  # hold the voice, keep what is left
    STOP = "stop"  # the caller has the floor; throw the rest away
    RESUME = "resume"  # it was nothing: go on from where it was held


class _Words(NamedTuple):
    """What the newest words of the caller amount to."""

    characters: int = 0
    take_floor: bool = False
    listening: bool = False  # only the sounds of a listener


class BargeIn:
    """Decides for one call; told when the bot begins and ends to speak."""

    def __init__(self, settings: TurnSettings):
        self._settings = settings
        self._speaking = False
        self._interruptible = True
        self._forget()

    @property
    def held(self) -> bool:
        """Is the bot's voice being held?"""
        return self._held

    def bot_begins(self, *, interruptible: bool = True) -> None:
        """The bot begins to speak; a mandatory notice is not ``interruptible`` by voice."""
        self._speaking, self._interruptible = True, interruptible
        self._forget()

    def bot_ends(self) -> None:
        """The bot has finished or was stopped."""
        self._speaking = False
        self._forget()

    def _forget(self) -> None:
        self._held = False
        self._voiced_ms = 0.0
        self._last_voice: int | None = None
        self._words: _Words | None = None  # None: the recogniser has not said yet
        self._passed_over = False

    def push(self, speech: float, position: int) -> Floor:
        """Take one 20 ms frame of the caller's side: the probability of a voice in it, and where it begins."""
        if not self._speaking:
            return Floor.NONE
        end = position + FRAME_SAMPLES
        if speech >= self._settings.start_threshold:
            self._last_voice = end
            self._voiced_ms += samples_to_ms(FRAME_SAMPLES)
        silent_ms = 0.0 if self._last_voice is None else samples_to_ms(end - self._last_voice)
        if silent_ms >= self._settings.release_ms:
            return self._fell_silent(silent_ms)
        return self._decide()

    def hear(self, words: str, confidence: float = 1.0) -> Floor:
        """The newest words of what the caller says over the bot; empty when a pass found none in it.

        ``confidence`` is their mean probability: what is made of a cough, a crowd or music has little.
        """
        believed = self.believes(words, confidence, self._voiced_ms)
        self._words = _Words(len(bare(words)), takes_floor(words), is_backchannel(words)) if believed else _Words()
        return self._decide() if self._speaking else Floor.NONE

    def believes(self, words: str, confidence: float, voiced_ms: float) -> bool:
        """Are these words, of this mean probability, to be taken for words when they are said over the bot?

        What is short and badly heard is mostly 嗯嗯 or a cough.
        """
        short = voiced_ms < _SHORT_MS and not takes_floor(words)
        settings = self._settings
        return confidence >= (settings.interrupt_confidence_short if short else settings.interrupt_confidence)

    def press(self) -> Floor:
        """A key was pressed: that always stops the bot, since keys are never noise."""
        if not self._speaking:
            return Floor.NONE
        self.bot_ends()
        return Floor.STOP

    def _fell_silent(self, silent_ms: float) -> Floor:
        if self._held and self._words is None and silent_ms < self._settings.release_without_words_ms:
            return Floor.NONE  # the words are on their way
        if self._held and self._words is not None and self._words.characters >= _SAID and not self._words.listening:
            self.bot_ends()
            return Floor.STOP
        held = self._held
        self._forget()
        return Floor.RESUME if held else Floor.NONE

    def _decide(self) -> Floor:
        if not self._interruptible:
            return Floor.NONE
        if self._is_interruption():
            self.bot_ends()
            return Floor.STOP
        wordless = self._words is not None and not self._words.characters
        if self._held and wordless and self._voiced_ms >= self._settings.interrupt_ms:
            # A long sound without a word, such as a television: the bot goes on, and only words stop it now.
            self._held, self._passed_over = False, True
            return Floor.RESUME
        if not self._held and not self._passed_over and self._voiced_ms >= self._settings.duck_ms:
            self._held = True
            return Floor.DUCK
        return Floor.NONE

    def _is_interruption(self) -> bool:
        if self._voiced_ms < self._settings.duck_ms:
            return False  # words without a voice come from the bot's echo or from thin air
        if self._words is None:
            return self._voiced_ms >= self._settings.interrupt_ms  # the recogniser is late: a long voice is somebody
        if self._words.take_floor:
            return True
        if self._words.listening:
            # 对对对对 may go on for a while; it becomes an interruption when it is twice as long as a sentence's start
            return self._voiced_ms >= 2 * self._settings.interrupt_ms
        return self._words.characters >= _WORDS
