"""What every kind of line has in common: queues towards the pipeline, a send buffer, one end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from telephony.queues import put_newest
from voicebot.core.call import CallEnd, CallStart
from voicebot.core.frames import AudioFrame
from voicebot.core.ports import Played


class Sending(Protocol):
    """Where audio waits to be sent, and the counts of what became of it."""

    async def play(self, pcm: bytes) -> None:
        """Take audio; waits while the buffer is full. One writer at a time."""

    def flush(self) -> Played:
        """Throw away what was not sent yet."""

    def played(self) -> Played:
        """The counts so far."""

    def close(self) -> None:
        """Nothing more is sent; who waits is let go."""


class BaseLine:
    """The part of a `Line` that does not depend on how audio travels. A subclass feeds the queues and ends the call."""

    def __init__(self, start: CallStart, outgoing: Sending):
        self._start = start
        self._sending = outgoing
        self._frames: asyncio.Queue[AudioFrame | None] = asyncio.Queue(maxsize=100)  # 2 s
        self._digits: asyncio.Queue[str | None] = asyncio.Queue(maxsize=64)  # when full, the oldest key goes
        self._end: CallEnd | None = None

    @property
    def start(self) -> CallStart:
        """What is known of the call."""
        return self._start

    @property
    def end(self) -> CallEnd | None:
        """Why the call is over; None while it lasts."""
        return self._end

    async def frames(self) -> AsyncIterator[AudioFrame]:
        """The caller's audio, 20 ms at a time without a hole, until the call is over."""
        while (frame := await self._frames.get()) is not None:
            yield frame

    async def digits(self) -> AsyncIterator[str]:
        """Keys on key down, until the call is over."""
        while (digit := await self._digits.get()) is not None:
            yield digit

    async def play(self, pcm: bytes) -> None:
        """Hand over audio to be sent; waits while the send buffer is full. One writer at a time."""
        await self._sending.play(pcm)

    def flush(self) -> Played:
        """Throw away what was not sent yet; the wire is silent from the next frame on."""
        return self._sending.flush()

    def played(self) -> Played:
        """The counts so far."""
        return self._sending.played()

    def _finish(self, reason: CallEnd) -> None:
        """The call is over: nothing more is sent, and the readers are let go."""
        self._end = reason
        self._sending.close()
        put_newest(self._frames, None)
        put_newest(self._digits, None)
