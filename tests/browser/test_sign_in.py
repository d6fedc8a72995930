"""Logging in and out with a certified provider in a real browser, which minds where a request comes from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.support.browser import barriers, chromium
from tests.support.databases import new_database
from tests.support.office import employ, new_office, opened_office
from tests.support.oidc_provider import CLIENT, SECRET, free_port, oidc_provider
from voicebot.core.clock import SystemClock
from voicebot.storage.database import Database
from voicebot.web.settings import WebSettings

pytestmark = [pytest.mark.browser, pytest.mark.network, pytest.mark.peer]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with new_database("sqlite", tmp_path) as database:
        yield database


@pytest.mark.interop("oidc-provider", "浏览器里登录、退出（另一个站点，SameSite=Strict）")
async def test_an_agent_logs_in_and_out_with_the_provider(database: Database) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    # The provider is at localhost: another site, for which the browser keeps strict cookies back.
    with oidc_provider(url) as issuer:
        told = {"issuer": issuer, "client_id": CLIENT, "client_secret": SECRET, "public_url": url}
        settings = WebSettings.model_validate({"port": port, "oidc": {**told, "roles": {"hotline-agents": "agent"}}})
        office = new_office(database, SystemClock(), web=settings)
        await employ(office, "mei", display_name="梅朵")
        async with opened_office(office, settings), chromium() as browser:
            page = await (await browser.new_context(locale="zh-CN")).new_page()
            faults: list[str] = []
            page.on("pageerror", lambda error: faults.append(str(error)))
            await page.goto(url + "/desk")
            await expect(page).to_have_url(url + "/login")
            assert await barriers(page) == []
            await page.get_by_role("link", name="用统一身份认证登录").click()
            await page.fill("input[name=login]", "mei")
            await page.fill("input[name=password]", "any")
            await page.click("button[type=submit]")
            await page.get_by_role("button", name="Continue").click()  # consent
            await expect(page).to_have_url(url + "/desk")
            await expect(page.locator("#my-name")).to_contain_text("梅朵")
            await page.click("#logout")
            await page.get_by_role("button", name="Yes, sign me out").click()
            await expect(page).to_have_url(url + "/login")
            await page.goto(url + "/login/oidc/callback?code=x&state=y")
            await expect(page.get_by_role("alert")).to_contain_text("请回到登录页重新登录")
            assert await barriers(page) == []
            await page.get_by_role("link", name="回到登录页").click()
            await expect(page).to_have_url(url + "/login")
            assert faults == []
