"""Several engines in a row: when one fails or is slow, the same audio goes to the next."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from voicebot.core.errors import HotlineError, RecognitionError
from voicebot.core.frames import SAMPLE_RATE_HZ, AudioFrame
from voicebot.core.ports import Recogniser, RecogniserCapabilities, RecogniserStream
from voicebot.core.speech import HearingContext, Transcript

log = structlog.get_logger(__name__)

_MOST_FRAMES = 300 * SAMPLE_RATE_HZ // 160  # five minutes are kept for the next engine; later frames are not


class FallbackRecogniser:
    """`Recogniser` over ``engines``, best first. A final text that takes longer than ``slow_ms`` is not waited for.

    ``preferred`` names engines that hear a dialect better: they come before the others in that dialect.
    The last engine may take its time: a late text is better than none. An engine that cannot start is left
    out as long as another one starts.
    """

    def __init__(
        self,
        engines: Sequence[Recogniser],
        slow_ms: float,
        preferred: Mapping[str, Sequence[Recogniser]] | None = None,
    ):
        if not engines:
            raise ValueError("at least one engine is needed")
        self._engines = tuple(engines)
        self._preferred = {dialect: tuple(better) for dialect, better in (preferred or {}).items()}
        self._ready: tuple[Recogniser, ...] = ()
        self._slow_ms = slow_ms

    @property
    def engines(self) -> tuple[Recogniser, ...]:
        """All engines, the best first."""
        return self._engines

    @property
    def capabilities(self) -> RecogniserCapabilities:
        """Those of the engine that hears first."""
        return (self._ready or self._engines)[0].capabilities

    async def start(self) -> None:
        """Start all engines; raises the first engine's error when none starts."""
        everyone = [*self._engines, *(engine for better in self._preferred.values() for engine in better)]
        engines = list({id(engine): engine for engine in everyone}.values())
        results = await asyncio.gather(*(engine.start() for engine in engines), return_exceptions=True)
        ready, errors = [], []
        for engine, error in zip(engines, results, strict=True):
            if error is None:
                ready.append(engine)
            elif isinstance(error, HotlineError):
                errors.append(error)
                log.error("engine_left_out", engine=engine.capabilities.name, code=error.code)
            else:
                raise error
        if not any(engine in ready for engine in self._engines):
            raise errors[0]
        self._ready = tuple(ready)

    def open(self, context: HearingContext) -> "FallbackStream":
        """Begin one caller turn with the first engine that takes it."""
        ready = [engine for engine in self.preferred(context.dialect) if engine in self._ready]
        return FallbackStream(ready, context, self._slow_ms)

    def preferred(self, dialect: str) -> list[Recogniser]:
        """The engines in the order in which they are tried in a dialect."""
        better = self._preferred.get(dialect, ())
        return [*better, *(engine for engine in self._engines if engine not in better)]

    async def stop(self) -> None:
        """Stop the engines that were started."""
        ready, self._ready = self._ready, ()
        await asyncio.gather(*(engine.stop() for engine in ready))


class FallbackStream:
    """`RecogniserStream` that keeps the turn's audio until some engine has given its text."""

    def __init__(self, engines: Sequence[Recogniser], context: HearingContext, slow_ms: float):
        self._engines = list(engines)  # those not yet tried; the first one is listening
        self._context = context
        self._slow_ms = slow_ms
        self._frames: list[AudioFrame] = []
        self._closed = False
        self._stream: RecogniserStream | None = None
        self._paused = False
        self._speech_end: int | None = None
        while self._engines and self._stream is None:
            try:
                self._stream = self._engines[0].open(context)
            except HotlineError as error:
                self._next(error.code)

    def push(self, frame: AudioFrame) -> None:
        """Take 20 ms of audio; an engine that fails at once is replaced at once."""
        if self._closed:
            return
        if len(self._frames) < _MOST_FRAMES:
            self._frames.append(frame)
        if self._stream is not None:
            try:
                self._stream.push(frame)
            except HotlineError as error:
                self._replace(error.code)

    def speculate(self, speech_end: int | None = None, *, early: bool = False) -> None:
        """Pass it on."""
        self._paused, self._speech_end = not early, speech_end
        if self._stream is not None:
            try:
                self._stream.speculate(speech_end, early=early)
            except HotlineError as error:
                self._replace(error.code)

    def resume(self) -> None:
        """Pass it on."""
        self._paused = False
        if self._stream is not None:
            self._stream.resume()

    def partial(self) -> Transcript | None:
        """What the listening engine says."""
        return self._stream.partial() if self._stream is not None else None

    async def finish(self) -> Transcript:
        """The first text that is there in time. Raises the last engine's error."""
        failure: HotlineError = RecognitionError("No engine took the turn.", code="no_engine")
        while self._stream is not None:
            try:
                # The audio is all there: what counts from here is only how long the caller waits.
                async with asyncio.timeout(None if len(self._engines) <= 1 else self._slow_ms / 1000):
                    return await self._stream.finish()
            except TimeoutError:
                failure = RecognitionError("The engine is too slow.", code="engine_slow")
            except HotlineError as error:
                failure = error
            self._replace(failure.code)
        raise failure

    def close(self) -> None:
        """Drop the turn."""
        self._closed = True
        self._frames.clear()
        if self._stream is not None:
            self._stream.close()

    def _replace(self, code: str) -> None:
        """Give the same audio to the next engine that opens."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
        self._next(code)
        while self._engines and self._stream is None:
            stream = None
            try:
                stream = self._engines[0].open(self._context)
                for frame in self._frames:
                    stream.push(frame)
                if self._paused:
                    stream.speculate(self._speech_end)
                self._stream = stream
            except HotlineError as error:
                if stream is not None:
                    stream.close()
                self._next(error.code)

    def _next(self, code: str) -> None:
        failed = self._engines.pop(0)
        following = self._engines[0].capabilities.name if self._engines else ""
        log.warning("engine_failed", engine=failed.capabilities.name, code=code, next_engine=following)
