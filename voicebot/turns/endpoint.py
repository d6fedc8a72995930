"""When a caller has begun, paused, and finished. Positions are the only clock."""

from collections.abc import Sequence
from enum import StrEnum

from voicebot.core.frames import FRAME_SAMPLES, ms_to_samples, samples_to_ms
from voicebot.core.speech import Expect
from voicebot.core.turn import TurnEvent, TurnEventKind
from voicebot.turns.completeness import Completeness, judge
from voicebot.turns.lull import LullChange, LullDetector
from voicebot.turns.settings import TurnSettings
from voicebot.turns.wait import CallerPauses, choose_wait_ms


class _State(StrEnum):
    IDLE = "idle"
    SPEAKING = "speaking"
    PAUSED = "paused"


class AdaptiveEndpointer:
    """`Endpointer` whose patience follows the question, the words and the caller.

    Idle -> (enough voice) STARTED -> speaking -> (a short silence) PAUSED -> either (voice again) RESUMED
    or (the wait is over) ENDED. Voice begins above ``start_threshold`` and goes on down to
    ``stop_threshold``, so a soft syllable does not break a word. The detector goes on hearing a voice for a
    moment after it ended (median 107 ms over 60 utterances); ``release_lag_ms`` of that is taken
    off, so that a wait of 300 ms is 300 ms for the caller. A fall of the level comes sooner: HUSHED while speaking,
    then either PAUSED or (the level is back) RESUMED.
    """

    def __init__(self, settings: TurnSettings):
        self._settings = settings
        self._expects = Expect.ANYTHING
        self._completeness = Completeness.OPEN
        self._known_to = 0  # where the text ends that this is known from
        self._lull = LullDetector(settings)
        self._hushed = False
        self._pauses = CallerPauses()
        self._state = _State.IDLE
        self._earliest = 0  # a new turn does not reach back into the one before
        self._start = 0
        self._speech_end = 0
        self._last_end: int | None = None  # where the turn before ended
        self._voice_from: int | None = None  # where the voice that is not yet a beginning began
        self._voice_to = 0
        self._voiced_ms = 0.0

    @property
    def in_turn(self) -> bool:
        """Is a turn in progress?"""
        return self._state is not _State.IDLE

    @property
    def wait_ms(self) -> float:
        """The silence that would end the turn as things stand."""
        return choose_wait_ms(self._settings, self._expects, self._completeness, self._pauses.usual_ms)

    def expect(self, expects: Expect) -> None:
        """The next answer is of this kind."""
        self._expects = expects

    def hear(self, partial: str, ending: float | None = None, until: int = 0) -> None:
        """The newest partial text of the turn in progress and how it sounds; ignored between turns."""
        if self.in_turn:
            self._completeness = judge(partial, self._expects, ending)
            self._known_to = until

    def push(self, speech: float, position: int, level_dbfs: float | None = None) -> Sequence[TurnEvent]:
        """Take the speech probability and the level of the 20 ms frame at ``position``; return what changed.

        Without levels nothing is ever HUSHED.
        """
        if self._state is _State.IDLE:
            return self._wait_for_voice(speech, position)
        lull = None if level_dbfs is None else self._lull.push(level_dbfs, position)
        if self._state is _State.SPEAKING:
            return self._follow_voice(speech, position, lull)
        return self._wait_for_end(speech, position)

    def _wait_for_voice(self, speech: float, position: int) -> Sequence[TurnEvent]:
        if not self._gather(speech, position, self._settings.min_speech_ms):
            return ()
        assert self._voice_from is not None  # noqa: S101  what `_gather` promises
        lead = ms_to_samples(self._settings.onset_lead_ms)
        self._start = max(self._earliest, self._voice_from - lead)
        if self._last_end is not None:
            # The caller went on right after the turn was taken to be over: it was a pause of this length.
            gap_ms = samples_to_ms(self._voice_from - self._last_end)
            if gap_ms < self._settings.max_wait_ms:
                self._pauses.add(gap_ms)
        self._lull.reset()
        self._begin_speaking()
        return (TurnEvent(TurnEventKind.STARTED, self._start),)

    def _follow_voice(self, speech: float, position: int, lull: LullChange | None) -> Sequence[TurnEvent]:
        end = position + FRAME_SAMPLES
        if speech >= self._settings.stop_threshold:
            self._voice_to = end
            self._speech_end = max(self._start, end - ms_to_samples(self._settings.release_lag_ms))
        if end - self._start >= ms_to_samples(self._settings.max_turn_ms):
            return (*self._voice_is_back(position), *self._finish(end))
        if samples_to_ms(end - self._speech_end) < self._settings.pause_ms:
            if lull is LullChange.BEGAN:
                self._hushed = True
                return (TurnEvent(TurnEventKind.HUSHED, end, self._lull.began_at),)
            return self._voice_is_back(position) if lull is LullChange.OVER else ()
        self._state = _State.PAUSED
        self._hushed = False
        if self._known_to < self._speech_end:  # only a text of the whole stretch tells of its end
            self._completeness = Completeness.OPEN
        return (TurnEvent(TurnEventKind.PAUSED, end, self._speech_end),)

    def _voice_is_back(self, position: int) -> Sequence[TurnEvent]:
        hushed, self._hushed = self._hushed, False
        return (TurnEvent(TurnEventKind.RESUMED, position, self._lull.began_at),) if hushed else ()

    def _wait_for_end(self, speech: float, position: int) -> Sequence[TurnEvent]:
        end = position + FRAME_SAMPLES
        if self._gather(speech, position, self._settings.resume_ms):
            assert self._voice_from is not None  # noqa: S101  what `_gather` promises
            self._pauses.add(samples_to_ms(self._voice_from - self._speech_end))
            resumed_at = self._voice_from
            self._begin_speaking()
            return (TurnEvent(TurnEventKind.RESUMED, resumed_at, self._speech_end),)
        # A voice that has just set in holds the end back: it is a matter of frames until it is one or none.
        if self._voice_from is None and samples_to_ms(end - self._speech_end) >= self.wait_ms:
            return self._finish(end)
        return ()

    def _gather(self, speech: float, position: int, enough_ms: float) -> bool:
        """Add up voice, bridging one soft frame; True when there is enough to call it speech."""
        frame_ms = samples_to_ms(FRAME_SAMPLES)
        if speech >= self._settings.start_threshold:
            if self._voice_from is None:
                self._voice_from = position
            self._voice_to = position + FRAME_SAMPLES
            self._voiced_ms += frame_ms
            return self._voiced_ms >= enough_ms
        if self._voice_from is not None and position > self._voice_to:
            self._forget_voice()
        return False

    def _begin_speaking(self) -> None:
        self._state = _State.SPEAKING
        self._speech_end = max(self._start, self._voice_to - ms_to_samples(self._settings.release_lag_ms))
        self._completeness = Completeness.OPEN
        self._known_to = 0
        self._forget_voice()

    def _forget_voice(self) -> None:
        self._voice_from = None
        self._voiced_ms = 0.0

    def _finish(self, end: int) -> Sequence[TurnEvent]:
        self._state = _State.IDLE
        self._earliest = self._last_end = self._speech_end
        self._completeness = Completeness.OPEN
        self._forget_voice()
        return (TurnEvent(TurnEventKind.ENDED, end, self._speech_end),)
