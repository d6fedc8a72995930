"""What ``voicebot call`` prints of a call is what is on record."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.clock import FakeClock
from tests.support.databases import new_database
from tests.support.nouns import ANSWERED_AT, bot_turn, call_start, caller_turn, full_draft, hand_off
from voicebot.core.call import CallEnd
from voicebot.desk.agent_queue import SqlAgentQueue
from voicebot.desk.settings import DeskSettings
from voicebot.evaluation.report import CallReports
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.changes import Changes
from voicebot.storage.database import Database
from voicebot.storage.tickets import SqlTicketStore


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with new_database("sqlite", tmp_path) as made:
        yield made


async def test_a_finished_call_is_told_whole(database: Database) -> None:
    clock = FakeClock()
    calls = SqlCallStore(database, clock)
    await calls.begin(call_start())
    await calls.add_turn("call-1", caller_turn())
    await calls.add_turn("call-1", bot_turn())
    await calls.note("call-1", "ask", {"key": "ask_where"})
    await calls.save_draft("call-1", full_draft())
    ticket = await SqlTicketStore(database, clock).file(call_start(), full_draft(), 1)
    await SqlAgentQueue(database, clock, DeskSettings(), Changes(database)).join(hand_off("call-1"))
    await calls.finish("call-1", CallEnd.CALLER_HUNG_UP, {1: {"final_text": 300.0}})

    report = await CallReports(database, clock).wait_for("13800138000", ANSWERED_AT)

    assert report is not None
    assert (report["call"]["id"], report["call"]["dialled_number"], report["call"]["end"]) == (
        "call-1",
        "12345",
        "caller_hung_up",
    )
    assert [(turn["who"], turn["text"]) for turn in report["turns"]] == [("caller", "夜市占道"), ("bot", "好的，")]
    assert report["turns"][0]["corrections"][0]["written"] == "夜市"
    assert [(event["kind"], event["key"]) for event in report["actions"]] == [("ask", "ask_where")]
    assert report["tickets"] == [report["ticket"]]
    assert (report["ticket"]["number"], report["ticket"]["department"]) == (ticket.number, "cgj")
    assert report["ticket"]["address"]["road"] == "牡丹路"
    assert report["draft"]["what"] == full_draft().what
    assert (report["handoff"]["reason"], report["handoff"]["draft"]["what"]) == ("asked", full_draft().what)
    assert report["latency_ms"] == {"1": {"final_text": 300.0}}


async def test_there_is_no_report_of_a_call_that_is_not_on_record(database: Database) -> None:
    assert await CallReports(database, FakeClock()).read("call-9") is None
