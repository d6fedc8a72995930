"""An agent who takes calls with a headset in the browser."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.async_api import Page, expect

from telephony.settings import WebRtcSettings
from tests.support.browser import barriers, chromium, person, picture
from tests.support.databases import new_database
from tests.support.nouns import call_start
from tests.support.office import employ, new_office, opened_office
from voicebot.app.phones import DeskPhones
from voicebot.audio.tones import tone
from voicebot.core.clock import SystemClock
from voicebot.pipeline.listening import ListeningPosts
from voicebot.pipeline.phone import LinePhone
from voicebot.pipeline.state import CallState
from voicebot.storage.accounts import Role
from voicebot.storage.calls import SqlCallStore
from voicebot.web.call_routes import CallDoor
from voicebot.web.headset_routes import HeadsetDoor
from voicebot.web.office import Office
from voicebot.web.settings import WebSettings

pytestmark = [pytest.mark.browser, pytest.mark.network]

YES = Path(__file__).parents[2] / "audio_fixtures" / "mandarin" / "yes.wav"


@dataclass
class Desk:
    url: str
    phones: DeskPhones
    posts: ListeningPosts
    office: Office
    calls: SqlCallStore

    async def headset(self, name: str = "mei") -> LinePhone:
        for _ in range(200):
            if (found := self.phones.of(name)) is not None:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError("no headset")


async def _nobody(offer: str) -> str:
    raise AssertionError


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock, posts = SystemClock(), ListeningPosts()
    phones = DeskPhones(WebRtcSettings(silent_timeout_s=3), clock, "luoyang", posts)
    with new_database("sqlite", tmp_path) as database:
        office = new_office(database, clock, headset=HeadsetDoor(phones.answer, CallDoor(_nobody, 6), phones.enter))
        await employ(office, "mei", display_name="梅朵")
        await employ(office, "chief", Role.SUPERVISOR, "张班长")
        tasks = [asyncio.create_task(work) for work in (office.desk.board.run(), phones.run())]
        async with opened_office(office, WebSettings(port=0)) as server:
            yield Desk(server.url, phones, posts, office, SqlCallStore(database, clock))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.interop("Chromium", "坐席用浏览器耳机：接上、听与说、静音、收起")
async def test_a_headset_is_put_on_speaks_hears_is_muted_and_put_down(desk: Desk, tmp_path: Path) -> None:
    samples, rate_hz = soundfile.read(YES)
    soundfile.write(tmp_path / "microphone.wav", samples, rate_hz, subtype="PCM_16")
    async with chromium(tmp_path / "microphone.wav") as browser, person(browser, desk.url, "mei", "/desk") as page:
        await page.click("#headset")
        await expect(page.locator("#headset-state")).to_have_text("耳机已接上", timeout=10_000)
        await expect(page.locator("#microphone option")).not_to_have_count(0)
        phone = await desk.headset()
        said = bytearray()
        phone.listen(said.extend)
        assert await _loudness_heard(page) < 0.001, "nobody speaks yet"
        speaking = asyncio.create_task(_hum(phone))
        await asyncio.sleep(3)
        assert _loudest(said) > 1000, "the microphone is heard"
        assert await _loudness_heard(page) > 0.02, "the caller is heard"
        speaking.cancel()
        await page.keyboard.press("F6")
        await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
        await asyncio.sleep(0.5)
        said.clear()
        await asyncio.sleep(2)
        assert said, "a muted page goes on sending"
        assert _loudest(said) < 200
        assert await barriers(page) == []
        await picture(page, "headset")
        await page.click("#headset")
        await asyncio.wait_for(phone.over(), 5)
        await expect(page.locator("#mute")).to_be_hidden()


async def test_without_a_microphone_the_desk_says_what_to_do(desk: Desk) -> None:
    async with chromium() as browser, person(browser, desk.url, "mei", "/desk") as page:
        await page.click("#headset")
        await expect(page.locator("#message")).to_contain_text("话筒", timeout=10_000)
        await expect(page.locator("#mute")).to_be_hidden()


async def test_a_supervisor_listens_whispers_joins_and_leaves(desk: Desk, tmp_path: Path) -> None:
    samples, rate_hz = soundfile.read(YES)
    soundfile.write(tmp_path / "microphone.wav", samples, rate_hz, subtype="PCM_16")
    state = CallState()
    post = desk.posts.open("call-1", state)
    await desk.calls.begin(replace(call_start(), tenant="luoyang", answered_at=SystemClock().now()))
    async with (
        chromium(tmp_path / "microphone.wav") as browser,
        person(browser, desk.url, "chief", "/desk/supervisor") as page,
    ):
        await page.click("#calls button")
        await page.click("[data-mode=listen]")
        await expect(page.locator("#message")).to_contain_text("耳机")  # none is connected yet
        await page.click("#headset")
        await expect(page.locator("#headset-state")).to_have_text("耳机已接上", timeout=10_000)
        phone = await desk.headset("chief")
        await page.click("[data-mode=whisper]")
        await expect(page.locator("#message")).to_contain_text("没有坐席")
        async with page.expect_response("**/api/calls/call-1"):
            await page.click("#calls button")
        await page.evaluate("() => new Promise((done) => setTimeout(done, 100))")
        await expect(page.locator("#message")).to_contain_text("没有坐席")  # not wiped out by what a page reads
        assert not post.listens(phone)
        state.bridged = lambda pcm: None
        for mode in ("listen", "whisper", "join"):
            await page.click(f"[data-mode={mode}]")
            await expect(page.locator(f"[data-mode={mode}]")).to_have_attribute("aria-pressed", "true")
            assert post.listens(phone)
        await asyncio.sleep(2.5)
        assert state.to_caller is not None
        assert len(state.to_caller(bytes(320))) == 320
        assert await barriers(page) == []
        await picture(page, "listening")
        await page.click("[data-mode=off]")
        await expect(page.locator("[data-mode=off]")).to_have_attribute("aria-pressed", "true")
        assert not post.listens(phone)
    heard = [event for event in await desk.office.record.audit.latest() if event.kind == "call_listened_to"]
    assert {event.detail["mode"] for event in heard} == {"listen", "whisper", "join"}


def _loudest(pcm: bytes | bytearray) -> int:
    return int(np.abs(np.frombuffer(bytes(pcm), "<i2").astype(int)).max(initial=0))


async def _hum(phone: LinePhone) -> None:
    hum = tone((800,), 20, level_dbfs=-15)
    while True:
        phone.hear(hum)
        await asyncio.sleep(0.02)


async def _loudness_heard(page: Page) -> float:
    """Greatest root mean square, of full scale, of half a second of what the page plays to its agent."""
    script = """async () => {
        const context = new AudioContext(), analyser = context.createAnalyser();
        context.createMediaStreamSource(document.getElementById("headset-voice").srcObject).connect(analyser);
        const samples = new Float32Array(analyser.fftSize);
        let most = 0;
        for (let look = 0; look < 20; look += 1) {
            await new Promise((done) => setTimeout(done, 25));
            analyser.getFloatTimeDomainData(samples);
            most = Math.max(most, Math.sqrt(samples.reduce((sum, each) => sum + each * each, 0) / samples.length));
        }
        await context.close();
        return most;
    }"""
    return float(await page.evaluate(script))
