"""FunASR on this machine: a first pass while the caller speaks, a second one over the whole turn, or either alone."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import structlog

from asr.batching import Pass, PassQueue, Urgency
from asr.correction import Corrector
from asr.engines.funasr_models import CHUNK_SAMPLES, RATE_HZ, FunAsrFinal, FunAsrFirst
from asr.engines.remote_text import corrected
from asr.engines.speech_model import Samples
from asr.settings import AsrSettings
from asr.streaming import StreamingRecogniser, to_samples
from voicebot.audio.resample import Resampler
from voicebot.core.errors import ConfigurationError, OverloadError
from voicebot.core.frames import SAMPLE_RATE_HZ, AudioFrame
from voicebot.core.ports import RecogniserCapabilities, RecogniserStream
from voicebot.core.speech import HearingContext, Transcript

log = structlog.get_logger(__name__)

_NEVER_MS = 1e9


@dataclass(frozen=True)
class _Chunk:
    """600 ms of a turn (less at its end) on the way to the streaming model."""

    cache: dict[str, Any]
    samples: Samples
    last: bool


class FunAsrRecogniser:
    """`Recogniser` on models of the FunASR library."""

    def __init__(self, settings: AsrSettings, corrector: Corrector | None = None):
        """Raises `ConfigurationError` when neither pass has a model."""
        if not settings.funasr_model and not settings.funasr_streaming_model:
            raise ConfigurationError(
                "The FunASR engine has no model.",
                code="funasr_model_unset",
                remedy="Set asr.funasr_model, asr.funasr_streaming_model, or both.",
            )
        self._settings = settings
        self._corrector = corrector
        self._first = (
            FunAsrFirst(settings.funasr_streaming_model, settings) if settings.funasr_streaming_model else None
        )
        self._second: StreamingRecogniser | None = None
        if settings.funasr_model:
            # With a first pass the second one hears whole turns only: partial texts come from the first.
            partials = {"partial_interval_ms": _NEVER_MS} if self._first else {}
            alone = settings.model_copy(update={"workers": 1, "batch_size": 1, **partials})
            self._second = StreamingRecogniser(FunAsrFinal(settings.funasr_model, settings), alone, corrector)
        self._queue: PassQueue[_Chunk, str] = PassQueue(
            self._hear,
            size=8 * settings.queue_size,  # chunks of all calls; full: that turn goes without its first pass
            workers=1,  # chunks of a turn have to be heard in order
        )

    @property
    def capabilities(self) -> RecogniserCapabilities:
        """Those of the pass that gives the final text."""
        if self._second is not None:
            return self._second.capabilities
        name = self._first.name if self._first else ""
        return RecogniserCapabilities(
            name=f"funasr/{name}", languages=("zh",), streaming=True, partials=True, confidence=False, local=True
        )

    async def start(self) -> None:
        """Load the models; raises `ModelError`."""
        if self._first is not None:
            await asyncio.to_thread(self._first.load)
            self._queue.start()
        if self._second is not None:
            await self._second.start()

    def open(self, context: HearingContext) -> RecogniserStream:
        """Begin one caller turn."""
        second = self._second.open(context) if self._second is not None else None
        if second is not None and self._first is None:
            return second
        return TwoPassStream(self._queue, second, self._corrector, context, self.capabilities.name)

    async def stop(self) -> None:
        """End the workers and unload the models."""
        if self._second is not None:
            await self._second.stop()
        if self._first is not None:
            await asyncio.to_thread(self._queue.stop)
            await asyncio.to_thread(self._first.unload)

    def _hear(self, chunks: Sequence[_Chunk]) -> list[str]:
        assert self._first is not None  # noqa: S101  the queue runs only with a first pass
        return [self._first.hear(chunk.cache, chunk.samples, last=chunk.last) for chunk in chunks]


@dataclass
class TwoPassStream:
    """`RecogniserStream`: words of the first pass while the caller speaks, the second pass's text at the end.

    Without a second pass the words of the first one are the final text. A first pass that cannot follow is given
    up when there is a second one.
    """

    queue: PassQueue[_Chunk, str]
    second: RecogniserStream | None
    corrector: Corrector | None
    context: HearingContext
    engine: str
    _resampler: Resampler = field(default_factory=lambda: Resampler(SAMPLE_RATE_HZ, RATE_HZ))
    _rest: bytearray = field(default_factory=bytearray)
    _cache: dict[str, Any] = field(default_factory=dict)
    _passes: list[Pass[_Chunk, str]] = field(default_factory=list)
    _given_up: bool = False
    _closed: bool = False
    _start: int | None = None
    _end: int = 0

    def push(self, frame: AudioFrame) -> None:
        """Take 20 ms of audio. Raises `OverloadError` when the only pass cannot follow."""
        if self._closed:
            return
        if self._start is None:
            self._start = frame.position
        self._end = frame.end
        if self.second is not None:
            self.second.push(frame)
        self._rest += self._resampler.push(frame.pcm)
        while len(self._rest) >= 2 * CHUNK_SAMPLES:
            self._submit(bytes(self._rest[: 2 * CHUNK_SAMPLES]), last=False)
            del self._rest[: 2 * CHUNK_SAMPLES]

    def speculate(self, speech_end: int | None = None, *, early: bool = False) -> None:
        """The second pass may start; the first one runs all the time."""
        if self.second is not None:
            self.second.speculate(speech_end, early=early)

    def resume(self) -> None:
        """The second pass was too early."""
        if self.second is not None:
            self.second.resume()

    def partial(self) -> Transcript | None:
        """The second pass's text of a pause once it is there, else the words of the first pass so far."""
        if self.second is not None and (speculated := self.second.partial()) is not None:
            return speculated
        text = self._text()
        if not text:
            return None
        return Transcript(text, text, self._start or 0, self._end, final=False, engine=self.engine)

    async def finish(self) -> Transcript:
        """The final text. Raises `RecognitionError` or `OverloadError`."""
        if self.second is not None:
            heard = await self.second.finish()
            self._drop()
            return heard
        if not self._closed:
            self._rest += self._resampler.flush()
            if self._start is not None:
                self._submit(bytes(self._rest), last=True)
            self._closed = True
        for each in self._passes:
            await asyncio.wrap_future(each.future)
        return replace(
            await corrected(
                self._text(), self.corrector, self.context, start=self._start or 0, end=self._end, engine=self.engine
            ),
            dialect=self.context.dialect,
        )

    def close(self) -> None:
        """Drop the turn."""
        self._drop()
        if self.second is not None:
            self.second.close()

    def _drop(self) -> None:
        self._closed = True
        for each in self._passes:
            each.cancel()

    def _submit(self, pcm: bytes, *, last: bool) -> None:
        if self._given_up:
            return
        try:
            # One urgency for all: a later chunk must never overtake an earlier one.
            self._passes.append(self.queue.submit(_Chunk(self._cache, _padded(pcm), last), Urgency.SPECULATIVE))
        except OverloadError:
            if self.second is None:
                raise
            self._given_up = True
            log.info("first_pass_given_up", engine=self.engine)

    def _text(self) -> str:
        words = []
        for each in self._passes:
            if not each.succeeded():
                break
            words.append(each.future.result())
        return "".join(words)


def _padded(pcm: bytes) -> Samples:
    """Samples; the last chunk of a turn may be empty, which the library does not take."""
    return to_samples(pcm) if pcm else np.zeros(RATE_HZ // 100, np.float32)
