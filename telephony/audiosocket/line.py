"""One AudioSocket connection as a `Line`."""

import asyncio
from collections.abc import Callable

import structlog

from telephony.alignment import Alignment
from telephony.audiosocket.dialplan import LedCall
from telephony.audiosocket.protocol import Kind, Message, Parser
from telephony.base_line import BaseLine
from telephony.queues import put_newest
from telephony.send_buffer import SendBuffer
from telephony.settings import AudioSocketSettings
from telephony.transfer import TransferOutcome
from voicebot.core.call import CallEnd, CallStart
from voicebot.core.frames import FRAME_BYTES, FRAME_MS, SAMPLE_RATE_HZ
from voicebot.core.ports import Clock

log = structlog.get_logger(__name__)

_READ_BYTES = 8192
_PARTING_S = 0.5  # for a peer to close its side after the hang-up; a PBX does it at once
_KEYS = frozenset("0123456789*#ABCD")
_MOST_UNSENT_BYTES = 16 * FRAME_BYTES  # a PBX that has not read for 320 ms no longer plays what we send


class AudioSocketLine(BaseLine):
    """A call that a PBX brought. Two tasks live as long as the connection: one reads, one sends every 20 ms."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        start: CallStart,
        settings: AudioSocketSettings,
        clock: Clock,
        led: LedCall | None = None,
    ):
        """``led``: the call's dialplan does what we say; without one, nobody can be put through."""
        self._outgoing = SendBuffer(settings.send_buffer_ms)
        super().__init__(start, self._outgoing)
        self._reader = reader
        self._writer = writer
        self._parser = Parser()
        self._settings = settings
        self._clock = clock
        self._answered_s = clock.monotonic()
        self._alignment = Alignment()
        self._led = led
        self._back = asyncio.Event()
        self._back.set()
        self._on_end: list[Callable[[AudioSocketLine], None]] = []
        self._reading = asyncio.create_task(self._read(), name=f"audiosocket-read-{start.call_id}")
        self._ticking = asyncio.create_task(self._tick(), name=f"audiosocket-send-{start.call_id}")

    @property
    def position(self) -> int:
        """Samples since answer, now."""
        return int((self._clock.monotonic() - self._answered_s) * SAMPLE_RATE_HZ)

    @property
    def away(self) -> bool:
        """Is the caller with somebody else, and may come back?"""
        return self._end is None and not self._back.is_set()

    async def transfer(self, target: str) -> str:
        """Have the dialplan ring an extension; returns a `TransferOutcome`.

        The protocol itself knows no transfer, so without a dialplan that asks us the outcome is ``failed``. On
        ``answered`` the call is over for us; otherwise the caller comes back and it goes on.
        """
        if self._led is None or self._end is not None:
            return TransferOutcome.FAILED
        if not self._led.may_go_to(target):
            log.warning("transfer_target_not_allowed", target_pii=target)
            return TransferOutcome.REFUSED
        asked = self._led.wish(target)
        self._back.clear()
        self._reading.cancel()
        self._writer.write(Message(Kind.HANG_UP).to_bytes())
        await self._part(self._reading)
        self._writer.close()
        outcome = await asked
        log.info("transfer", call_id=self._start.call_id, outcome=outcome.value)
        if outcome is TransferOutcome.ANSWERED:
            self.close(CallEnd.HANDED_OFF)
        elif self._end is None:
            await self._return()
        return outcome

    async def _return(self) -> None:
        try:
            async with asyncio.timeout(self._settings.hello_timeout_s):
                await self._back.wait()
        except TimeoutError:
            self.close(CallEnd.LINE_LOST)

    def come_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Nobody took the call: its audio is here again."""
        self._reader, self._writer, self._parser = reader, writer, Parser()
        self._reading = asyncio.create_task(self._read(), name=f"audiosocket-read-{self._start.call_id}")
        self._back.set()

    async def hang_up(self, reason: CallEnd = CallEnd.BOT_HUNG_UP) -> None:
        """End the call; calling it twice does no harm."""
        if self._end is not None:
            return
        if self.away:
            self.close(reason)
            return
        self._writer.write(Message(Kind.HANG_UP).to_bytes())
        self._release(reason)
        try:
            await self._part(self._reading, self._ticking)
        finally:
            self._writer.close()

    async def _part(self, *tasks: "asyncio.Task[None]") -> None:
        """Say that nothing more comes and take what is under way.

        A socket closed with unread audio in it is reset, and the reset can overtake the hang-up message
        (RFC 9293 3.10.4, RFC 2525 2.17).
        """
        try:
            async with asyncio.timeout(_PARTING_S):
                await asyncio.gather(*(t for t in tasks if t is not asyncio.current_task()), return_exceptions=True)
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                while await self._reader.read(_READ_BYTES):
                    pass
        except (TimeoutError, OSError):
            pass  # a peer that does not close is closed upon

    def on_end(self, listener: Callable[["AudioSocketLine"], None]) -> None:
        """Call ``listener`` once, when the call is over."""
        self._on_end.append(listener)

    def close(self, reason: CallEnd) -> None:
        """Release everything the call holds; the first reason stays."""
        if self._end is None:
            self._release(reason)
            self._writer.close()

    def _release(self, reason: CallEnd) -> None:
        self._finish(reason)
        current = asyncio.current_task()
        self._back.set()
        for task in (self._reading, self._ticking):
            if task is not current:  # that one sees by itself that the call is over
                task.cancel()
        log.info("line_ended", call_id=self._start.call_id, end=reason.value)
        for listener in self._on_end:
            listener(self)

    async def _read(self) -> None:
        try:
            while self._end is None:
                async with asyncio.timeout(self._settings.idle_timeout_s):
                    data = await self._reader.read(_READ_BYTES)
                for message in self._parser.push(data):
                    self._take(message)
                if not data:
                    self.close(CallEnd.CALLER_HUNG_UP)
        except (TimeoutError, OSError) as error:
            log.info("audiosocket_lost", call_id=self._start.call_id, error=type(error).__name__)
            self.close(CallEnd.LINE_LOST)

    def _take(self, message: Message) -> None:
        if message.kind == Kind.AUDIO:
            self._alignment.push(message.payload[: len(message.payload) // 2 * 2])
        elif message.kind == Kind.DIGIT:
            digit = message.payload.decode("ascii", "replace").upper()
            if digit in _KEYS:
                put_newest(self._digits, digit)
        elif message.kind == Kind.HANG_UP:
            self.close(CallEnd.CALLER_HUNG_UP)
        elif message.kind == Kind.ERROR:
            log.warning("audiosocket_error", call_id=self._start.call_id, code=message.payload.hex())
            self.close(CallEnd.LINE_LOST)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while self._end is None:
            for frame in self._alignment.due(self.position):
                put_newest(self._frames, frame)
            if self.position > self._settings.max_call_s * SAMPLE_RATE_HZ:
                await self.hang_up(CallEnd.MAX_DURATION)
                return
            if not self.away:
                self._send()
            due_s = max(due_s + FRAME_MS / 1000, loop.time() - 0.1)  # a stall is made up for, by at most 100 ms
            await asyncio.sleep(due_s - loop.time())

    def _send(self) -> None:
        if self._writer.transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            self.close(CallEnd.LINE_LOST)
        pcm = self._outgoing.take().ljust(FRAME_BYTES, b"\0")  # silence too: it keeps the far end's stream alive
        self._writer.write(Message(Kind.AUDIO, pcm).to_bytes())
