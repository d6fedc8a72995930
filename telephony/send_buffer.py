"""The bot's audio between `Line.play` and a wire that we pace ourselves."""

import asyncio

from voicebot.core.frames import FRAME_BYTES, ms_to_samples
from voicebot.core.ports import Played


class SendBuffer:
    """A short buffer that makes its writer wait; every sample ends up as heard or as flushed. One writer at a time."""

    def __init__(self, buffer_ms: int):
        self._bound_bytes = ms_to_samples(buffer_ms) * 2
        self._waiting = bytearray()
        self._room = asyncio.Event()
        self._written = self._heard = self._flushed = 0
        self._pending = 0  # handed to `play` and not yet in the buffer
        self._generation = 0
        self._closed = False

    async def play(self, pcm: bytes) -> None:
        """Hand over audio; waits while the buffer is full. After `close` everything counts as flushed."""
        self._written += len(pcm) // 2
        self._pending += len(pcm) // 2
        generation = self._generation
        rest = pcm
        try:
            while rest and generation == self._generation and not self._closed:
                room = max(0, self._bound_bytes - len(self._waiting))
                piece, rest = rest[:room], rest[room:]
                self._waiting += piece
                self._pending -= len(piece) // 2
                if rest:
                    self._room.clear()
                    await self._room.wait()
        finally:
            if generation == self._generation:  # cancelled, or closed half way; a flush has already counted it
                self._pending -= len(rest) // 2
                self._flushed += len(rest) // 2

    def take(self) -> bytes:
        """The next 20 ms for the wire, or less, or nothing; what is taken counts as heard."""
        pcm = bytes(self._waiting[:FRAME_BYTES])
        del self._waiting[:FRAME_BYTES]
        self._heard += len(pcm) // 2
        self._room.set()
        return pcm

    def flush(self) -> Played:
        """Throw away what was not taken yet."""
        self._generation += 1
        self._flushed += self._pending + len(self._waiting) // 2
        self._pending = 0
        self._waiting.clear()
        self._room.set()
        return self.played()

    def played(self) -> Played:
        """The counts so far."""
        return Played(self._written, self._heard, self._flushed)

    def close(self) -> None:
        """The call is over; what was not taken never will be."""
        self._closed = True
        self._flushed += len(self._waiting) // 2
        self._waiting.clear()
        self._room.set()
