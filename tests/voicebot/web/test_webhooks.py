"""Others are told of tickets: signed, again when they did not listen, and given up on a list."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.fakes.clock import FakeClock
from tests.support.databases import BOTH, new_database
from tests.support.nouns import call_start, full_draft
from voicebot.core.errors import StorageError
from voicebot.storage.database import Database
from voicebot.storage.tickets import SqlTicketStore
from voicebot.storage.webhooks import RETRY_S, Webhooks
from voicebot.web.webhook_sender import SIGNATURE, TIMESTAMP, WebhookSender, signature

pytestmark = pytest.mark.network


class Receiver:
    """Somebody's server that answers ``status``."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[tuple[dict[str, str], bytes]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status)


class Post:
    """Tickets, webhooks, and a sender between them."""

    def __init__(self, database: Database, url: str, receiver: Receiver, http: aiohttp.ClientSession):
        self.clock, self.url, self.receiver, self.http = FakeClock(), url, receiver, http
        self.tickets, self.webhooks = SqlTicketStore(database, self.clock), Webhooks(database, self.clock)
        self.sender = WebhookSender(self.webhooks, self.tickets, self.clock)

    async def after(self, seconds: float) -> int:
        self.clock.advance(seconds)
        return await self.sender.send_due(self.http)


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with new_database(request.param, tmp_path) as database:
        yield database


@pytest.fixture
async def post(database: Database) -> AsyncIterator[Post]:
    receiver, app = Receiver(), web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as http:
        yield Post(database, f"http://127.0.0.1:{port}/hook", receiver, http)
    await runner.cleanup()


async def test_a_filed_ticket_is_told_once_masked_and_signed(post: Post) -> None:
    hook = await post.webhooks.add(post.url, ("filed",))
    ticket = await post.tickets.file(call_start(), full_draft(), 1)
    assert await post.after(5) == 1
    assert await post.after(5) == 0
    ((headers, body),) = post.receiver.got
    assert headers[SIGNATURE] == signature(hook.secret, headers[TIMESTAMP], body)
    assert headers[SIGNATURE] != signature("forged", headers[TIMESTAMP], body)
    assert ticket.number.encode() in body
    assert b"13800138000" not in body


async def test_who_does_not_listen_is_told_again_and_at_last_given_up(post: Post) -> None:
    await post.webhooks.add(post.url, ("filed",))
    await post.tickets.file(call_start(), full_draft(), 1)
    post.receiver.status = 500
    assert await post.after(5) == 0
    for wait_s in RETRY_S:
        assert len(await post.webhooks.given_up()) == 0
        assert await post.after(wait_s - 1) == 0
        tried = len(post.receiver.got)
        await post.after(1)
        assert len(post.receiver.got) == tried + 1
    (dead,) = await post.webhooks.given_up()
    assert (dead.fault, dead.tries) == ("http_500", len(RETRY_S) + 1)
    post.receiver.status = 204
    await post.webhooks.send_again(dead.message_id)
    assert await post.after(0) == 1
    assert await post.webhooks.given_up() == ()


async def test_several_senders_send_each_message_once(post: Post) -> None:
    await post.webhooks.add(post.url, ("filed", "revised"))
    for sequence in range(1, 6):
        await post.tickets.file(call_start(), full_draft(), sequence)
    post.clock.advance(5)
    await asyncio.gather(*(post.sender.send_due(post.http) for _ in range(4)))
    assert len(post.receiver.got) == 5


async def test_what_was_before_and_what_is_after_is_not_told(post: Post) -> None:
    await post.tickets.file(call_start(), full_draft(), 1)
    hook = await post.webhooks.add(post.url, ("filed",))
    await post.webhooks.disable(hook.hook_id)
    await post.tickets.file(call_start(), full_draft(), 2)
    assert await post.after(5) == 0
    assert post.receiver.got == []


async def test_nobody_at_the_address_is_a_failure_like_any_other(post: Post) -> None:
    await post.webhooks.add("http://127.0.0.1:9/nobody", ("filed",))
    await post.tickets.file(call_start(), full_draft(), 1)
    assert await post.after(5) == 0


@pytest.mark.parametrize(("url", "kinds"), [("ftp://x", ("filed",)), ("https://x", ()), ("https://x", ("nonsense",))])
async def test_a_wrong_webhook_is_refused(post: Post, url: str, kinds: tuple[str, ...]) -> None:
    with pytest.raises(StorageError, match="网址"):
        await post.webhooks.add(url, kinds)
