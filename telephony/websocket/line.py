"""One chan_websocket connection as a `Line`."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from aiohttp import WSMessage, WSMsgType, web

from telephony.alignment import Alignment
from telephony.base_line import BaseLine
from telephony.queues import put_newest
from telephony.settings import WebSocketSettings
from telephony.websocket.playout import Playout
from telephony.websocket.protocol import Command, Event, command, read_event
from voicebot.audio.g711 import decode_a_law, decode_mu_law, encode_a_law, encode_mu_law
from voicebot.core.call import CallEnd, CallStart
from voicebot.core.frames import FRAME_MS, SAMPLE_RATE_HZ
from voicebot.core.ports import Clock, Played

log = structlog.get_logger(__name__)

_KEYS = frozenset("0123456789*#ABCD")
_WRITE_S = 2.0  # a PBX that takes no message for so long no longer plays what we send


@dataclass(frozen=True, slots=True)
class Coding:
    """How 8 kHz int16 travels."""

    encode: Callable[[bytes], bytes]
    decode: Callable[[bytes], bytes]


CODINGS = {
    "slin": Coding(bytes, lambda data: data[: len(data) // 2 * 2]),
    "alaw": Coding(encode_a_law, decode_a_law),
    "ulaw": Coding(encode_mu_law, decode_mu_law),
}
"""By Asterisk's name of the format."""


class _Clocked:
    """A `Playout` that reads the clock by itself."""

    def __init__(self, playout: Playout, clock: Clock, flushed: Callable[[], None]):
        self._playout = playout
        self._clock = clock
        self._flushed = flushed

    async def play(self, pcm: bytes) -> None:
        await self._playout.play(pcm)

    def flush(self) -> Played:
        self._flushed()
        return self._playout.flush(self._clock.monotonic())

    def played(self) -> Played:
        return self._playout.played(self._clock.monotonic())

    def close(self) -> None:
        self._playout.close(self._clock.monotonic())


class WebSocketLine(BaseLine):
    """A call that Asterisk brought. `run` reads for as long as the connection stands; one task sends every 20 ms."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        start: CallStart,
        begun: Event,
        coding: Coding,
        settings: WebSocketSettings,
        clock: Clock,
    ):
        self._playout = Playout(settings.send_buffer_ms)
        self._wake = asyncio.Event()
        self._to_flush = False
        super().__init__(start, _Clocked(self._playout, clock, self._flush_soon))
        self._socket = socket
        self._as_json = begun.as_json
        self._coding = coding
        self._settings = settings
        self._clock = clock
        self._answered_s = clock.monotonic()
        self._alignment = Alignment()

    @property
    def position(self) -> int:
        """Samples since answer, now."""
        return int((self._clock.monotonic() - self._answered_s) * SAMPLE_RATE_HZ)

    async def transfer(self, target: str) -> str:
        """The protocol knows no transfer: the dialplan goes on after the bot hangs up."""
        return "failed"

    async def hang_up(self, reason: CallEnd = CallEnd.BOT_HUNG_UP) -> None:
        """End the call; calling it twice does no harm."""
        if self._end is not None:
            return
        self._over(reason)
        try:
            async with asyncio.timeout(_WRITE_S):
                await self._socket.send_str(command(Command.HANG_UP, as_json=self._as_json))
                await self._socket.close()
        except (TimeoutError, OSError):
            log.info("websocket_not_closed", call_id=self._start.call_id)

    async def run(self) -> None:
        """Read until the call is over."""
        sending = asyncio.create_task(self._send_all(), name=f"websocket-send-{self._start.call_id}")
        try:
            while self._end is None:
                async with asyncio.timeout(self._settings.idle_timeout_s):
                    message = await self._socket.receive()
                self._take(message)
        except TimeoutError:
            self._over(CallEnd.LINE_LOST)
        finally:
            self._over(CallEnd.SHUTDOWN)  # says nothing when it is over by now
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    def _take(self, message: WSMessage) -> None:
        if message.type is WSMsgType.BINARY:
            self._alignment.push(self._coding.decode(message.data))
        elif message.type is WSMsgType.TEXT:
            self._take_event(message.data)
        elif message.type is WSMsgType.ERROR:
            log.info("websocket_lost", call_id=self._start.call_id, error=type(message.data).__name__)
            self._over(CallEnd.LINE_LOST)
        else:  # closing, closed
            self._over(CallEnd.CALLER_HUNG_UP)

    def _take_event(self, text: str) -> None:
        try:
            event = read_event(text)
        except ValueError:
            log.warning("websocket_event_unreadable", call_id=self._start.call_id, length=len(text))
            return
        if event.name == "DTMF_END":
            digit = event.fields.get("digit", "").upper()
            if digit in _KEYS:
                put_newest(self._digits, digit)
        elif event.name == "MEDIA_MARK_PROCESSED":
            self._playout.mark(event.fields.get("correlation_id", ""), self._clock.monotonic())
        elif event.name in ("ERROR", "MEDIA_XOFF"):
            if event.name == "ERROR":
                self._playout.refused()
            log.warning("websocket_told", call_id=self._start.call_id, event_name=event.name)

    def _flush_soon(self) -> None:
        self._to_flush = True
        self._wake.set()

    async def _send_all(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        try:
            while self._end is None:
                for frame in self._alignment.due(self.position):
                    put_newest(self._frames, frame)
                if self.position > self._settings.max_call_s * SAMPLE_RATE_HZ:
                    await self.hang_up(CallEnd.MAX_DURATION)
                    return
                async with asyncio.timeout(_WRITE_S):
                    await self._send_due()
                due_s = max(due_s + FRAME_MS / 1000, loop.time() - 0.1)
                try:
                    async with asyncio.timeout_at(due_s):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                self._wake.clear()
        except (TimeoutError, OSError) as error:
            log.info("websocket_lost", call_id=self._start.call_id, error=type(error).__name__)
            self._over(CallEnd.LINE_LOST)
            await self._socket.close()

    async def _send_due(self) -> None:
        if self._to_flush:
            self._to_flush = False
            await self._socket.send_str(command(Command.FLUSH, as_json=self._as_json))
        pcm, mark = self._playout.due(self._clock.monotonic())
        if pcm:
            await self._socket.send_bytes(self._coding.encode(pcm))
        if mark:
            await self._socket.send_str(command(Command.MARK, mark, as_json=self._as_json))

    def _over(self, reason: CallEnd) -> None:
        if self._end is None:
            self._finish(reason)
            self._wake.set()
            log.info("line_ended", call_id=self._start.call_id, end=reason.value)
