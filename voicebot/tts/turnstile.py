"""A bounded number of syntheses at the same time; who must be heard first goes first."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicebot.core.errors import OverloadError


class Turnstile:
    """Lets ``places`` tasks in; up to ``max_waiting`` wait, in order of urgency, then of arrival.

    A full waiting room refuses with `OverloadError` instead of making everyone late.
    """

    def __init__(self, places: int, max_waiting: int):
        self._free = places
        self._max_waiting = max_waiting
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(not future.done() for _, _, future in self._waiting)

    @asynccontextmanager
    async def enter(self, urgency: int, *, begun: bool = False) -> AsyncIterator[None]:
        """Hold a place for the block; a lower ``urgency`` number is let in first.

        What has ``begun`` is never refused: somebody is in the middle of hearing it.
        """
        if self._free > 0:
            self._free -= 1
        else:
            await self._wait(urgency, begun)
        try:
            yield
        finally:
            self._release()

    async def _wait(self, urgency: int, begun: bool) -> None:
        if self.waiting >= self._max_waiting and not begun:
            raise OverloadError(
                "等待合成的语句太多。", code="voice_overloaded", remedy="请减少同时通话数，或增加 tts.parallel 与 CPU。"
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (urgency, next(self._arrivals), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # let in and called off in the same moment
                self._release()
            raise

    def _release(self) -> None:
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)  # the place changes hands
                return
        self._free += 1
