"""A line without a telephone: no network, no codec, time by the event loop."""

import asyncio
import uuid
from collections.abc import AsyncIterator

from telephony.queues import put_newest
from telephony.send_buffer import SendBuffer
from telephony.wav.caller import WavCaller
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.frames import FRAME_BYTES, SAMPLE_RATE_HZ, AudioFrame
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
        self._outgoing = SendBuffer(send_buffer_ms)
        self._position = 0
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
        await self._outgoing.play(pcm)

    def flush(self) -> Played:
        """Throw away what was not sent yet; the wire is silent from the next frame on."""
        return self._outgoing.flush()

    def played(self) -> Played:
        """The counts so far."""
        return self._outgoing.played()

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
        self._outgoing.close()
        put_newest(self._frames, None)
        put_newest(self._digits, None)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        answered_s = loop.time()
        while True:
            frame = AudioFrame(self.caller.next_frame(), self._position)
            await asyncio.sleep(answered_s + frame.end / SAMPLE_RATE_HZ - loop.time())
            self._position = frame.end
            self.caller.hear(self._outgoing.take().ljust(FRAME_BYTES, b"\0"))
            await self._frames.put(frame)
