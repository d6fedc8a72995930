"""Speaking: texts become audio one after the other, and what the caller heard of each is known."""

import asyncio
import math
from collections import deque
from collections.abc import Callable

import structlog
from pipecat.frames.frames import Frame, InterruptionFrame, OutputAudioRawFrame, StartFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from voicebot.core.errors import HotlineError
from voicebot.core.frames import FRAME_BYTES, SAMPLE_RATE_HZ, ms_to_samples
from voicebot.core.ports import Line, Synthesiser
from voicebot.core.speech import Expect
from voicebot.core.timeline import Instant, Timeline
from voicebot.pipeline.frames import ReleaseFrame, SpeakFrame, SpokenFrame
from voicebot.pipeline.observer import Observer
from voicebot.pipeline.state import CallState, CallTime
from voicebot.pipeline.utterance import Utterance
from voicebot.tts.sentences import split_clauses

log = structlog.get_logger(__name__)

_AHEAD_SAMPLES = ms_to_samples(240)  # handed on and not yet heard: covers stalls of the event loop; flushed on barge-in
_MUSIC_AHEAD_SAMPLES = ms_to_samples(80)
_TICK_S = 0.01
_MUSIC_LOOK_S = 0.1  # how often a silent bot that has music looks whether somebody waits
_LAST_WORDS_SAMPLES = ms_to_samples(800)  # of a question: who answers here has understood it
_PATIENCE_MS = 700.0  # a voice that takes longer to begin is preceded by a word that asks for patience


