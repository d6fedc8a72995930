"""A line without a telephone: no network, no codec, time by the event loop."""

import asyncio
import uuid

from telephony.base_line import BaseLine
from telephony.queues import put_newest
from telephony.send_buffer import SendBuffer
from telephony.wav.caller import WavCaller
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.frames import FRAME_BYTES, SAMPLE_RATE_HZ, AudioFrame
from voicebot.core.ports import Clock


class WavLine(BaseLine):
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
        self._outgoing = SendBuffer(send_buffer_ms)
        super().__init__(
            CallStart(uuid.uuid4().hex, Channel.WAV, clock.now(), tenant, caller_number, dialled_number), self._outgoing
        )
        self.caller = WavCaller(self, noise_rms)
        self._position = 0
        self._ticker: asyncio.Task[None] | None = None

    @property
    def position(self) -> int:
        """Samples since answer, now."""
        return self._position

    def answer(self) -> None:
        """Time starts; called by the caller's `connect`."""
        if self._ticker is None:
            self._ticker = asyncio.create_task(self._tick(), name="wav-line")

    def press(self, digit: str) -> None:
        """A key went down at the far end."""
        if self._end is None:
            put_newest(self._digits, digit)

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
        if self._ticker is not None:
            self._ticker.cancel()
        self._finish(reason)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        answered_s = loop.time()
        while True:
            frame = AudioFrame(self.caller.next_frame(), self._position)
            await asyncio.sleep(answered_s + frame.end / SAMPLE_RATE_HZ - loop.time())
            self._position = frame.end
            self.caller.hear(self._outgoing.take().ljust(FRAME_BYTES, b"\0"))
            await self._frames.put(frame)  # waits when the pipeline is 2 s behind: a slow machine loses no words
