"""Hearing: audio becomes finished turns; the caller's voice holds or stops the bot's."""

import asyncio
import math
from dataclasses import dataclass

import structlog
from pipecat.frames.frames import Frame, InputDTMFFrame, StartFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from voicebot.audio.level import rms_dbfs
from voicebot.audio.ring import SampleRing
from voicebot.core.errors import HotlineError
from voicebot.core.frames import FRAME_BYTES, AudioFrame, ms_to_samples, samples_to_ms
from voicebot.core.ports import Ear, Endpointer, RecogniserStream, VoiceDetector
from voicebot.core.speech import Expect, HearingContext, Transcript
from voicebot.core.timeline import Instant, Timeline
from voicebot.core.turn import TurnEvent, TurnEventKind
from voicebot.pipeline.digits import DigitCollector
from voicebot.pipeline.frames import CallerTurnFrame, DigitsFrame, ReleaseFrame, SilenceFrame
from voicebot.pipeline.state import CallState, CallTime
from voicebot.turns.barge_in import BargeIn, Floor
from voicebot.turns.completeness import is_backchannel
from voicebot.turns.silence import SilenceTimer

log = structlog.get_logger(__name__)

_AROUND_MS = 300.0  # of a turn's sound that is the silence before and behind the voice
_LOOK_BACK = ms_to_samples(1000)


@dataclass(slots=True)
class _Listening:
    """A turn in progress. ``over_bot`` while it began under the bot's voice and has not stopped it."""

    turn: int
    start: int
    stream: RecogniserStream
    over_bot: bool


