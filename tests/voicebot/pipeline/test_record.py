import asyncio

import pytest

from tests.fakes.call_store import FakeCallStore
from tests.fakes.clock import FakeClock
from tests.fakes.observer import FakeObserver
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.errors import StorageError
from voicebot.core.speech import Transcript
from voicebot.core.ticket import TicketDraft
from voicebot.pipeline import record as record_module
from voicebot.pipeline.record import CallRecord

START = CallStart("c1", Channel.WAV, FakeClock().now(), "city")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_module, "_RETRIES_S", (0.0, 0.0, 0.0))


async def test_a_call_is_written_in_the_order_in_which_it_happened() -> None:
    store, observer = FakeCallStore(), FakeObserver()
    record = CallRecord(store, store, START, observer)
    await record.begin()
    record.caller(Transcript("路灯坏了", "路登坏了", 0, 8000, confidence=(0.5, 0.5, 1.0, 1.0)), 0, 1000)
    record.bot("您好，", "您好，请讲。", 1100, 1500, None)
    record.note("ask", key="invite")
    record.draft(TicketDraft(what="路灯坏了"))
    record.draft(None)
    await record.finish(CallEnd.CALLER_HUNG_UP, {0: {"end_of_turn": 300.0}})
    kept = store.calls["c1"]
    assert [(turn.speaker, turn.text, turn.raw_text) for turn in kept.turns.values()] == [
        ("caller", "路灯坏了", "路登坏了"),
        ("bot", "您好，", "您好，请讲。"),
    ]
    assert kept.turns[0].confidence == 0.75
    assert kept.events == [("ask", {"key": "invite"})]
    assert kept.draft == TicketDraft(what="路灯坏了")
    assert kept.end is CallEnd.CALLER_HUNG_UP
    assert kept.latency_ms == {0: {"end_of_turn": 300.0}}


async def test_an_unchanged_draft_is_written_once() -> None:
    store = FakeCallStore()
    writes: list[TicketDraft] = []
    record = CallRecord(store, store, START, FakeObserver())

    async def save(call_id: str, draft: TicketDraft) -> None:
        writes.append(draft)

    store.save_draft = save  # type: ignore[method-assign]
    await record.begin()
    record.draft(TicketDraft(what="a"))
    record.draft(TicketDraft(what="a"))
    await record.finish(CallEnd.BOT_HUNG_UP, {})
    assert writes == [TicketDraft(what="a")]


async def test_a_dead_database_is_counted_and_does_not_stop_the_call() -> None:
    store, observer = FakeCallStore(), FakeObserver()
    store.failing = StorageError("gone", code="database_gone")
    record = CallRecord(store, store, START, observer)
    await record.begin()
    record.note("ask", key="invite")
    await record.finish(CallEnd.BOT_HUNG_UP, {})
    assert observer.counts["fault record database_gone"] == 12  # begin, note and finish, four tries each


async def test_a_refusal_that_cannot_get_better_is_not_repeated() -> None:
    store, observer = FakeCallStore(), FakeObserver()
    store.failing = StorageError("no", code="refused", retryable=False)
    record = CallRecord(store, store, START, observer)
    await record.begin()
    await record.finish(CallEnd.BOT_HUNG_UP, {})
    assert observer.counts["fault record refused"] == 2


async def test_a_full_queue_is_counted() -> None:
    observer = FakeObserver()
    record = CallRecord(FakeCallStore(), FakeCallStore(), START, observer)
    for number in range(201):
        record.note("ask", key=str(number))
    assert observer.counts["fault record record_full"] == 1


async def test_a_database_that_hangs_leaves_no_writer_behind() -> None:
    store = FakeCallStore()

    async def hang(call_id: str, kind: str, detail: object) -> None:
        await asyncio.Event().wait()

    store.note = hang  # type: ignore[assignment]
    record = CallRecord(store, store, START, FakeObserver())
    await record.begin()
    record.note("ask")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await record.finish(CallEnd.CALLER_HUNG_UP, {})
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("record-")] == []
