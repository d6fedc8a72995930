"""Whose calls are whose, and which process still lives."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.fakes.clock import FakeClock
from tests.support.databases import BOTH, new_database
from tests.support.nouns import call_start, caller_turn
from voicebot.core.call import CallEnd
from voicebot.core.errors import StorageError
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.database import Database
from voicebot.storage.records import CallRecords
from voicebot.storage.tables import calls, workers
from voicebot.storage.workers import Worker

FAR = Worker("far", "another machine", 1, "1")


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with new_database(request.param, tmp_path) as database:
        yield database


def _child() -> tuple[subprocess.Popen[bytes], str]:
    """A process that waits to be killed, and when it started in clock ticks since boot (proc(5))."""
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    return child, Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]


async def _begin(database: Database, clock: FakeClock, worker: Worker) -> SqlCallStore:
    store = SqlCallStore(database, clock, worker=worker)
    await store.begin(call_start(f"call-of-{worker.worker_id}"))
    return store


async def test_another_machine_counts_as_dead_only_after_a_silence(database: Database) -> None:
    clock = FakeClock()
    far = await _begin(database, clock, FAR)
    here = SqlCallStore(database, clock, worker_lost_after_s=60)
    clock.advance(50)
    await far.beat()
    clock.advance(59)
    assert await here.mark_cut_off() == 0
    clock.advance(2)
    assert await here.mark_cut_off() == 1


async def test_a_worker_that_retired_leaves_its_unfinished_calls_to_be_marked(database: Database) -> None:
    clock = FakeClock()
    far = await _begin(database, clock, FAR)
    await far.retire()
    assert await SqlCallStore(database, clock).mark_cut_off() == 1


async def test_workers_long_gone_are_forgotten_and_one_that_lives_after_all_signs_in_again(database: Database) -> None:
    clock = FakeClock()
    far = await _begin(database, clock, FAR)
    await far.finish("call-of-far", CallEnd.BOT_HUNG_UP, {})
    clock.advance(25 * 3600)
    here = SqlCallStore(database, clock)
    assert await here.mark_cut_off() == 0
    assert FAR.worker_id not in await _known(database)
    await far.beat()
    await far.begin(call_start("call-2"))
    assert FAR.worker_id in await _known(database)
    assert await here.mark_cut_off() == 0


async def _known(database: Database) -> set[str]:
    query = select(workers.c.worker_id)
    return set(await database.read(lambda connection: connection.execute(query).scalars().all()))


async def test_a_process_id_used_again_does_not_pass_for_the_dead_process(database: Database) -> None:
    clock = FakeClock()
    me = Worker.this_process()
    await _begin(database, clock, Worker("earlier", me.machine, os.getpid(), "1"))
    assert await SqlCallStore(database, clock, worker=me).mark_cut_off() == 1


async def test_a_sibling_process_that_lives_keeps_its_calls_and_a_dead_one_loses_them(database: Database) -> None:
    clock = FakeClock()
    me = Worker.this_process()
    child, start = _child()
    await _begin(database, clock, Worker("sibling", me.machine, child.pid, start))
    here = SqlCallStore(database, clock, worker=me)
    assert await here.mark_cut_off() == 0
    child.kill()
    child.communicate()
    assert await here.mark_cut_off() == 1


async def test_a_call_that_began_while_the_database_was_away_is_on_record(database: Database) -> None:
    store = SqlCallStore(database, FakeClock())
    database.run_now(lambda connection: connection.exec_driver_sql("ALTER TABLE calls RENAME TO away"))
    for ask in (store.begin(call_start()), store.add_turn("call-1", caller_turn(1))):
        with pytest.raises(StorageError) as refused:
            await ask
        assert refused.value.code == "schema_missing"
    database.run_now(lambda connection: connection.exec_driver_sql("ALTER TABLE away RENAME TO calls"))
    await store.add_turn("call-1", caller_turn(2))
    call = await CallRecords(database).call("call-1")
    assert call is not None
    assert call.line.caller_number == call_start().caller_number
    assert call.turns == (caller_turn(2),)


async def test_calls_are_listed_newest_first_and_page_by_page(database: Database) -> None:
    clock = FakeClock()
    await _begin(database, clock, Worker.this_process())
    records = CallRecords(database)
    (only,) = await records.latest()
    assert await records.latest(before=only.answered_at) == ()
    assert await records.latest(open_only=True) == (only,)
    await database.write(lambda connection: connection.execute(calls.update().values(end="cut_off")))
    assert await records.latest(open_only=True) == ()
    assert await records.call("nobody") is None
