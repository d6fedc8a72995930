"""A line without a telephone: no network, no codec, time by the event loop."""

import asyncio
import uuid
from collections.abc import AsyncIterator

from telephony.queues import put_newest
from telephony.wav.caller import WavCaller
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.frames import FRAME_BYTES, SAMPLE_RATE_HZ, AudioFrame, ms_to_samples
from voicebot.core.ports import Clock, Played


class WavLine:
    """A `Line` whose far end is a `WavCaller` in the same process.

    Every 20 ms of the loop's time one frame goes in each direction. On a loop that jumps over idle time a call takes
    only as long as the work in it.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        tenant: str = "default",
        caller_number: str = "",
        dialled_number: str = "12345",
        noise_rms: float = 4.0,
        send_buffer_ms: int = 160,
    ):
        """``noise_rms``: the caller's line noise in units of int16; 0 is digital silence, which no telephone has."""
        self._start = CallStart(uuid.uuid4().hex, Channel.WAV, clock.now(), tenant, caller_number, dialled_number)
        self.caller = WavCaller(self, noise_rms)
        self._bound_bytes = ms_to_samples(send_buffer_ms) * 2
        self._position = 0
        self._outgoing = bytearray()  # in the send buffer
        self._room = asyncio.Event()
        self._written = self._flushed = self._pending = self._heard = 0
        self._generation = 0
        # 2 s of audio; when the pipeline is that far behind the line waits, so that a slow machine loses no words.
        self._frames: asyncio.Queue[AudioFrame | None] = asyncio.Queue(maxsize=100)
        self._digits: asyncio.Queue[str | None] = asyncio.Queue(maxsize=64)  # when full, the oldest key goes
        self._ticker: asyncio.Task[None] | None = None
        self._end: CallEnd | None = None

    @property
    def start(self) -> CallStart:
        """What is known of the call."""
        return self._start

    @property
    def end(self) -> CallEnd | None:
        """Why the call is over; None while it lasts."""
        return self._end

    @property
    def position(self) -> int:
        """Samples since answer, now."""
        return self._position

    def answer(self) -> None:
        """Time starts; called by the caller's `connect`."""
        if self._ticker is None:
            self._ticker = asyncio.create_task(self._tick(), name="wav-line")

    async def frames(self) -> AsyncIterator[AudioFrame]:
        """The caller's audio, 20 ms at a time, until the call is over."""
        while (frame := await self._frames.get()) is not None:
            yield frame

    async def digits(self) -> AsyncIterator[str]:
        """Keys as they go down, until the call is over."""
        while (digit := await self._digits.get()) is not None:
            yield digit

    def press(self, digit: str) -> None:
        """A key went down at the far end."""
        if self._end is None:
            put_newest(self._digits, digit)

    async def play(self, pcm: bytes) -> None:
        """Hand over audio to be sent; waits while the send buffer is full. One writer at a time."""
        self._written += len(pcm) // 2
        self._pending += len(pcm) // 2
        generation = self._generation
        rest = pcm
        try:
            while rest and generation == self._generation and self._end is None:
                room = max(0, self._bound_bytes - len(self._outgoing))
                piece, rest = rest[:room], rest[room:]
                self._outgoing += piece
                self._pending -= len(piece) // 2
                if rest:
                    self._room.clear()
                    await self._room.wait()
        finally:
            if generation == self._generation:  # cancelled, or the call is over; a flush has already counted it
                self._pending -= len(rest) // 2
                self._flushed += len(rest) // 2

    def flush(self) -> Played:
        """Throw away what was not sent yet; the wire is silent from the next frame on."""
        self._generation += 1
        self._flushed += self._pending + len(self._outgoing) // 2
        self._pending = 0
        self._outgoing.clear()
        self._room.set()
        return self.played()

    def played(self) -> Played:
        """The counts so far."""
        return Played(self._written, self._heard, self._flushed)

    async def transfer(self, target: str) -> str:
        """There is nowhere to transfer to."""
        return "failed"

    async def hang_up(self) -> None:
        """The bot ends the call."""
        self.close(CallEnd.BOT_HUNG_UP)

    def close(self, reason: CallEnd) -> None:
        """Release everything the call holds; the first reason stays."""
        if self._end is not None:
            return
        self._end = reason
        if self._ticker is not None:
            self._ticker.cancel()
        self._flushed += len(self._outgoing) // 2
        self._outgoing.clear()
        self._room.set()
        put_newest(self._frames, None)
        put_newest(self._digits, None)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        answered_s = loop.time()
        while True:
            frame = AudioFrame(self.caller.next_frame(), self._position)
            await asyncio.sleep(answered_s + frame.end / SAMPLE_RATE_HZ - loop.time())
            self._position = frame.end
            self._send()
            await self._frames.put(frame)

    def _send(self) -> None:
        pcm = bytes(self._outgoing[:FRAME_BYTES])
        del self._outgoing[:FRAME_BYTES]
        self._heard += len(pcm) // 2
        self.caller.hear(pcm.ljust(FRAME_BYTES, b"\0"))
        self._room.set()