class Hearing(FrameProcessor):
    """One frame in, at most a few decisions out; recognition runs elsewhere."""

    def __init__(
        self,
        detector: VoiceDetector,
        endpointer: Endpointer,
        barge_in: BargeIn,
        silence: SilenceTimer,
        ear: Ear,
        digits: DigitCollector,
        state: CallState,
        timeline: Timeline,
        call_time: CallTime,
    ):
        super().__init__(enable_direct_mode=True)
        self._detector = detector
        self._endpointer = endpointer
        self._barge_in = barge_in
        self._silence = silence
        self._ear = ear
        self._digits = digits
        self._state = state
        self._timeline = timeline
        self._call_time = call_time
        self._ring = SampleRing(_LOOK_BACK)
        self._listening: _Listening | None = None
        self._next_turn = 0
        self._bot_was_speaking = False
        self._partial: tuple[str, str, float | None] | None = None
        # Turns whose final pass runs; a caller cannot finish 16 turns within one pass. When full, the turn waits here.
        self._finals: asyncio.Queue[tuple[_Listening, TurnEvent]] = asyncio.Queue(maxsize=16)
        self._finishing: asyncio.Task[None] | None = None

    def _start_tasks(self) -> None:
        # Start the task that waits for final transcripts, in order.
        self._finishing = self.create_task(self._finish_all(), "final-text")

    async def cleanup(self) -> None:
        """Drop the turn in progress."""
        await super().cleanup()
        if self._finishing:
            await self.cancel_task(self._finishing)
        if self._listening:
            self._listening.stream.close()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Digits end here; everything else passes."""
        await super().process_frame(frame, direction)
        if isinstance(frame, StartFrame):
            self._start_tasks()
            await self.push_frame(frame, direction)
        elif isinstance(frame, InputDTMFFrame):
            await self._press(frame.button.value)
        else:
            await self.push_frame(frame, direction)

    async def hear(self, audio: AudioFrame) -> None:
        """Take the caller's next 20 ms, one frame after the other and only between start and end of the pipeline."""
        self._call_time.arrived(audio)
        self._ring.push(audio)
        if self._state.bridged is not None:
            self._state.bridged(audio.pcm)
        speech = self._detector.push(audio.pcm)
        self._endpointer.expect(self._state.expects)
        await self._note_partial()
        await self._mind_the_bot(speech, audio)
        level = rms_dbfs(audio.pcm) if self._listening else None  # a lull ends a turn of the caller's
        for event in self._endpointer.push(speech, audio.position, level):
            await self._follow(event)
        if self._listening:
            self._listening.stream.push(audio)
        await self._mind_silence(audio)
        if collected := self._digits.tick(samples_to_ms(audio.end), self._state.expects):
            await self.push_frame(DigitsFrame(digits=collected))

    async def _note_partial(self) -> None:
        if not self._listening or not (partial := self._listening.stream.partial()):
            return
        newest = (partial.text, partial.raw_text, partial.ending)
        if newest != self._partial:
            self._partial = newest
            self._state.hearing(partial.text)
            self._endpointer.hear(partial.text, partial.ending, partial.end)
            # An interruption is judged by all that was heard, not only by what two passes agree upon.
            words = max(partial.text, partial.raw_text, key=len)
            await self._act_on(self._barge_in.hear(words, partial.mean_confidence))

    async def _mind_the_bot(self, speech: float, audio: AudioFrame) -> None:
        if self._state.bot_speaking != self._bot_was_speaking:
            self._bot_was_speaking = self._state.bot_speaking
            if self._state.bot_speaking:
                self._barge_in.bot_begins(interruptible=self._state.interruptible)
            else:
                self._barge_in.bot_ends()
        if self._state.bot_speaking:
            await self._act_on(self._barge_in.push(speech, audio.position))

    async def _act_on(self, floor: Floor) -> None:
        if floor is Floor.DUCK:
            self._state.held = True
            await self.broadcast_interruption()
        elif floor is Floor.STOP:
            self._state.held = False
            if self._listening:
                self._listening.over_bot = False
            await self.broadcast_interruption()
        elif floor is Floor.RESUME:
            await self.push_frame(ReleaseFrame())

    async def _follow(self, event: TurnEvent) -> None:
        if event.kind is TurnEventKind.STARTED:
            self._open(event)
        elif self._listening is None:
            return
        elif event.kind is TurnEventKind.HUSHED:
            self._listening.stream.speculate(event.speech_end, early=True)
        elif event.kind is TurnEventKind.PAUSED:
            self._listening.stream.speculate(event.speech_end)
        elif event.kind is TurnEventKind.RESUMED:
            self._listening.stream.resume()
        elif event.kind is TurnEventKind.ENDED:
            listening, self._listening = self._listening, None
            self._state.caller_speaking = False
            self._timeline.stamp(listening.turn, Instant.SPEECH_END, samples_to_ms(event.speech_end))
            self._timeline.stamp(listening.turn, Instant.END_OF_TURN, samples_to_ms(event.position))
            await self._finals.put((listening, event))

    def _open(self, event: TurnEvent) -> None:
        over_bot = self._state.bot_speaking
        context = HearingContext(self._state.language, expects=self._state.expects, over_bot=over_bot)
        stream = self._ear.open(context)
        start = max(event.position, self._ring.start)
        position = start
        pcm = self._ring.read(start, self._ring.end)
        # The newest frame is pushed by the caller of this method, so the look-back stops before it.
        for offset in range(0, len(pcm) - FRAME_BYTES, FRAME_BYTES):
            chunk = pcm[offset : offset + FRAME_BYTES]
            stream.push(AudioFrame(chunk, position))
            position += len(chunk) // 2
        self._partial = None
        self._listening = _Listening(self._next_turn, start, stream, over_bot)
        self._state.caller_speaking = True
        self._next_turn += 1

    async def _finish_all(self) -> None:
        while True:
            listening, event = await self._finals.get()
            failure = ""
            try:
                heard = await listening.stream.finish()
            except HotlineError as error:
                failure = error.code
                heard = Transcript("", "", listening.start, event.speech_end)
                log.error("recognition_failed", code=error.code)
            finally:
                listening.stream.close()
            self._timeline.stamp(listening.turn, Instant.FINAL_TEXT, self._call_time.now_ms())
            if not failure and self._is_aside(listening, heard):
                await self._act_on(self._barge_in.hear(heard.text, heard.mean_confidence))
                continue
            if listening.over_bot and self._state.bot_speaking and self._state.interruptible:
                self._barge_in.bot_ends()
                await self._act_on(Floor.STOP)
            await self.push_frame(CallerTurnFrame(turn=listening.turn, heard=heard, failure=failure))

    def _is_aside(self, listening: _Listening, heard: Transcript) -> bool:
        """Said under the bot's voice without stopping it: 嗯, noise, or nothing at all is not a turn.

        Into the last words of a question a short answer is likely, and 对 is one where a yes is wanted.
        """
        if not listening.over_bot:
            return False
        expects = self._state.expects if self._state.nearly_said else Expect.ANYTHING
        voice_ms = samples_to_ms(heard.end - heard.start) - _AROUND_MS if expects is Expect.ANYTHING else math.inf
        if not heard.text or not self._barge_in.believes(heard.text, heard.mean_confidence, voice_ms):
            return True
        return is_backchannel(heard.text) and expects is not Expect.YES_NO

    async def _mind_silence(self, audio: AudioFrame) -> None:
        if (
            self._state.bridged
            or self._state.bot_speaking
            or self._state.thinking
            or self._listening
            or not self._finals.empty()
        ):
            self._silence.sound(audio.end)
            return
        silent_ms = self._silence.push(audio.end)
        if silent_ms is not None:
            await self.push_frame(SilenceFrame(silence_ms=silent_ms))

    async def _press(self, key: str) -> None:
        if self._barge_in.press() is Floor.STOP:
            self._state.held = False
            await self.broadcast_interruption()
        if collected := self._digits.press(key, self._call_time.now_ms(), self._state.expects):
            await self.push_frame(DigitsFrame(digits=collected))
