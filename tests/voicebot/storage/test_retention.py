"""What is too old goes; what is young, or still going on, stays."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.fakes.clock import FakeClock
from tests.support.databases import BOTH, new_database
from tests.support.nouns import ANSWERED_AT, call_start, caller_turn, full_draft, hand_off
from voicebot.core.call import CallEnd
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.storage import retention
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.database import Database
from voicebot.storage.questions import UnansweredQuestions
from voicebot.storage.recordings import Recordings
from voicebot.storage.records import CallRecords
from voicebot.storage.retention import Retention, RetentionReport, without_identity
from voicebot.storage.settings import StorageSettings
from voicebot.storage.tables import audit_events, queue_entries
from voicebot.storage.tickets import SqlTicketStore


class House:
    """A database with one old call and everything that hangs on it."""

    def __init__(self, database: Database, folder: Path):
        self.database = database
        self.clock = FakeClock(ANSWERED_AT)
        self.settings = StorageSettings(
            recordings_folder=folder, keep_recordings_days=10, keep_transcripts_days=20, keep_ticket_identity_days=30
        )
        self.records = CallRecords(database)
        self.calls = SqlCallStore(database, self.clock)
        self.tickets = SqlTicketStore(database, self.clock)
        self.questions = UnansweredQuestions(database, self.clock)
        self.recordings = Recordings(database, self.clock, self.settings)

    async def fill(self) -> None:
        await self.calls.begin(call_start())
        await self.calls.add_turn("call-1", caller_turn())
        await self.calls.note("call-1", "digits", {"keys": "13800138000"})
        await self.calls.save_draft("call-1", full_draft())
        await self.tickets.file(call_start(), full_draft(), 1)
        await self.questions.add("luoyang", "call-1", "身份证怎么补办")
        queue = SqlAgentQueue(self.database, self.clock)
        await queue.join(hand_off("call-1"))
        await queue.leave("call-1", abandoned=False)
        recorder = self.recordings.recorder(call_start())
        assert recorder is not None
        recorder.caller(0, bytes(320))
        await recorder.close()
        await self.calls.finish("call-1", CallEnd.HANDED_OFF, {})

    def after(self, days: int, *, dry_run: bool = False) -> RetentionReport:
        self.clock = FakeClock(ANSWERED_AT + timedelta(days=days))
        return Retention(self.database, self.clock, self.settings).run(dry_run=dry_run)


@pytest.fixture(params=BOTH)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    with new_database(request.param, tmp_path) as database:
        house = House(database, tmp_path / "recordings")
        yield house
        house.recordings.close()


async def test_what_is_young_stays(house: House) -> None:
    await house.fill()
    assert house.after(9) == RetentionReport()
    call = await house.records.call("call-1")
    assert call is not None
    assert call.turns == (caller_turn(),)
    assert await house.recordings.path_of("call-1")


async def test_a_recording_goes_first(house: House) -> None:
    await house.fill()
    path = await house.recordings.path_of("call-1")
    assert path is not None
    assert house.after(12) == RetentionReport(recordings=1)
    assert not path.exists()
    assert await house.recordings.path_of("call-1") is None
    assert house.after(12) == RetentionReport()


async def test_a_transcript_goes_with_everything_personal_of_the_call(house: House) -> None:
    await house.fill()
    assert house.after(21) == RetentionReport(recordings=1, transcripts=1, questions=1)
    call = await house.records.call("call-1")
    assert call is not None
    assert (call.turns, call.events, call.draft, call.line.caller_number) == ((), (), None, "")
    assert call.line.end is CallEnd.HANDED_OFF
    assert await house.questions.latest("luoyang") == ()
    row = await house.database.read(lambda connection: connection.execute(select(queue_entries)).one())
    assert (row.summary, row.caller_number, row.draft, row.turns) == ("", "", None, [])
    assert row.state == "done"


async def test_a_ticket_loses_the_caller_and_keeps_the_matter(house: House) -> None:
    await house.fill()
    assert house.after(31).ticket_identities == 1
    (number,) = (await house.records.latest())[0].tickets
    ticket = await house.tickets.find(number)
    assert ticket is not None
    assert ticket.draft == without_identity(full_draft())
    assert (ticket.draft.caller_name, ticket.draft.caller_phone) == ("", "")
    assert ticket.draft.what == full_draft().what
    assert await house.tickets.find_by_phone("13800138000") == ()
    assert [event.kind for event in await house.tickets.events(number)] == ["filed"]


async def test_a_dry_run_counts_and_touches_nothing(house: House) -> None:
    await house.fill()
    expected = RetentionReport(recordings=1, transcripts=1, questions=1, ticket_identities=1)
    assert house.after(31, dry_run=True) == expected
    assert house.after(31, dry_run=True) == expected
    assert house.after(31) == expected


async def test_a_call_that_still_lasts_is_left_alone(house: House) -> None:
    await house.calls.begin(call_start())
    await house.calls.add_turn("call-1", caller_turn())
    assert house.after(1000) == RetentionReport()


async def test_every_pass_that_erased_something_is_on_record(house: House) -> None:
    await house.fill()
    house.after(9)
    house.after(31)
    rows = await house.database.read(lambda connection: connection.execute(select(audit_events)).all())
    assert [(row.kind, row.detail) for row in rows] == [
        ("erased", {"recordings": 1, "transcripts": 1, "questions": 1, "ticket_identities": 1})
    ]


async def test_more_calls_than_fit_one_transaction_go_in_one_pass(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH", 3)
    for index in range(7):
        await house.calls.begin(call_start(f"call-{index}"))
        await house.calls.finish(f"call-{index}", CallEnd.BOT_HUNG_UP, {})
    assert house.after(21).transcripts == 7


def test_a_name_goes_from_the_sentences_of_a_ticket() -> None:
    draft = without_identity(full_draft())
    assert "王建国" not in str(draft)
    assert "13800138000" not in str(draft)
