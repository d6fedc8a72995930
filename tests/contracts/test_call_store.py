"""What every record of calls must do."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.fakes.call_store import FakeCallStore
from tests.fakes.clock import FakeClock
from tests.support.databases import WITH_FAKE, new_database
from tests.support.nouns import bot_turn, call_start, caller_turn, full_draft
from voicebot.core.call import CallEnd
from voicebot.core.errors import StorageError
from voicebot.core.ports import CallStore, EarlyCallStore
from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Turn
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.database import Database
from voicebot.storage.documents import from_document
from voicebot.storage.tables import call_events, calls, drafts, turns
from voicebot.storage.workers import Worker


@dataclass
class Kept:
    """What is on record of one call, read by the back door."""

    turns: list[Turn]
    events: list[tuple[str, dict[str, object]]]
    draft: TicketDraft | None
    end: CallEnd | None


@dataclass
class Subject:
    """A store, a way to look behind it, and the store of a process that starts after the first one died."""

    store: EarlyCallStore
    kept: Callable[[str], Awaitable[Kept]]
    after_death: Callable[[], CallStore]


@pytest.fixture(params=WITH_FAKE)
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    if request.param == "fake":
        yield _fake()
        return
    with new_database(request.param, tmp_path) as database:
        yield _real(database)


def _fake() -> Subject:
    store = FakeCallStore()

    async def kept(call_id: str) -> Kept:
        call = store.calls[call_id]
        return Kept([call.turns[index] for index in sorted(call.turns)], call.events, call.draft, call.end)

    def after_death() -> FakeCallStore:
        store.die()
        return store

    return Subject(store, kept, after_death)


def _real(database: Database) -> Subject:
    clock = FakeClock()
    here = Worker.this_process()
    dead = Worker("worker-that-died", here.machine, 2**22 + 1, "1")  # above the kernel's largest process id

    async def kept(call_id: str) -> Kept:
        def look(connection: object) -> Kept:
            run = connection.execute  # type: ignore[attr-defined]
            said = run(select(turns).where(turns.c.call_id == call_id).order_by(turns.c.index)).mappings().all()
            events = run(select(call_events).where(call_events.c.call_id == call_id).order_by(call_events.c.event_id))
            draft = run(select(drafts.c.draft).where(drafts.c.call_id == call_id)).scalar()
            end = run(select(calls.c.end).where(calls.c.call_id == call_id)).scalar_one()
            return Kept(
                [from_document(Turn, dict(row)) for row in said],
                [(row.kind, row.detail) for row in events],
                from_document(TicketDraft, draft) if draft else None,
                CallEnd(end) if end else None,
            )

        return await database.read(look)

    return Subject(SqlCallStore(database, clock, worker=dead), kept, lambda: SqlCallStore(database, clock, worker=here))


async def test_turns_come_back_as_they_were_said(subject: Subject) -> None:
    await subject.store.begin(call_start())
    await subject.store.add_turn("call-1", caller_turn(1))
    await subject.store.add_turn("call-1", bot_turn(2))
    assert (await subject.kept("call-1")).turns == [caller_turn(1), bot_turn(2)]


async def test_a_turn_written_again_replaces_the_first(subject: Subject) -> None:
    await subject.store.begin(call_start())
    await subject.store.add_turn("call-1", caller_turn(1, "夜是占道"))
    await subject.store.add_turn("call-1", caller_turn(1, "夜市占道"))
    assert (await subject.kept("call-1")).turns == [caller_turn(1, "夜市占道")]


async def test_the_newest_draft_is_kept(subject: Subject) -> None:
    await subject.store.begin(call_start())
    await subject.store.save_draft("call-1", TicketDraft(what="路灯不亮"))
    await subject.store.save_draft("call-1", full_draft())
    assert (await subject.kept("call-1")).draft == full_draft()


async def test_notes_are_kept_in_order(subject: Subject) -> None:
    await subject.store.begin(call_start())
    await subject.store.note("call-1", "digit", {"key": "5"})
    await subject.store.note("call-1", "fault", {"stage": "recognition", "code": "engine_dead"})
    assert (await subject.kept("call-1")).events == [
        ("digit", {"key": "5"}),
        ("fault", {"stage": "recognition", "code": "engine_dead"}),
    ]


async def test_beginning_a_call_again_loses_nothing(subject: Subject) -> None:
    await subject.store.begin(call_start())
    await subject.store.add_turn("call-1", caller_turn())
    await subject.store.begin(call_start())
    assert (await subject.kept("call-1")).turns == [caller_turn()]


async def test_a_call_that_was_announced_and_never_begun_is_cut_off_by_the_death_of_its_process(
    subject: Subject,
) -> None:
    await subject.store.announce(call_start("call-1"))
    await subject.store.announce(call_start("call-2"))
    await subject.store.begin(call_start("call-2"))
    await subject.store.add_turn("call-2", caller_turn())
    assert (await subject.kept("call-1")).end is None
    assert await subject.after_death().mark_cut_off() == 2
    assert (await subject.kept("call-1")).end is CallEnd.CUT_OFF
    assert (await subject.kept("call-2")).turns == [caller_turn()]


async def test_the_first_end_of_a_call_stays(subject: Subject) -> None:
    await subject.store.begin(call_start())
    await subject.store.finish("call-1", CallEnd.HANDED_OFF, {1: {"final_text": 412.5}})
    await subject.store.finish("call-1", CallEnd.SHUTDOWN, {})
    assert (await subject.kept("call-1")).end is CallEnd.HANDED_OFF


async def test_calls_of_a_dead_process_are_cut_off_and_keep_everything(subject: Subject) -> None:
    await subject.store.begin(call_start("call-1"))
    await subject.store.add_turn("call-1", caller_turn())
    await subject.store.save_draft("call-1", full_draft())
    await subject.store.begin(call_start("call-2"))
    await subject.store.finish("call-2", CallEnd.BOT_HUNG_UP, {})
    restarted = subject.after_death()
    assert await restarted.mark_cut_off() == 1
    assert await subject.kept("call-1") == Kept([caller_turn()], [], full_draft(), CallEnd.CUT_OFF)
    assert (await subject.kept("call-2")).end is CallEnd.BOT_HUNG_UP
    assert await restarted.mark_cut_off() == 0


async def test_a_process_does_not_cut_off_its_own_calls(subject: Subject) -> None:
    store = subject.after_death()
    await store.begin(call_start())
    assert await store.mark_cut_off() == 0
    assert (await subject.kept("call-1")).end is None


async def test_the_true_end_replaces_a_presumed_cut_off(subject: Subject) -> None:
    await subject.store.begin(call_start())
    await subject.after_death().mark_cut_off()
    await subject.store.finish("call-1", CallEnd.CALLER_HUNG_UP, {})
    assert (await subject.kept("call-1")).end is CallEnd.CALLER_HUNG_UP


async def test_an_unknown_call_is_refused(subject: Subject) -> None:
    with pytest.raises(StorageError) as refused:
        await subject.store.add_turn("nobody", caller_turn())
    assert refused.value.code == "call_unknown"
    assert not refused.value.retryable
