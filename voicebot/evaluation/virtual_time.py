"""An event loop that does not wait: when nothing runs, its time jumps to the next timer.

Work costs what it really costs: while a job runs in an executor, or while a socket is open, the loop's time is
real time. So a call over a `WavLine` takes as long as its recognition and synthesis, and no second longer.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")

_LOOK_S = 0.005
_OWN_FILES = 1  # the pipe through which other threads wake the loop


class _Selector(selectors.DefaultSelector):
    """Knows the time; decides in `select` whether to wait for real or to jump."""

    def __init__(self) -> None:
        super().__init__()
        self._now_s = 0.0
        self._mark_s = time.perf_counter()
        self.jobs = 0
        self.busy: list[Callable[[], bool]] = []
        self._was_real = False

    def time(self) -> float:
        real_s = time.perf_counter()
        if self._was_real:
            self._now_s += real_s - self._mark_s
        self._mark_s = real_s
        self._was_real = self.jobs > 0 or len(self.get_map()) > _OWN_FILES or any(busy() for busy in self.busy)
        return self._now_s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.time()
        if self._was_real or timeout is None:  # without a timer only a socket or another thread can go on
            # Threads of their own do not say when they are done, so a look every few milliseconds must do.
            wait_s = min(timeout, _LOOK_S) if timeout is not None and self.busy else timeout
            events = super().select(wait_s)
            self.time()
            return events
        events = super().select(0)
        if not events:
            self._now_s += max(0.0, timeout)
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Seconds of `time` begin at 0 and mean nothing but their differences.

    A thread that computes without an executor job of this loop is waited for only when `wait_while` knows of it.
    """

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """The loop's own time, seconds."""
        return self._virtual.time()

    def wait_while(self, busy: Callable[[], bool]) -> None:
        """Time is real, too, while ``busy`` says that threads of their own are at work."""
        self._virtual.busy.append(busy)

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """As ever, and time is real until the job is done."""
        self._virtual.time()
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        self._virtual.jobs += 1
        self._virtual.time()
        future.add_done_callback(self._job_done)
        return future

    def _job_done(self, _: "asyncio.Future[Any]") -> None:
        self._virtual.time()
        self._virtual.jobs -= 1


def run_in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, on a `VirtualTimeLoop`."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
