"""Whose address a limit counts when a reverse proxy stands in front."""

from ipaddress import IPv4Network, IPv6Network

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from voicebot.web.proxies import Networks, asking, behind

OURS = (IPv4Network("127.0.0.0/8"), IPv4Network("10.0.0.5/32"), IPv6Network("::1/128"))


@pytest.mark.parametrize(
    ("nearest", "forwarded", "who"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "203.0.113.7, 10.0.0.5", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),  # what the caller wrote into it is not believed
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # nor any of it, from a stranger
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.7, <script>", "127.0.0.1"),
        ("127.0.0.1", ",,", "127.0.0.1"),
    ],
)
def test_the_last_address_that_is_no_proxy_of_ours_asks(nearest: str, forwarded: str, who: str) -> None:
    assert asking(nearest, forwarded, OURS) == who


@pytest.mark.network
@pytest.mark.parametrize(
    ("trusted", "headers", "seen"),
    [
        (OURS, {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}, "203.0.113.7 https 5"),
        (OURS, {"X-Forwarded-Proto": "gopher"}, "127.0.0.1 http 5"),
        ((), {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}, "127.0.0.1 http 5"),
    ],
)
async def test_handlers_see_who_asks_and_how(trusted: Networks, headers: dict[str, str], seen: str) -> None:
    async def tell(request: web.Request) -> web.Response:
        body = await request.read()
        return web.Response(text=f"{request.remote} {request.scheme} {len(body)} {request.match_info['name']}")

    app = web.Application(middlewares=[behind(trusted)])
    app.router.add_post("/{name}", tell)
    async with TestClient(TestServer(app)) as client:
        answer = await client.post("/mei", headers=headers, data=b"hello")
        assert await answer.text() == f"{seen} mei"
