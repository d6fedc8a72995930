"""The desk in a real browser: two agents and a supervisor at once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.support.browser import PHONE, barriers, chromium, person, picture
from tests.support.databases import new_database
from tests.support.nouns import bot_turn, caller_turn, full_draft, hand_off
from tests.support.office import PASSWORD, employ, new_office, opened_office
from voicebot.core.call import CallStart, Channel
from voicebot.core.clock import SystemClock
from voicebot.desk.assignment import Assigner
from voicebot.desk.settings import DeskSettings
from voicebot.storage.accounts import Role
from voicebot.storage.calls import SqlCallStore
from voicebot.storage.changes import Changes
from voicebot.storage.database import Database
from voicebot.web.settings import WebSettings

pytestmark = [pytest.mark.browser, pytest.mark.network]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with new_database("sqlite", tmp_path) as database:
        yield database


class Floor:
    """An office at work, with real time."""

    def __init__(self, database: Database):
        self.clock, self.changes = SystemClock(), Changes(database)
        self.office = new_office(database, self.clock, changes=self.changes)
        self.calls = SqlCallStore(database, self.clock, changes=self.changes)
        self.assigner = Assigner(database, self.clock, DeskSettings(), self.changes)
        self.url = ""

    async def call_in(self, call_id: str, matter: str = "夜市摊位占了人行道", priority: int = 5) -> None:
        draft = replace(full_draft(), title=matter, what=matter, demand="尽快清理")
        await self.calls.begin(CallStart(call_id, Channel.SIP, self.clock.now(), "luoyang", "13800138000", "12345", ""))
        await self.calls.add_turn(call_id, bot_turn(0))
        await self.calls.add_turn(call_id, caller_turn(1))
        await self.calls.save_draft(call_id, draft)
        await self.office.record.queue.join(replace(hand_off(call_id, priority=priority), draft=draft))


@pytest.fixture
async def floor(database: Database) -> AsyncIterator[Floor]:
    floor = Floor(database)
    await employ(floor.office, "mei", display_name="梅朵")
    await employ(floor.office, "wang", display_name="王强")
    await employ(floor.office, "chief", Role.SUPERVISOR, "张班长")
    settings = WebSettings(port=0)
    tasks = [asyncio.create_task(work) for work in (floor.office.desk.board.run(), floor.assigner.run())]
    async with opened_office(floor.office, settings) as server:
        floor.url = server.url
        yield floor
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


async def test_two_agents_and_a_supervisor_work_at_the_same_time(floor: Floor, browser: Browser) -> None:
    async with (
        person(browser, floor.url, "mei", "/desk") as mei,
        person(browser, floor.url, "wang", "/desk") as wang,
        person(browser, floor.url, "chief", "/desk/supervisor") as chief,
    ):
        for desk in (mei, wang):
            await desk.click("#ready")
            await expect(desk.locator("#my-state")).to_have_text("就绪")
        await expect(chief.locator("#agents tr")).to_have_count(2)
        await floor.call_in("call-1")
        # The longest idle agent is offered the call and sees it all before saying hello.
        await expect(mei.locator("#offer")).to_be_visible()
        await expect(mei.locator("#turns")).to_contain_text("夜市占道")
        await expect(mei.locator("#turns mark")).to_have_text("夜市")
        await expect(mei.locator("#field-title")).to_have_value("夜市摊位占了人行道")
        await expect(wang.locator("#offer")).to_be_hidden()
        await expect(chief.locator("#waiting tr")).to_have_count(1)
        await mei.keyboard.press("F2")
        await expect(mei.locator("#my-state")).to_have_text("通话中")
        await floor.call_in("call-2", "下水道堵了", priority=0)
        await expect(wang.locator("#offer-title")).to_have_text("紧急来电")
        await wang.click("#accept")
        await floor.calls.add_turn("call-1", caller_turn(2, "还有路灯不亮"))
        await expect(mei.locator("#turns")).to_contain_text("还有路灯不亮")
        await mei.fill("#field-demand", "今天就清理")
        await mei.locator("#field-demand").blur()
        await floor.call_in("call-3", "热水器漏气", priority=4)
        await floor.call_in("call-4", "公交线路咨询")
        await expect(mei.locator("#waiting button")).to_have_count(2)
        await expect(chief.locator("#figures")).to_contain_text("转人工4")
        await picture(mei, "desk")
        await picture(chief, "supervisor")
        await mei.keyboard.press("F8")
        await expect(mei.locator("#filed")).to_contain_text("已登记：LY")
        await mei.keyboard.press("F9")
        await expect(mei.locator("#my-state")).to_have_text("话后处理")
        await expect(chief.locator("#agents tr").first).to_contain_text("话后处理")
        await mei.click("#ready")
        await expect(mei.locator("#offer-summary")).to_be_visible()  # the next one
        (ticket,) = await floor.office.record.tickets.latest("luoyang")
        assert (ticket.call_id, ticket.draft.demand) == ("call-1", "今天就清理")


async def test_personal_data_is_covered_until_it_is_asked_for(floor: Floor, browser: Browser) -> None:
    await floor.call_in("call-1")
    async with person(browser, floor.url, "mei", "/desk") as mei:
        await mei.locator("#waiting button").click()
        await expect(mei.locator("#field-caller_phone")).to_have_value("138****8000")
        assert "13800138000" not in await mei.content()
        await mei.keyboard.press("F4")
        await expect(mei.locator("#field-caller_phone")).to_have_value("13800138000")
        await expect(mei.locator(".watermark span").first).to_contain_text("mei")
    assert "call_unmasked" in [event.kind for event in await floor.office.record.audit.latest()]


async def test_an_agent_who_lost_the_connection_finds_the_call_again(floor: Floor, browser: Browser) -> None:
    async with person(browser, floor.url, "mei", "/desk") as mei:
        await mei.click("#ready")
        await floor.call_in("call-1")
        await expect(mei.locator("#offer")).to_be_visible()
        await mei.keyboard.press("F2")
        await expect(mei.locator("#finish")).to_be_enabled()
        await mei.reload()
        await expect(mei.locator("#turns")).to_contain_text("夜市占道")
        await expect(mei.locator("#finish")).to_be_enabled()


async def test_knowledge_is_found_from_the_keyboard(floor: Floor, browser: Browser) -> None:
    async with person(browser, floor.url, "mei", "/desk") as mei:
        await expect(mei.locator("#my-state")).to_have_text("小休")
        await mei.keyboard.press("F3")
        await mei.keyboard.type("路灯不亮")
        await mei.keyboard.press("Enter")
        await expect(mei.locator("#passages")).to_contain_text("路灯报修")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_has_a_barrier(floor: Floor, browser: Browser, scheme: str) -> None:
    await floor.call_in("call-1")
    async with person(browser, floor.url, "chief", "/desk", color_scheme=scheme) as chief:
        await chief.locator("#waiting button").click()
        await expect(chief.locator("#turns li")).to_have_count(2)
        for path in ("/desk", "/desk/supervisor", "/account", "/login", "/"):
            if path != "/desk":
                await chief.goto(floor.url + path)
                await chief.wait_for_load_state("networkidle" if path in ("/account", "/login", "/") else "load")
            assert await barriers(chief) == [], path


async def test_the_desk_fits_a_small_screen_and_a_phone(floor: Floor, browser: Browser) -> None:
    await floor.call_in("call-1")
    async with person(browser, floor.url, "mei", "/desk") as mei:
        await mei.locator("#waiting button").click()
        await expect(mei.locator("#turns li")).to_have_count(2)
        for size in (None, PHONE):
            if size:
                await mei.set_viewport_size(size)  # type: ignore[arg-type]
                await picture(mei, "desk-phone")
            wide = await mei.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0


async def test_an_editor_begins_at_the_knowledge_page(floor: Floor, browser: Browser) -> None:
    await employ(floor.office, "li", Role.EDITOR, "李编辑")
    await floor.office.editing.questions.add("luoyang", "call-1", "学区怎么划分", nearest_article="idcard", score=0.3)
    context = await browser.new_context(locale="zh-CN")
    page = await context.new_page()
    await page.goto(floor.url + "/login")
    await page.fill("input[name=name]", "li")
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button[type=submit]")
    await page.wait_for_url("**/desk/knowledge")
    await expect(page.locator("#unanswered")).to_contain_text("学区怎么划分")
    await expect(page.locator("#articles tr")).to_have_count(2)
    await page.fill("#question", "路灯坏了")
    await page.press("#question", "Enter")
    await expect(page.locator("#passages")).to_contain_text("路灯报修")
    assert await barriers(page) == []
    await picture(page, "knowledge")
    await context.close()
