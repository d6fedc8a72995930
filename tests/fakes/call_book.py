"""The book of a line, in memory; a test may keep a call waiting at its door."""

import asyncio

from voicebot.core.call import CallEnd, CallStart


class FakeCallBook:
    """`CallBook`: ``entered`` and ``closed`` by call; nobody is entered before ``open`` is set."""

    def __init__(self) -> None:
        self.entered: list[CallStart] = []
        self.closed: dict[str, CallEnd] = {}
        self.open = asyncio.Event()
        self.open.set()

    async def enter(self, start: CallStart) -> None:
        await self.open.wait()
        self.entered.append(start)

    async def close(self, start: CallStart, end: CallEnd) -> None:
        self.closed[start.call_id] = end
