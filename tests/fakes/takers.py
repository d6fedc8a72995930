"""Agents who take a call when they are told to."""

import asyncio

from voicebot.core.errors import StorageError
from voicebot.pipeline.handoff import Taker


class FakeTakers:
    """`Takers`: each of ``takers`` takes the call ``after_s`` after it began to wait."""

    def __init__(self, *takers: Taker, after_s: float = 1.0):
        self.takers = list(takers)
        self.after_s = after_s
        self.outcomes: list[tuple[str, str]] = []
        self.over: list[str] = []
        self.given: set[str] = set()
        self.release: list[tuple[float, str]] = []  # after how long the agent is done, and how; empty: never

    async def taken(self, call_id: str) -> Taker:
        await asyncio.sleep(self.after_s)
        if not self.takers:
            await asyncio.Event().wait()
        self.given.add(call_id)
        return self.takers.pop(0)

    async def put_through(self, call_id: str, outcome: str) -> None:
        self.outcomes.append((call_id, outcome))

    async def released(self, call_id: str) -> str:
        if call_id not in self.given:
            return "done"
        if not self.release:
            await asyncio.Event().wait()
        after_s, how = self.release.pop(0)
        await asyncio.sleep(after_s)
        if how == "unavailable":
            raise StorageError("away", code=how)
        return how

    async def line_over(self, call_id: str) -> None:
        self.over.append(call_id)
