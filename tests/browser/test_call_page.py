"""The call page in a real browser, with a recording as its microphone, against a real line."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from aiohttp import web
from playwright.async_api import Page, async_playwright, expect

from telephony.settings import WebRtcSettings
from telephony.webrtc.line import WebRtcLine
from telephony.webrtc.server import WebRtcServer
from tests.support.browser import PHONE, barriers, picture
from voicebot.audio.tones import tone
from voicebot.core.call import CallEnd
from voicebot.core.clock import SystemClock
from voicebot.core.errors import OverloadError
from voicebot.web.call_routes import CallDoor, call_routes
from voicebot.web.page_routes import open_pages
from voicebot.web.refusals import door

pytestmark = [pytest.mark.browser, pytest.mark.network]

YES = Path(__file__).parents[2] / "audio_fixtures" / "mandarin" / "yes.wav"


@asynccontextmanager
async def call_page(
    server: WebRtcServer, folder: Path, *, per_minute: int = 6, microphone: bool = True
) -> AsyncIterator[Page]:
    path, voice = shutil.which("chromium"), folder / "microphone.wav"
    samples, rate_hz = soundfile.read(YES)
    soundfile.write(voice, samples, rate_hz, subtype="PCM_16")  # Chromium reads no A-law
    if path is None:
        pytest.skip("no chromium (apt install chromium)")
    app = web.Application(middlewares=[door()])
    app.add_routes(open_pages())
    app.add_routes(call_routes(CallDoor(server.answer, per_minute), SystemClock()))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"]
    if microphone:
        arguments += ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        arguments += [f"--use-file-for-fake-audio-capture={voice}", "--disable-features=WebRtcHideLocalIpsWithMdns"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=arguments)
        page = await browser.new_page(locale="zh-CN", viewport=PHONE)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.goto(f"http://127.0.0.1:{port}/call")
        try:
            yield page
        finally:
            await browser.close()
            await server.stop()
            await runner.cleanup()
        assert faults == []


async def started(**more: float) -> WebRtcServer:
    server = WebRtcServer(WebRtcSettings(**more), SystemClock())  # type: ignore[arg-type]
    await server.start()
    return server


@pytest.mark.interop("Chromium", "网页通话，录音当话筒，字幕、按键、挂断")
async def test_a_caller_is_heard_reads_along_presses_keys_and_hangs_up(tmp_path: Path) -> None:
    server = await started()
    async with call_page(server, tmp_path) as page:
        assert await barriers(page) == []
        clicked = asyncio.get_running_loop().time()
        await page.click("#call")
        line = await asyncio.wait_for(anext(aiter(server.calls())), 15)
        assert isinstance(line, WebRtcLine)
        await line.play(tone((440,), 100))
        await asyncio.sleep(0.3)
        assert line.played().heard == 800
        assert asyncio.get_running_loop().time() - clicked < 8, "a second on an idle machine"
        await expect(page.locator("#state")).to_have_text("已接通，请讲。")
        line.tell({"type": "turn", "who": "bot", "text": "您好，请讲。"})
        await expect(page.locator("#captions p.bot")).to_contain_text("您好，请讲。")
        heard = bytearray()
        async with asyncio.timeout(10):
            async for frame in line.frames():
                heard += frame.pcm
                if np.abs(np.frombuffer(bytes(heard), "<i2").astype(int)).max() > 2000:
                    break
        await page.click("#keys")
        assert await barriers(page) == []
        await picture(page, "call")
        await page.get_by_role("button", name="5", exact=True).click()
        assert await asyncio.wait_for(anext(aiter(line.digits())), 5) == "5"
        await page.click("#mute")
        await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
        await page.click("#call")
        await expect(page.locator("#state")).to_contain_text("通话已结束")
        assert await asyncio.wait_for(anext(aiter(line.digits()), None), 5) is None
        assert line.end is CallEnd.CALLER_HUNG_UP


async def test_the_bot_hangs_up_and_the_page_says_so(tmp_path: Path) -> None:
    server = await started()
    async with call_page(server, tmp_path) as page:
        await page.click("#call")
        line = await asyncio.wait_for(anext(aiter(server.calls())), 15)
        await expect(page.locator("#state")).to_have_text("已接通，请讲。")
        await line.hang_up()
        await expect(page.locator("#state")).to_contain_text("通话已结束")
        await expect(page.locator("#call")).to_have_text("再次拨打")


@pytest.mark.interop("Chromium", "没有话筒")
async def test_no_microphone_is_explained(tmp_path: Path) -> None:
    server = await started()
    async with call_page(server, tmp_path, microphone=False) as page:
        await page.click("#call")
        await expect(page.locator("#trouble")).to_contain_text("麦克风")
        await expect(page.locator("#call")).to_have_text("拨打热线")


async def test_a_busy_hotline_and_a_hasty_caller_are_told(tmp_path: Path) -> None:
    server = await started(max_concurrent_calls=1)
    server.answer = _busy  # type: ignore[method-assign]
    async with call_page(server, tmp_path, per_minute=1) as page:
        await page.click("#call")
        await expect(page.locator("#trouble")).to_contain_text("线路正忙")
        await page.click("#call")
        await expect(page.locator("#trouble")).to_contain_text("呼叫太频繁")


async def _busy(_offer: str) -> str:
    raise OverloadError("线路正忙。", code="lines_busy", remedy="请稍后再试。")
