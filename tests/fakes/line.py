"""A line in the hand of a test: nothing moves until the test says so."""

import asyncio
from datetime import UTC, datetime

from telephony.base_line import BaseLine
from telephony.send_buffer import SendBuffer
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES, AudioFrame


class FakeLine(BaseLine):
    """`Line` whose far end is the test: `feed` and `press` speak to the bot, `send` lets its audio leave."""

    def __init__(self, call_id: str = "call-1", caller_number: str = "13800138000", send_buffer_ms: int = 160):
        at = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
        self._outgoing = SendBuffer(send_buffer_ms)
        super().__init__(CallStart(call_id, Channel.WAV, at, "default", caller_number, "12345"), self._outgoing)
        self._frames = asyncio.Queue()  # a test speaks all at once, however long
        self._position = 0
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

    def send(self, duration_ms: int = 20) -> None:
        """So much time passes on the wire."""
        for _ in range(0, duration_ms, 20):
            self.wire += self._outgoing.take()

    def over(self, reason: CallEnd = CallEnd.CALLER_HUNG_UP) -> None:
        """The call ends."""
        if self._end is None:
            self._finish(reason)

    # what only a telephone network could do

    async def transfer(self, target: str) -> str:
        self.transfers.append(target)
        if self.transfer_outcome == "answered":
            self.over(CallEnd.HANDED_OFF)
        return self.transfer_outcome

    async def hang_up(self) -> None:
        self.over(CallEnd.BOT_HUNG_UP)