class Speaking(FrameProcessor):
    """Never two voices at once; an interruption holds or stops it and tells what was heard."""

    def __init__(
        self,
        line: Line,
        synthesiser: Synthesiser,
        state: CallState,
        timeline: Timeline,
        call_time: CallTime,
        observer: Observer,
        patience_text: Callable[[str], str],
        hold_music: bytes = b"",
    ):
        """``patience_text``, by language, is said when a reply's voice is slow; it has to be ready in the cache.

        ``hold_music`` (8 kHz int16, repeated) is played to a caller who waits for a person, between the words.
        """
        super().__init__(enable_direct_mode=True)
        self._patience_text = patience_text
        self._line = line
        self._synthesiser = synthesiser
        self._state = state
        self._timeline = timeline
        self._call_time = call_time
        self._observer = observer
        # Filled by the dialog only, a few texts a turn; emptied by an interruption.
        self._utterances: deque[Utterance] = deque()
        self._hold_music = hold_music
        self._music_at = 0  # bytes
        self._written = 0
        self._in_hole = False
        self._to_make = asyncio.Event()
        self._to_say = asyncio.Event()
        self._making: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def _start_tasks(self) -> None:
        # Start two tasks: one makes the voice, one hands it on and watches what is heard.
        self._written = self._line.played().heard
        self._tasks = [self.create_task(self._make_all(), "voice"), self.create_task(self._play_all(), "playing")]

    async def cleanup(self) -> None:
        """Stop both tasks, and the voice that is being made."""
        await super().cleanup()
        for task in self._tasks:
            await self.cancel_task(task)
        if self._making:
            self._making.cancel()
            await asyncio.wait([self._making])

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Queue texts; hold, release or stop the voice; pass everything else on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, SpeakFrame):
            self._utterances.append(Utterance(frame, queued_ms=self._call_time.now_ms()))
            self._settle(self._line.played().heard)
            self._to_make.set()
            self._to_say.set()
        elif isinstance(frame, ReleaseFrame):
            self._state.held = False
        else:
            if isinstance(frame, StartFrame):
                self._start_tasks()
            elif isinstance(frame, InterruptionFrame) and direction is FrameDirection.DOWNSTREAM:
                await self._interrupt()
            await self.push_frame(frame, direction)

    async def finish(self) -> None:
        """The call is over: report what was heard of what was being said."""
        await self._stop()

    async def _interrupt(self) -> None:
        """Behind this stage all that was not heard is flushed: go back to what was heard, or give up the rest."""
        if not self._state.held:
            await self._stop()
        heard = self._line.played().heard
        for utterance in self._utterances:
            utterance.rewind(heard)
        self._written = heard

    async def _stop(self) -> None:
        if self._making:
            self._making.cancel()
        utterances, self._utterances = self._utterances, deque()
        heard = self._line.played().heard
        for utterance in utterances:
            await self._close(utterance, heard, interrupted=True)
        self._settle(heard)

    async def _make_all(self) -> None:
        while True:
            await self._to_make.wait()
            self._to_make.clear()
            while utterance := next((one for one in self._utterances if not one.made), None):
                self._making = asyncio.create_task(self._make(utterance))
                await asyncio.wait([self._making])
                utterance.made = True

    async def _make(self, utterance: Utterance) -> None:
        if not utterance.frame.text:
            return
        try:
            # Clause by clause, so that it is known to the clause what an interrupted caller has heard.
            for clause in split_clauses(utterance.frame.text):
                begin = utterance.samples
                async for pcm in self._synthesiser.speak(clause):
                    utterance.audio.extend(pcm)
                utterance.clauses.append((clause, begin, utterance.samples))
        except HotlineError as error:
            utterance.failed = True
            self._observer.fault("voice", error.code)
            log.error("voice_failed", code=error.code)

    async def _play_all(self) -> None:
        while True:
            if self._utterances:
                heard = self._line.played().heard
                await self._hand_on(heard)
                await self._watch(heard)
            elif self._hold_music and self._state.waiting:
                await self._play_music()
            else:
                await self._rest()
                continue
            await asyncio.sleep(_TICK_S)

    async def _rest(self) -> None:
        """Until there is something to say, or somebody may wait for whom there is music."""
        self._to_say.clear()
        look = asyncio.get_running_loop().call_later(_MUSIC_LOOK_S, self._to_say.set) if self._hold_music else None
        try:
            await self._to_say.wait()
        finally:
            if look is not None:
                look.cancel()

    async def _hand_on(self, heard: int) -> None:
        while not self._state.held and self._written - heard < _AHEAD_SAMPLES:
            utterance = next((one for one in self._utterances if not one.handed_all), None)
            if utterance is None:
                return
            if utterance.handed == 0:
                utterance.first = self._written
            pcm = utterance.next_frame()
            if pcm is None:
                self._note_underrun(utterance, heard)
                await self._ask_for_patience(utterance)
                return
            self._in_hole = False
            self._written += len(pcm) // 2
            await self.push_frame(OutputAudioRawFrame(audio=pcm, sample_rate=SAMPLE_RATE_HZ, num_channels=1))

    async def _play_music(self) -> None:
        """Little ahead, so that words need not wait behind it; none while the caller speaks or is asked something."""
        quiet = self._state.caller_speaking or self._state.expects is Expect.YES_NO
        if quiet or self._written - self._line.played().heard >= _MUSIC_AHEAD_SAMPLES:
            return
        pcm = self._hold_music[self._music_at : self._music_at + FRAME_BYTES].ljust(FRAME_BYTES, b"\0")
        self._music_at = (self._music_at + FRAME_BYTES) % len(self._hold_music)
        self._written += len(pcm) // 2
        await self.push_frame(OutputAudioRawFrame(audio=pcm, sample_rate=SAMPLE_RATE_HZ, num_channels=1))

    def _note_underrun(self, utterance: Utterance, heard: int) -> None:
        if utterance.handed and not self._in_hole and heard >= self._written:
            self._in_hole = True
            self._observer.underruns(1)

    async def _ask_for_patience(self, slow: Utterance) -> None:
        """An answer whose voice is not there yet: say so instead of being silent, once, and only in an answer."""
        waited_ms = self._call_time.now_ms() - slow.queued_ms
        if slow is not self._utterances[0] or slow.samples or slow.frame.turn < 0 or slow.asked_for_patience:
            return
        if waited_ms < _PATIENCE_MS:
            return
        slow.asked_for_patience = True
        word = Utterance(
            SpeakFrame(text=self._patience_text(self._state.language), turn=slow.frame.turn), asked_for_patience=True
        )
        await self._make(word)
        word.made = True
        if word.samples and slow in self._utterances:
            self._utterances.insert(self._utterances.index(slow), word)

    async def _watch(self, heard: int) -> None:
        for utterance in self._utterances:
            if utterance.start_ms is None and utterance.handed and heard > utterance.first:
                self._begin(utterance)
        while self._utterances and self._utterances[0].heard_all(heard):
            await self._close(self._utterances.popleft(), heard, interrupted=False)
            if self._utterances:
                self._utterances[
                    0
                ].queued_ms = self._call_time.now_ms()  # patience is asked for silence, not for a queue
        self._settle(heard)

    def _begin(self, utterance: Utterance) -> None:
        utterance.start_ms = self._call_time.now_ms()
        if utterance.frame.turn >= 0:
            self._timeline.stamp(utterance.frame.turn, Instant.FIRST_AUDIO_OUT, utterance.start_ms)

    async def _close(self, utterance: Utterance, heard: int, *, interrupted: bool) -> None:
        now_ms = self._call_time.now_ms()
        spoken = "" if utterance.failed and not utterance.samples else utterance.spoken(heard)
        if utterance.frame.text:
            frame = SpokenFrame(
                text=utterance.frame.text,
                heard=spoken,
                start_ms=utterance.start_ms if utterance.start_ms is not None else now_ms,
                end_ms=now_ms,
                source=utterance.frame.source,
                interrupted=interrupted and spoken != utterance.frame.text,
                failed=utterance.failed,
            )
            await self.push_frame(frame, FrameDirection.UPSTREAM)
        if utterance.frame.hang_up_after and not interrupted:
            await self._line.hang_up()

    def _left_samples(self, heard: int) -> float:
        if not all(one.made for one in self._utterances):
            return math.inf
        left = sum(one.samples for one in self._utterances)
        if self._utterances and self._utterances[0].handed:
            left -= heard - self._utterances[0].first
        return left

    def _settle(self, heard: int) -> None:
        self._state.bot_speaking = bool(self._utterances)
        self._state.interruptible = all(one.frame.interruptible for one in self._utterances)
        self._state.nearly_said = self._left_samples(heard) <= _LAST_WORDS_SAMPLES
        if not self._utterances:
            self._state.held = False
