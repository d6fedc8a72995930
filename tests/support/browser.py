"""A real Chromium, and people in it."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from tests.support.office import PASSWORD

DESKTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
_ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"]


@asynccontextmanager
async def chromium(microphone: Path | None = None) -> AsyncIterator[Browser]:
    """Debian's Chromium; skips the test where there is none. ``microphone``: a WAV that it takes for one."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium (apt install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*_ARGUMENTS, *(_microphone(microphone) if microphone else ())]
        )
        try:
            yield browser
        finally:
            await browser.close()


def _microphone(file: Path) -> list[str]:
    return [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={file}",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
    ]


@asynccontextmanager
async def person(browser: Browser, url: str, name: str, page: str, **options: object) -> AsyncIterator[Page]:
    """Somebody who has logged in and opened a page; an error in the page's scripts fails the test."""
    context = await browser.new_context(viewport=DESKTOP, locale="zh-CN", **options)  # type: ignore[arg-type]
    tab = await context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    await tab.goto(url + "/login")
    await tab.fill("input[name=name]", name)
    await tab.fill("input[name=password]", PASSWORD)
    await tab.click("button[type=submit]")
    await tab.wait_for_url(re.compile("/desk"))
    if not tab.url.endswith(page):
        await tab.goto(url + page)
    try:
        yield tab
    finally:
        await context.close()
    assert faults == []


async def barriers(page: Page) -> list[str]:
    """What keeps people from using the page (WCAG 2 A and AA), as axe-core finds it."""
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    # The watermark is there to be seen in a photo and not to be read: decoration, which contrast does not count for.
    results = await Axe().run(page, context={"exclude": [[".watermark"]]}, options=options)
    return [f"{found['id']}: {found['nodes'][0]['html'][:120]}" for found in results.response["violations"]]


async def picture(page: Page, name: str) -> None:
    """Keep a picture where VOICEBOT_TEST_PICTURES says; pictures in the documents are made this way."""
    if folder := os.environ.get("VOICEBOT_TEST_PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png")
