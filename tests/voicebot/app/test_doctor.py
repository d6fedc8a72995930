"""The doctor looks at the identity provider where one is set."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.hostile_provider import CLIENT, HostileProvider, hostile_provider
from voicebot.app.doctor import Doctor, Finding
from voicebot.settings import Settings

pytestmark = pytest.mark.network


@pytest.fixture
async def provider() -> AsyncIterator[HostileProvider]:
    async with hostile_provider() as provider:
        yield provider


async def finding(issuer: str) -> Finding:
    told = {"issuer": issuer, "client_id": CLIENT, "public_url": "http://127.0.0.1:1", "timeout_s": 0.5}
    doctor = Doctor(Settings.model_validate({"web": {"oidc": told}}))
    (check,) = [check for part, check in doctor._checks() if part == "统一身份认证"]
    return await check()


async def test_a_provider_that_is_well(provider: HostileProvider) -> None:
    found = await finding(provider.issuer)
    assert found.ok
    assert "签名密钥 1 把" in found.detail
    assert "只退出坐席台" in found.detail


async def test_a_provider_that_is_down_or_wrong_is_told_with_what_to_do(provider: HostileProvider) -> None:
    provider.discovery["issuer"] = "https://elsewhere.example"
    found = await finding(provider.issuer)
    assert found.ok is None  # calls need none of it, and passwords still work
    assert "provider_invalid：issuer" in found.detail
    assert "[web.oidc]" in found.detail
    found = await finding("http://127.0.0.1:1")
    assert found.ok is None
    assert "provider_down" in found.detail


async def test_without_a_provider_nobody_is_asked(tmp_path: Path) -> None:
    assert "统一身份认证" not in [part for part, _ in Doctor(Settings())._checks()]
