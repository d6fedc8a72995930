import threading
from collections.abc import Iterator, Sequence

import pytest

from asr.batching import PassQueue, Urgency
from voicebot.core.errors import OverloadError


class Worker:
    """Runs jobs when it is let, and remembers what it ran with what."""

    def __init__(self) -> None:
        self.runs: list[list[str]] = []
        self.began = threading.Semaphore(0)
        self.may_run = threading.Event()

    def run(self, jobs: Sequence[str]) -> list[str]:
        self.runs.append(list(jobs))
        self.began.release()
        assert self.may_run.wait(10)
        if "bad" in jobs:
            raise ValueError("bad")
        return [job.upper() for job in jobs]


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture
def queue(worker: Worker) -> Iterator[PassQueue[str, str]]:
    made = PassQueue(worker.run, size=4, workers=1, batch_size=3, alike=lambda job: job[0])
    made.start()
    yield made
    worker.may_run.set()
    made.stop()


def busy(queue: PassQueue[str, str], worker: Worker) -> None:
    """One job that keeps the only worker."""
    queue.submit("first", Urgency.FINAL)
    assert worker.began.acquire(timeout=10)


def test_an_answer_comes_back_to_its_own_job(queue: PassQueue[str, str], worker: Worker) -> None:
    worker.may_run.set()
    passes = [queue.submit(job, Urgency.FINAL) for job in ("a1", "b2", "a3")]
    assert [each.future.result(10) for each in passes] == ["A1", "B2", "A3"]


def test_the_urgent_ones_go_first(queue: PassQueue[str, str], worker: Worker) -> None:
    busy(queue, worker)
    passes = [
        queue.submit("partial", Urgency.PARTIAL),
        queue.submit("speculative", Urgency.SPECULATIVE),
        queue.submit("urgent", Urgency.FINAL),
    ]
    worker.may_run.set()
    for each in passes:
        each.future.result(10)
    assert worker.runs[1:] == [["urgent"], ["speculative"], ["partial"]]


def test_a_caller_who_waits_makes_a_speculation_urgent(queue: PassQueue[str, str], worker: Worker) -> None:
    busy(queue, worker)
    early, late = queue.submit("xearly", Urgency.SPECULATIVE), queue.submit("ylate", Urgency.SPECULATIVE)
    queue.hurry(late)
    worker.may_run.set()
    early.future.result(10), late.future.result(10)
    assert worker.runs[1:] == [["ylate"], ["xearly"]]


def test_like_passes_share_a_run_and_others_do_not(queue: PassQueue[str, str], worker: Worker) -> None:
    busy(queue, worker)
    passes = [queue.submit(job, Urgency.FINAL) for job in ("a1", "b1", "a2", "a3")]
    worker.may_run.set()
    for each in passes:
        each.future.result(10)
    assert worker.runs[1:] == [["a1", "a2", "a3"], ["b1"]]


def test_free_workers_share_what_waits() -> None:
    worker = Worker()
    queue = PassQueue(worker.run, size=8, workers=2, batch_size=4)
    passes = []
    queue.start()
    try:
        for name in ("first", "second"):
            passes.append(queue.submit(name, Urgency.FINAL))
            assert worker.began.acquire(timeout=10)
        assert worker.runs == [["first"], ["second"]]
    finally:
        worker.may_run.set()
        queue.stop()
    assert [each.future.result(10) for each in passes] == ["FIRST", "SECOND"]


def test_a_full_queue_refuses_and_loses_nothing(queue: PassQueue[str, str], worker: Worker) -> None:
    busy(queue, worker)
    passes = [queue.submit(f"job{number}", Urgency.FINAL) for number in range(4)]
    with pytest.raises(OverloadError) as refused:
        queue.submit("one too many", Urgency.FINAL)
    assert refused.value.code == "recogniser_full"
    assert refused.value.remedy
    worker.may_run.set()
    assert [each.future.result(10) for each in passes] == ["JOB0", "JOB1", "JOB2", "JOB3"]


def test_a_cancelled_pass_makes_room_and_is_never_run(queue: PassQueue[str, str], worker: Worker) -> None:
    busy(queue, worker)
    unwanted = [queue.submit("unwanted", Urgency.FINAL) for _ in range(4)]
    for each in unwanted:
        each.cancel()
    assert queue.waiting == 0
    wanted = queue.submit("wanted", Urgency.FINAL)
    worker.may_run.set()
    assert wanted.future.result(10) == "WANTED"
    assert ["unwanted"] not in worker.runs


def test_an_error_reaches_those_who_wait_and_the_worker_goes_on(queue: PassQueue[str, str], worker: Worker) -> None:
    worker.may_run.set()
    with pytest.raises(ValueError, match="bad"):
        queue.submit("bad", Urgency.FINAL).future.result(10)
    assert queue.submit("good", Urgency.FINAL).future.result(10) == "GOOD"


def test_it_is_idle_only_when_a_worker_is_free(queue: PassQueue[str, str], worker: Worker) -> None:
    assert queue.idle
    busy(queue, worker)
    assert not queue.idle


def test_a_stopped_queue_takes_nothing_and_cancels_what_waits(worker: Worker) -> None:
    queue = PassQueue(worker.run, size=4, workers=1)
    queue.start()
    busy(queue, worker)
    waiting = queue.submit("waiting", Urgency.FINAL)
    worker.may_run.set()
    stopper = threading.Thread(target=queue.stop)
    stopper.start()
    stopper.join(10)
    assert not stopper.is_alive()
    assert waiting.done()
    with pytest.raises(OverloadError):
        queue.submit("late", Urgency.FINAL)
