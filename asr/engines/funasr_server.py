"""A FunASR runtime server over its two-pass WebSocket protocol, one connection for each caller turn."""

import asyncio
import ssl

import aiohttp
import structlog

from asr.correction import Corrector
from asr.engines.funasr_messages import CHUNK_MS, RATE_HZ, TwoPassText, closing, opening
from asr.engines.remote_text import corrected
from asr.settings import AsrSettings
from voicebot.audio.resample import Resampler
from voicebot.core.errors import ConfigurationError, HotlineError, OverloadError, RecognitionError
from voicebot.core.frames import SAMPLE_RATE_HZ, AudioFrame
from voicebot.core.ports import RecogniserCapabilities
from voicebot.core.speech import HearingContext, Transcript

log = structlog.get_logger(__name__)

_CHUNK_BYTES = RATE_HZ * CHUNK_MS // 1000 * 2
_WAITING_CHUNKS = 500  # 30 s; a server that is further behind has failed
_WORST_CLOSE_S = 1.0


class FunAsrServerRecogniser:
    """`Recogniser` on a FunASR runtime server (``ws://`` or ``wss://``)."""

    def __init__(self, settings: AsrSettings, corrector: Corrector | None = None):
        """Raises `ConfigurationError` when there is no address."""
        if not settings.funasr_url.startswith(("ws://", "wss://")):
            raise ConfigurationError(
                "The FunASR server has no address.",
                code="funasr_url_missing",
                remedy="Set asr.funasr_url, for example ws://127.0.0.1:10095.",
            )
        self._settings = settings
        self._corrector = corrector
        self._session: aiohttp.ClientSession | None = None
        self._turns = 0

    @property
    def capabilities(self) -> RecogniserCapabilities:
        """Partial texts from the first pass, final ones from the second."""
        return RecogniserCapabilities(
            name="funasr_server", languages=("zh",), streaming=True, partials=True, confidence=False, local=False
        )

    async def start(self) -> None:
        """Prepare connections; the first turn makes the first one."""
        self._session = aiohttp.ClientSession()

    def open(self, context: HearingContext) -> "FunAsrTurn":
        """Begin one caller turn and its connection. Raises `RecognitionError` when not started."""
        if self._session is None:
            raise RecognitionError("The recogniser is not running.", code="recogniser_stopped", retryable=False)
        self._turns += 1
        return FunAsrTurn(self._session, self._settings, context, self._corrector, f"turn-{self._turns}")

    async def stop(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()
            self._session = None


class FunAsrTurn:
    """`RecogniserStream` over one WebSocket. The server hears while the caller speaks, so nothing is speculated."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: AsrSettings,
        context: HearingContext,
        corrector: Corrector | None,
        name: str,
    ):
        self._settings = settings
        self._context = context
        self._corrector = corrector
        self._resampler = Resampler(SAMPLE_RATE_HZ, RATE_HZ)
        self._rest = bytearray()
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING_CHUNKS)  # full: the turn fails
        self._text = TwoPassText()
        self._start: int | None = None
        self._end = 0
        self._finished = False
        self._talk = asyncio.create_task(self._converse(session, name))
        self._talk.add_done_callback(_look_at)

    def push(self, frame: AudioFrame) -> None:
        """Hand on 20 ms of audio. Raises `OverloadError` when the server is 30 s behind."""
        if self._finished:
            return
        if self._start is None:
            self._start = frame.position
        self._end = frame.end
        self._rest += self._resampler.push(frame.pcm)
        while len(self._rest) >= _CHUNK_BYTES:
            self._send(bytes(self._rest[:_CHUNK_BYTES]))
            del self._rest[:_CHUNK_BYTES]

    def speculate(self, speech_end: int | None = None, *, early: bool = False) -> None:
        """Nothing to do: the first pass runs all the time."""

    def resume(self) -> None:
        """Nothing to undo."""

    def partial(self) -> Transcript | None:
        """Sentences that are done and the words of the one in progress."""
        text = self._text.text
        return (
            Transcript(text, text, self._start or 0, self._end, final=False, engine="funasr_server") if text else None
        )

    async def finish(self) -> Transcript:
        """Wait for the second pass. Raises `RecognitionError`; late words of the first pass are better than none."""
        if not self._finished:
            self._finished = True
            self._rest += self._resampler.flush()
            if self._rest:
                self._send(bytes(self._rest))
            self._send(None)
        try:
            async with asyncio.timeout(self._settings.remote_timeout_s):
                await asyncio.shield(self._talk)
        except TimeoutError as error:
            self.close()
            if not self._text.text:
                raise RecognitionError("The FunASR server is too slow.", code="remote_slow") from error
            log.warning("second_pass_late", engine="funasr_server")
        return await corrected(
            self._text.text,
            self._corrector,
            self._context,
            start=self._start or 0,
            end=self._end,
            engine="funasr_server",
        )

    def close(self) -> None:
        """Drop the connection."""
        self._finished = True
        self._talk.cancel()

    def _send(self, chunk: bytes | None) -> None:
        try:
            self._chunks.put_nowait(chunk)
        except asyncio.QueueFull:
            raise OverloadError("The FunASR server is 30 s behind.", code="remote_full") from None

    async def _converse(self, session: aiohttp.ClientSession, name: str) -> None:
        """The life of the connection: until the last sentence, or an error."""
        timeout = aiohttp.ClientWSTimeout(ws_close=_WORST_CLOSE_S)
        try:
            async with session.ws_connect(
                self._settings.funasr_url, protocols=("binary",), timeout=timeout, max_msg_size=1 << 20
            ) as socket:
                await socket.send_str(opening(name))
                sending = asyncio.create_task(self._forward(socket))
                try:
                    await self._listen(socket)
                finally:
                    sending.cancel()
                    await asyncio.gather(sending, return_exceptions=True)
        except (aiohttp.ClientError, ssl.SSLError, OSError) as error:
            raise RecognitionError(
                f"The FunASR server cannot be reached: {error}.",
                code="remote_unreachable",
                remedy="Check asr.funasr_url and the server.",
            ) from error

    async def _forward(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while (chunk := await self._chunks.get()) is not None:
            await socket.send_bytes(chunk)
        self._text.end()
        await socket.send_str(closing())

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._text.take(message.data)
                if self._text.complete:
                    return
        if not self._text.ended or not self._text.text:
            raise RecognitionError("The FunASR server hung up.", code="remote_unreachable")


def _look_at(talk: "asyncio.Task[None]") -> None:
    """A connection that failed and whose turn was dropped is no unhandled error."""
    if not talk.cancelled() and (error := talk.exception()) and not isinstance(error, HotlineError):
        log.error("funasr_turn_failed", kind=type(error).__name__)
