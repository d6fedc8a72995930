"""One caller who speaks in 20 ms frames at a steady pace: what the callers' ends of sockets and pages share."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine

import numpy as np
from numpy.typing import NDArray

from voicebot.core.frames import FRAME_BYTES, FRAME_MS, SAMPLE_RATE_HZ


class PacedCaller(ABC):
    """The part of a `CallerLeg` that does not depend on the protocol; a subclass opens, sends and listens."""

    def __init__(self) -> None:
        self._speech = bytearray()
        self._heard = bytearray()
        self._began_s: float | None = None
        self._over = False
        self._tasks: list[asyncio.Task[None]] = []

    def say(self, pcm: bytes) -> int:
        """Speak 8 kHz int16 PCM, behind what is still being said; returns the position at which it starts."""
        at = self.position + len(self._speech) // 2
        self._speech += pcm
        return at

    @property
    def saying(self) -> bool:
        """Is something still being said?"""
        return bool(self._speech)

    def received(self, since: int = 0) -> NDArray[np.int16]:
        """Everything heard from a position on; silence where nothing came."""
        return np.frombuffer(bytes(self._heard[2 * since :]), "<i2").astype(np.int16)

    @property
    def position(self) -> int:
        """Samples since answer, now."""
        if self._began_s is None:
            return 0
        return int((asyncio.get_running_loop().time() - self._began_s) * SAMPLE_RATE_HZ)

    @property
    def ended(self) -> bool:
        """Is the call over, whoever ended it?"""
        return self._over

    async def hang_up(self) -> None:
        """End the call; calling it twice does no harm."""
        self._over = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._close()

    def _begin(self) -> None:
        """The call stands: speak from now on."""
        self._began_s = asyncio.get_running_loop().time()
        self._tasks.append(asyncio.create_task(self._speak(), name="caller-speaks"))

    def _hear(self, listening: Coroutine[None, None, None]) -> None:
        """Take what comes, to ``_heard``, until the far end closes; it sets ``_over`` then."""
        self._tasks.append(asyncio.create_task(listening, name="caller-listens"))

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        try:
            while not self._over:
                frame = bytes(self._speech[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\0")
                del self._speech[:FRAME_BYTES]
                await self._send(frame)
                due_s = max(due_s + FRAME_MS / 1000, loop.time() - 0.1)
                await asyncio.sleep(due_s - loop.time())
        except OSError:
            self._over = True

    @abstractmethod
    async def _send(self, frame: bytes) -> None:
        """Send 20 ms."""

    @abstractmethod
    async def _close(self) -> None:
        """Close the connection; may be called twice."""
