"""The first line of a record comes before the answer, and never keeps a caller waiting."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.fakes.call_store import FakeCallStore
from tests.fakes.clock import FakeClock
from tests.fakes.observer import FakeObserver
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.errors import OverloadError, StorageError
from voicebot.evaluation.virtual_time import run_in_virtual_time
from voicebot.pipeline import record as record_module
from voicebot.pipeline.book import RecordedCalls
from voicebot.pipeline.record import CallRecord
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.database import Database
from voicebot.storage.records import CallRecords
from voicebot.storage.settings import StorageSettings

START = CallStart("c1", Channel.SIP, FakeClock().now(), "city")


class SlowCallStore(FakeCallStore):
    """A store whose database does not answer for a minute."""

    async def announce(self, start: CallStart) -> None:
        await asyncio.sleep(60)
        await super().announce(start)


async def test_who_is_entered_is_on_record() -> None:
    store, observer = FakeCallStore(), FakeObserver()
    await RecordedCalls(store, store, observer).enter(START)
    assert store.calls["c1"].start == START
    assert not observer.counts


def test_a_slow_database_keeps_nobody_waiting() -> None:
    observer = FakeObserver()

    async def main() -> float:
        store, began_s = SlowCallStore(), asyncio.get_running_loop().time()
        await RecordedCalls(store, store, observer).enter(START)
        return asyncio.get_running_loop().time() - began_s

    assert run_in_virtual_time(main()) == pytest.approx(0.25, abs=0.01)
    assert observer.counts["fault record record_late"] == 1


@pytest.mark.parametrize(
    "failure", [StorageError("gone", code="database_gone"), OverloadError("full", code="database_overloaded")]
)
async def test_a_database_that_is_away_is_counted_and_the_call_is_answered(failure: StorageError) -> None:
    store, observer = FakeCallStore(), FakeObserver()
    store.failing = failure
    await RecordedCalls(store, store, observer).enter(START)
    assert observer.counts[f"fault record {failure.code}"] == 1


async def test_a_call_that_nobody_served_ends_on_record() -> None:
    store, observer = FakeCallStore(), FakeObserver()
    book = RecordedCalls(store, store, observer)
    await book.enter(START)
    await book.close(START, CallEnd.CALLER_HUNG_UP)
    assert store.calls["c1"].end is CallEnd.CALLER_HUNG_UP


async def test_what_a_locked_database_did_not_take_in_time_the_session_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_module, "_RETRIES_S", (0.0, 0.0, 0.0))
    observer, file = FakeObserver(), tmp_path / "hotline.db"
    database = Database(StorageSettings(url=f"sqlite:///{file}"))
    try:
        database.upgrade()
        calls, questions = SqlCallStore(database, FakeClock()), FakeCallStore()
        with closing(sqlite3.connect(file)) as other:
            other.execute("BEGIN IMMEDIATE")
            await RecordedCalls(calls, questions, observer).enter(START)
            assert observer.counts["fault record record_late"] == 1
            other.rollback()
        record = CallRecord(calls, questions, START, observer)
        await record.begin()
        record.note("ask", key="invite")
        await record.finish(CallEnd.BOT_HUNG_UP, {})
        (line,) = await CallRecords(database).latest()
        assert (line.call_id, line.end) == ("c1", CallEnd.BOT_HUNG_UP)
    finally:
        database.close()
