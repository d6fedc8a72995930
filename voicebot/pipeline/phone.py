"""Those who speak with a caller in place of the bot, and any line as one of them."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from telephony.queues import put_newest
from voicebot.core.frames import FRAME_BYTES
from voicebot.core.ports import Line


class Phone(Protocol):
    """Somebody who speaks with the caller: an agent's headset in the browser, or a telephone that was called."""

    def hear(self, pcm: bytes) -> None:
        """20 ms of what they are to hear; never waits."""

    def listen(self, sink: Callable[[bytes], None] | None) -> None:
        """Give what they say to ``sink``, 20 ms at a time; None: to nobody."""

    async def over(self) -> None:
        """Wait until they are gone."""


class Phones(Protocol):
    """The headsets that are connected to this process."""

    def of(self, agent: str) -> Phone | None:
        """The headset of an agent; None when there is none here."""


class LinePhone:
    """`Phone` on a line of its own."""

    def __init__(self, line: Line, name: str):
        """``name``: of its tasks."""
        self.line = line
        self._sink: Callable[[bytes], None] | None = None
        self._over = asyncio.Event()
        self._to_hear: asyncio.Queue[bytes] = asyncio.Queue(maxsize=10)  # 200 ms; when full the oldest goes
        self._tasks = [
            asyncio.create_task(self._read(), name=f"{name}-read"),
            asyncio.create_task(self._speak(), name=f"{name}-speak"),
        ]

    def hear(self, pcm: bytes) -> None:
        """20 ms of what they are to hear."""
        put_newest(self._to_hear, pcm)

    def listen(self, sink: Callable[[bytes], None] | None) -> None:
        """Give what they say to ``sink``; None: to nobody."""
        self._sink = sink

    async def over(self) -> None:
        """Wait until the line has ended, or was laid down."""
        await self._over.wait()

    def lay_down(self) -> None:
        """It is over."""
        self._over.set()

    async def close(self) -> None:
        """End the connection."""
        await self.line.hang_up()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.lay_down()

    async def _read(self) -> None:
        async for frame in self.line.frames():
            if self._sink is not None:
                self._sink(frame.pcm)
        self._over.set()

    async def _speak(self) -> None:
        while True:
            pcm = await self._to_hear.get()
            await self.line.play(pcm.ljust(FRAME_BYTES, b"\0"))
