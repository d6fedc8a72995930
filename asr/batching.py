"""Passes of several calls wait here, the urgent ones first, and share runs of the model when that pays.

Plain threads: a pass keeps a core busy for a few hundred milliseconds, and the event loop of the calls must
not notice. A pass is handed in and cancelled from any thread; its answer is a `concurrent.futures.Future`.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from enum import IntEnum
from typing import Generic, TypeVar

from voicebot.core.errors import OverloadError

Job = TypeVar("Job")
Answer = TypeVar("Answer")


class Urgency(IntEnum):
    """Who goes first: a caller who waits, one who may have finished, one who still speaks."""

    FINAL = 0
    SPECULATIVE = 1
    PARTIAL = 2


class Pass(Generic[Job, Answer]):
    """A job that waits, runs, or is done."""

    def __init__(self, job: Job, urgency: Urgency):
        self.job = job
        self.urgency = urgency
        self.future: Future[Answer] = Future()

    def done(self) -> bool:
        """True when there is an answer, an error, or nobody who wants one."""
        return self.future.done()

    def succeeded(self) -> bool:
        """True when there is an answer."""
        return self.future.done() and not self.future.cancelled() and self.future.exception() is None

    def cancel(self) -> None:
        """Nobody wants the answer; a pass that runs already cannot be stopped."""
        self.future.cancel()


class PassQueue(Generic[Job, Answer]):
    """A bounded queue in front of ``workers`` threads that run ``run`` on up to ``batch_size`` jobs at once.

    Full: `submit` raises `OverloadError`, nothing is taken, nothing that waits is lost. Jobs share a run
    only when ``alike`` gives the same key for both.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Job]], Sequence[Answer]],
        *,
        size: int,
        workers: int,
        batch_size: int = 1,
        alike: Callable[[Job], object] = lambda job: None,
    ):
        self._run = run
        self._size = size
        self._workers = workers
        self._batch_size = batch_size
        self._alike = alike
        self._waiting: list[Pass[Job, Answer]] = []
        self._running = 0
        self._open = False
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the workers."""
        self._open = True
        self._threads = [
            threading.Thread(target=self._work, name=f"recogniser-{number}", daemon=True)
            for number in range(self._workers)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Cancel what waits, let what runs finish, end the workers; blocks for one pass at most."""
        with self._changed:
            self._open = False
            for waiting in self._waiting:
                waiting.cancel()
            self._waiting.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []

    @property
    def waiting(self) -> int:
        """How many passes wait for a worker."""
        with self._changed:
            return sum(not each.future.cancelled() for each in self._waiting)

    @property
    def idle(self) -> bool:
        """True when nothing waits and a worker is free: the moment for luxuries."""
        with self._changed:
            return self._running < self._workers and not any(not each.future.cancelled() for each in self._waiting)

    @property
    def busy(self) -> bool:
        """True while a pass runs or waits."""
        with self._changed:
            return self._running > 0 or any(not each.future.cancelled() for each in self._waiting)

    def submit(self, job: Job, urgency: Urgency) -> Pass[Job, Answer]:
        """Hand in a job; never waits. Raises `OverloadError` when the queue is full or closed."""
        with self._changed:
            if not self._open:
                raise OverloadError("The recogniser is not running.", code="recogniser_stopped", retryable=False)
            self._waiting = [each for each in self._waiting if not each.future.cancelled()]
            if len(self._waiting) >= self._size:
                raise OverloadError(
                    f"{self._size} turns wait for recognition already.",
                    code="recogniser_full",
                    remedy="Take fewer calls on this machine, or point asr.engine at a model server.",
                )
            waiting: Pass[Job, Answer] = Pass(job, urgency)
            self._waiting.append(waiting)
            self._changed.notify()
        return waiting

    def hurry(self, waiting: Pass[Job, Answer]) -> None:
        """A caller waits for this one now."""
        waiting.urgency = Urgency.FINAL

    def _take(self) -> list[Pass[Job, Answer]]:
        """The most urgent pass, oldest first, and those like it; empty when the queue is closed."""
        with self._changed:
            while True:
                self._waiting = [each for each in self._waiting if not each.future.cancelled()]
                if self._waiting or not self._open:
                    break
                self._changed.wait()
            batch: list[Pass[Job, Answer]] = []
            free = max(1, self._workers - self._running)
            share = min(self._batch_size, -(-len(self._waiting) // free))  # leave work for the other free workers
            for each in sorted(self._waiting, key=lambda waiting: waiting.urgency):  # stable: the oldest first
                if batch and (len(batch) >= share or self._alike(each.job) != self._alike(batch[0].job)):
                    continue
                if each.future.set_running_or_notify_cancel():
                    batch.append(each)
            self._waiting = [each for each in self._waiting if each not in batch]
            self._running += bool(batch)
            return batch

    def _work(self) -> None:
        while True:
            batch = self._take()
            if not batch:
                if not self._open:
                    return
                continue
            try:
                answers = self._run([each.job for each in batch])
            except Exception as error:  # a worker's door: whatever went wrong belongs to those who wait
                for each in batch:
                    each.future.set_exception(error)
            else:
                for each, answer in zip(batch, answers, strict=True):
                    each.future.set_result(answer)
            finally:
                with self._changed:
                    self._running -= 1
