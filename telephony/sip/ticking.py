"""One clock for the lines of a process: every 20 ms it looks after all of them in one go.

A timer and a task for each line would wake the event loop three thousand times a second for sixty of them.
"""

import asyncio
from collections.abc import Callable

from voicebot.core.frames import FRAME_MS

Tick = Callable[[], None]


class Ticker:
    """Runs while there is somebody to call. A callback may remove itself or others, and must not raise."""

    def __init__(self) -> None:
        self._ticks: dict[Tick, None] = {}  # in the order in which they came
        self._running: asyncio.Task[None] | None = None

    def add(self, tick: Tick) -> None:
        """Call it from now on."""
        self._ticks[tick] = None
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="line-ticker")

    def remove(self, tick: Tick) -> None:
        """Call it no longer; removing twice does no harm."""
        self._ticks.pop(tick, None)
        if not self._ticks and self._running is not None:
            self._running.cancel()
            self._running = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            for tick in list(self._ticks):
                if tick in self._ticks:
                    tick()
            due_s = max(due_s + FRAME_MS / 1000, loop.time())  # after a stall, no burst of late ticks
            await asyncio.sleep(due_s - loop.time())
