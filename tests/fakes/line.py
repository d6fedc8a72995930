"""A line in the hand of a test: nothing moves until the test says so."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES, AudioFrame, ms_to_samples
from voicebot.core.ports import Played


class FakeLine:
    """`Line` whose far end is the test: `feed` and `press` speak to the bot, `send` lets its audio leave."""

    def __init__(self, call_id: str = "call-1", caller_number: str = "13800138000", send_buffer_ms: int = 160):
        at = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
        self._start = CallStart(call_id, Channel.WAV, at, "default", caller_number, "12345")
        self._bound_bytes = ms_to_samples(send_buffer_ms) * 2
        self._frames: asyncio.Queue[AudioFrame | None] = asyncio.Queue()
        self._digits: asyncio.Queue[str | None] = asyncio.Queue()
        self._position = 0
        self._buffer = bytearray()
        self._room = asyncio.Event()
        self._written = self._heard = self._flushed = self._pending = 0
        self._generation = 0
        self._end: CallEnd | None = None
        self.wire = bytearray()
        self.transfers: list[str] = []
        self.transfer_outcome = "answered"

    # what a test does

    def feed(self, pcm: bytes) -> None:
        """The caller speaks: whole frames, at once."""
        for at in range(0, len(pcm), FRAME_BYTES):
            self._frames.put_nowait(AudioFrame(pcm[at : at + FRAME_BYTES].ljust(FRAME_BYTES, b"\0"), self._position))
            self._position += FRAME_SAMPLES

    def press(self, digits: str) -> None:
        """The caller presses keys."""
        for digit in digits:
            self._digits.put_nowait(digit)

    def send(self, duration_ms: float = 20) -> bytes:
        """So much time passes on the wire; returns what left."""
        count = ms_to_samples(duration_ms) * 2
        pcm = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._heard += len(pcm) // 2
        self.wire += pcm
        self._room.set()
        return pcm

    def over(self, reason: CallEnd = CallEnd.CALLER_HUNG_UP) -> None:
        """The call ends."""
        if self._end is None:
            self._end = reason
            self._flushed += len(self._buffer) // 2
            self._buffer.clear()
            self._room.set()
            self._frames.put_nowait(None)
            self._digits.put_nowait(None)

    # what the bot sees

    @property
    def start(self) -> CallStart:
        return self._start

    @property
    def end(self) -> CallEnd | None:
        return self._end

    async def frames(self) -> AsyncIterator[AudioFrame]:
        while (frame := await self._frames.get()) is not None:
            yield frame

    async def digits(self) -> AsyncIterator[str]:
        while (digit := await self._digits.get()) is not None:
            yield digit

    async def play(self, pcm: bytes) -> None:
        self._written += len(pcm) // 2
        self._pending += len(pcm) // 2
        generation = self._generation
        rest = pcm
        try:
            while rest and generation == self._generation and self._end is None:
                room = max(0, self._bound_bytes - len(self._buffer))
                piece, rest = rest[:room], rest[room:]
                self._buffer += piece
                self._pending -= len(piece) // 2
                if rest:
                    self._room.clear()
                    await self._room.wait()
        finally:
            if generation == self._generation:
                self._pending -= len(rest) // 2
                self._flushed += len(rest) // 2

    def flush(self) -> Played:
        self._generation += 1
        self._flushed += self._pending + len(self._buffer) // 2
        self._pending = 0
        self._buffer.clear()
        self._room.set()
        return self.played()

    def played(self) -> Played:
        return Played(self._written, self._heard, self._flushed)

    async def transfer(self, target: str) -> str:
        self.transfers.append(target)
        if self.transfer_outcome == "answered":
            self.over(CallEnd.HANDED_OFF)
        return self.transfer_outcome

    async def hang_up(self) -> None:
        self.over(CallEnd.BOT_HUNG_UP)
