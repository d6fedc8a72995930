"""A recogniser of ours as an ordinary speech-to-text service, for pipecat pipelines that are not ours."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

import structlog
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import STTService
from pipecat.transcriptions.language import Language
from pipecat.utils.time import time_now_iso8601

from voicebot.audio.resample import Resampler
from voicebot.core.errors import HotlineError
from voicebot.core.frames import FRAME_BYTES, SAMPLE_RATE_HZ, AudioFrame, ms_to_samples
from voicebot.core.ports import Ear, RecogniserStream
from voicebot.core.speech import HearingContext, Transcript

log = structlog.get_logger(__name__)

_LOOK_BACK_FRAMES = 50  # one second; a detector needs some of the first word to be sure
_FINAL_P99_S = 0.5  # from the end of speech to the text, on two cores


class RecogniserService(STTService):
    """Transcribes what lies between the voice detector's frames; put it behind pipecat's `VADProcessor`.

    The recogniser must have been started; it is shared by as many pipelines as there are calls. Audio may come
    at 8 kHz or a multiple. Partial texts are pushed as `InterimTranscriptionFrame`, final ones as
    `TranscriptionFrame` with our own `Transcript` as its ``result``; a failure is pushed as an error frame.
    """

    def __init__(self, ear: Ear, context: HearingContext | None = None):
        super().__init__(
            ttfs_p99_latency=_FINAL_P99_S, settings=STTSettings(model="hotline-voicebot", language=Language.ZH)
        )
        self._ear = ear
        self._context = context or HearingContext()
        self._resampler: Resampler | None = None
        self._rest = bytearray()
        self._position = 0
        self._recent: deque[AudioFrame] = deque(maxlen=_LOOK_BACK_FRAMES)  # full: the oldest goes
        self._stream: RecogniserStream | None = None
        self._interim = ""
        self._finishing: set[asyncio.Task[None]] = set()

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Take audio as it comes; yields a frame when the partial text has changed."""
        if self._resampler is None and self.sample_rate != SAMPLE_RATE_HZ:
            self._resampler = Resampler(self.sample_rate, SAMPLE_RATE_HZ)
        self._rest += self._resampler.push(audio) if self._resampler else audio
        while len(self._rest) >= FRAME_BYTES:
            frame = AudioFrame(bytes(self._rest[:FRAME_BYTES]), self._position)
            del self._rest[:FRAME_BYTES]
            self._position = frame.end
            if self._stream is None:
                self._recent.append(frame)
            else:
                self._stream.push(frame)
        partial = self._stream.partial() if self._stream else None
        if partial is not None and partial.raw_text != self._interim:
            self._interim = partial.raw_text
            yield InterimTranscriptionFrame(partial.raw_text, self._user_id, time_now_iso8601(), _language(partial))

    async def stop(self, frame: EndFrame) -> None:
        """Wait for the texts of turns that are over, so that they reach whoever listens before the end."""
        await asyncio.gather(*self._finishing)
        await super().stop(frame)

    async def cancel(self, frame: CancelFrame) -> None:
        """Drop everything."""
        for task in self._finishing:
            task.cancel()
        await super().cancel(frame)

    async def cleanup(self) -> None:
        """Drop the turn in progress."""
        await super().cleanup()
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    async def _handle_vad_user_started_speaking(self, frame: VADUserStartedSpeakingFrame) -> None:
        await super()._handle_vad_user_started_speaking(frame)
        if self._stream is not None:
            return
        self._interim = ""
        self._stream = self._ear.open(self._context)
        begun = ms_to_samples(1000 * frame.start_secs + 300)
        for each in self._recent:
            if each.end > self._position - begun:
                self._stream.push(each)
        self._recent.clear()

    async def _handle_vad_user_stopped_speaking(self, frame: VADUserStoppedSpeakingFrame) -> None:
        await super()._handle_vad_user_stopped_speaking(frame)
        stream, self._stream = self._stream, None
        if stream is not None:
            task = asyncio.create_task(self._finish(stream), name="final-text")
            self._finishing.add(task)
            task.add_done_callback(self._finishing.discard)

    async def _finish(self, stream: RecogniserStream) -> None:
        try:
            heard = await stream.finish()
        except HotlineError as error:
            log.error("recognition_failed", code=error.code)
            await self.push_error(str(error), exception=error)
            return
        finally:
            stream.close()
        if heard.text:
            await self.push_frame(
                TranscriptionFrame(
                    heard.text, self._user_id, time_now_iso8601(), _language(heard), result=heard, finalized=True
                )
            )


def _language(heard: Transcript) -> Language:
    return Language.EN if heard.language == "en" else Language.ZH
