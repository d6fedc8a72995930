"""Headsets in the hand of a test."""

import asyncio
from collections.abc import Callable

from tests.support.calls import tone


class FakePhone:
    """An agent's headset that hums while somebody listens."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.sink: Callable[[bytes], None] | None = None
        self.gone = asyncio.Event()
        self.joined = asyncio.Event()

    def hear(self, pcm: bytes) -> None:
        self.heard += pcm

    def listen(self, sink: Callable[[bytes], None] | None) -> None:
        self.sink = sink
        if sink is not None:
            self.joined.set()

    async def over(self) -> None:
        await self.gone.wait()

    async def talk(self, ms: int, hz: float = 500) -> None:
        hum = tone(20, hz)
        for _ in range(ms // 20):
            if self.sink is not None:
                self.sink(hum)
            await asyncio.sleep(0.02)


class FakePhones:
    def __init__(self, **phones: FakePhone) -> None:
        self.phones = phones

    def of(self, agent: str) -> FakePhone | None:
        return self.phones.get(agent)
