"""Signalling of the call page: tokens, limits, and what a stranger may send."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from telephony.settings import WebRtcSettings
from telephony.webrtc.server import WebRtcServer
from tests.fakes.clock import FakeClock
from voicebot.core.clock import SystemClock
from voicebot.web.call_routes import CallDoor, call_routes
from voicebot.web.refusals import door

pytestmark = pytest.mark.network

Client = TestClient[web.Request, web.Application]
OFFER = "v=0\r\nsomething that is no session description\r\n"


async def accepted(_offer: str) -> str:
    return "v=0 answer"


@asynccontextmanager
async def page(
    door_of_calls: CallDoor, clock: FakeClock | None = None
) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application(middlewares=[door()], client_max_size=64 * 1024)
    app.add_routes(call_routes(door_of_calls, clock or FakeClock()))
    async with TestClient(TestServer(app)) as client:
        yield client


async def begin(client: Client) -> dict[str, object]:
    answer = await client.post("/call/begin", json={})
    assert answer.status == 200
    return dict(await answer.json())


async def test_a_token_is_good_for_one_call_and_one_minute() -> None:
    clock = FakeClock()
    async with page(CallDoor(accepted, 60), clock) as client:
        token = (await begin(client))["token"]
        assert (await client.post("/call/offer", json={"token": token, "sdp": OFFER})).status == 200
        assert (await client.post("/call/offer", json={"token": token, "sdp": OFFER})).status == 403
        late = (await begin(client))["token"]
        clock.advance(61)
        assert (await client.post("/call/offer", json={"token": late, "sdp": OFFER})).status == 403
        assert (await client.post("/call/offer", json={"token": "guessed", "sdp": OFFER})).status == 403


async def test_an_address_may_begin_so_many_calls_and_no_more() -> None:
    async with page(CallDoor(accepted, 2)) as client:
        assert [(await client.post("/call/begin", json={})).status for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"token": "x"}', b'{"token": "x", "sdp": "short"}', b'{"token": 1, "sdp": {}}', b"\xff"]
)
async def test_what_is_no_wish_is_refused(body: bytes) -> None:
    async with page(CallDoor(accepted, 60)) as client:
        assert (await client.post("/call/offer", data=body)).status == 400


async def test_a_body_that_is_too_long_is_refused() -> None:
    async with page(CallDoor(accepted, 60)) as client:
        assert (await client.post("/call/offer", data=b"x" * 100_000)).status == 413


async def test_a_description_that_is_none_is_refused_and_takes_no_line() -> None:
    server = WebRtcServer(WebRtcSettings(), SystemClock())
    await server.start()
    async with page(CallDoor(server.answer, 60)) as client:
        token = (await begin(client))["token"]
        answer = await client.post("/call/offer", json={"token": token, "sdp": OFFER})
        assert answer.status == 400
        assert (await answer.json())["error"]["code"] == "offer_invalid"
    assert server.active == 0
    await server.stop()


async def test_turn_credentials_run_out_and_are_what_coturn_expects() -> None:
    clock = FakeClock()
    async with page(CallDoor(accepted, 60, ("stun:s:3478",), ("turn:t:3478",), "shared"), clock) as client:
        stun, turn = (await begin(client))["ice_servers"]  # type: ignore[misc]
    assert stun == {"urls": ["stun:s:3478"]}
    assert int(turn["username"].split(":")[0]) == int(clock.now().timestamp()) + 3600
    digest = hmac.new(b"shared", turn["username"].encode(), hashlib.sha1).digest()
    assert turn["credential"] == base64.b64encode(digest).decode()
