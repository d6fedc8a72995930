"""The button of three-way calls, and who else may get the call in hand, in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.fakes.line import FakeLine
from tests.fakes.observer import FakeObserver
from tests.support.browser import barriers, chromium, person, picture
from tests.support.calls import ToneVoice
from tests.support.databases import new_database
from tests.support.headsets import FakePhone
from tests.support.nouns import call_start, full_draft, hand_off
from tests.support.office import employ, new_office, opened_office
from voicebot.core.clock import SystemClock
from voicebot.core.errors import LineError
from voicebot.core.ports import Line
from voicebot.desk.agents import AgentState
from voicebot.desk.taking import CallTaking
from voicebot.pipeline.held import Contact, Exchange, HeldCall, HeldCalls
from voicebot.pipeline.record import CallRecord
from voicebot.pipeline.state import CallState, CallTime
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.changes import Changes
from voicebot.storage.questions import UnansweredQuestions
from voicebot.web.office import Office
from voicebot.web.settings import WebSettings

pytestmark = [pytest.mark.browser, pytest.mark.network]

CONTACTS = [Contact("110", "公安报警", "110"), Contact("120", "医疗急救", "120"), Contact("12333", "人社局", "人社局")]


class Floor:
    """mei may take call-1; as soon as she has, it is on her headset. 120 answers when told to, everybody else is busy.

    wang is ready.
    """

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.third = FakeLine("third")
        self.held = HeldCalls(Exchange(CONTACTS, self._dial, lambda name, language: f"接通{name}。"))
        self.url = ""
        self.office: Office

    async def _dial(self, number: str, call_id: str) -> Line:
        if number != "120":
            raise LineError("占线。", code="call_busy")
        await self.answers.wait()
        return self.third


async def _hold(floor: Floor, takers: CallTaking, record: CallRecord) -> None:
    """What the call's own pipeline does once it is taken."""
    await takers.taken("call-1")
    call = HeldCall(
        "mei",
        FakeLine("call-1"),
        FakePhone(),
        CallState(),
        floor.held.exchange,
        ToneVoice(),
        record,
        CallTime(),
        FakeObserver(),
    )
    with floor.held.holding(call):
        record.note("transfer", outcome="answered", agent="mei")
        await call.run(asyncio.create_task(takers.released("call-1")))
    record.note("headset", outcome="done", agent="mei")


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    floor, clock = Floor(), SystemClock()
    with new_database("sqlite", tmp_path) as database:
        changes = Changes(database)
        floor.office = office = new_office(database, clock, changes=changes, held=floor.held)
        calls = SqlCallStore(database, clock, changes=changes)
        await employ(office, "mei", display_name="梅朵")
        await employ(office, "wang", display_name="王强")
        await office.desk.agents.arrive("wang")
        await office.desk.agents.set_state("wang", AgentState.READY)
        start = replace(call_start(), tenant="luoyang", answered_at=clock.now())
        record = CallRecord(calls, UnansweredQuestions(database, clock), start, FakeObserver())
        await record.begin()
        record.draft(full_draft())
        await office.record.queue.join(replace(hand_off("call-1"), draft=full_draft()))
        tasks = [
            asyncio.create_task(work)
            for work in (office.desk.board.run(), _hold(floor, CallTaking(database, clock, changes), record))
        ]
        async with opened_office(office, WebSettings(port=0)) as server:
            floor.url = server.url
            yield floor
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert record._writer is not None
        record._writer.cancel()
        await asyncio.gather(record._writer, return_exceptions=True)


async def test_an_agent_calls_120_from_the_keyboard_sees_how_it_goes_and_leaves(floor: Floor) -> None:
    async with chromium() as browser, person(browser, floor.url, "mei", "/desk") as mei:
        await expect(mei.locator("#three-way")).to_be_disabled()
        await mei.locator("#waiting button").dblclick()
        await expect(mei.locator("#three-way")).to_be_enabled()
        await mei.keyboard.press("F7")
        await expect(mei.locator("#contacts button")).to_have_text(["公安报警 110", "医疗急救 120", "人社局 12333"])
        await expect(mei.locator("#contacts button").first).to_be_focused()
        assert await barriers(mei) == []
        await mei.keyboard.press("Escape")
        await expect(mei.locator("#contacts")).to_be_hidden()
        await expect(mei.locator("#three-way")).to_be_focused()
        await mei.keyboard.press("Enter")
        await mei.keyboard.press("Enter")  # the first of the list: 110, who is busy
        await expect(mei.locator("#third-state")).to_have_text("公安报警 110：占线")
        await mei.keyboard.press("F7")
        await mei.keyboard.press("Tab")
        await mei.keyboard.press("Enter")
        await expect(mei.locator("#third-state")).to_have_text("医疗急救 120：正在呼叫…")
        await expect(mei.locator("#drop-third")).to_have_text("不再呼叫")
        await expect(mei.locator("#give-back")).to_be_disabled()
        await expect(mei.locator("#three-way")).to_be_disabled()
        floor.answers.set()
        await expect(mei.locator("#third-state")).to_have_text("医疗急救 120：已接通，三方通话中")
        assert await barriers(mei) == []
        await picture(mei, "three-way")
        await mei.click("#leave-third")
        await expect(mei.locator("#my-state")).to_have_text("话后处理")
        await expect(mei.locator("#third-state")).to_have_text("")
    assert floor.third.end is None, "caller and 120 speak on"


async def test_an_agent_lets_the_third_party_go_and_gives_the_call_to_a_colleague(floor: Floor) -> None:
    floor.answers.set()
    async with chromium() as browser, person(browser, floor.url, "mei", "/desk") as mei:
        await mei.locator("#waiting button").dblclick()
        await mei.click("#three-way")
        await mei.click("#contacts button >> nth=1")
        await mei.click("#drop-third >> text=请对方退出")
        await expect(mei.locator("#third-state")).to_have_text("医疗急救 120：已退出")
        assert floor.third.end is not None
        await expect(mei.locator("#give-back")).to_be_enabled()
        await mei.click("#pass-on")
        await expect(mei.locator("#colleagues button")).to_have_text(["机器人", "王强"])
        await mei.click("#colleagues button >> text=王强")
        await expect(mei.locator("#my-state")).to_have_text("话后处理")
    entry = await floor.office.record.queue.find("call-1")
    assert entry is not None
    assert (entry.state.value, entry.offered_to) == ("waiting", "wang")
