"""Calls are entered in the book before they are answered, and those that nobody serves are closed in it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from telephony.settings import TelephonySettings
from telephony.sip.runtime import free_sip_port
from telephony.sip.server import SipLineServer
from tests.fakes.call_book import FakeCallBook
from tests.support.raw_sip import Message, RawSip
from tests.support.sip_service import sip_service
from voicebot.core.call import CallEnd
from voicebot.core.clock import SystemClock

pytestmark = pytest.mark.network


def _final(message: Message) -> bool:
    return message.method == "INVITE" and message.status >= 200


@asynccontextmanager
async def _nobody_serves(book: FakeCallBook) -> AsyncIterator[tuple[SipLineServer, int]]:
    port = free_sip_port("127.0.0.1")
    settings = TelephonySettings(listen_address="127.0.0.1", port=port, rtp_port_min=40000, rtp_port_max=40999)
    server = SipLineServer(settings, SystemClock(), book=book)
    await server.start()
    try:
        yield server, port
    finally:
        await server.stop()


async def test_a_call_is_entered_before_it_is_answered_as_the_call_that_is_served():
    book = FakeCallBook()
    book.open.clear()
    async with sip_service(book=book) as service, RawSip(service.port, dialled="12315") as peer:
        answer = asyncio.create_task(peer.invite())
        ringing = await peer.wait(lambda message: message.method == "INVITE" and message.status > 0)
        assert ringing.status == 180
        await asyncio.sleep(0.2)
        assert not answer.done()
        book.open.set()
        assert (await answer).status == 200
        line = await service.line()
        assert book.entered == [line.start]
        assert (line.start.caller_number, line.start.dialled_number) == ("13800138000", "12315")
        assert await peer.bye() == 200
        await service.ended()
    assert book.closed == {}  # whoever served it did that


async def test_a_caller_who_gives_up_while_it_is_entered_is_closed():
    book = FakeCallBook()
    book.open.clear()
    async with sip_service(book=book) as service, RawSip(service.port) as peer:
        peer.send("INVITE", peer.sdp())
        await peer.wait(lambda message: message.status == 180)
        peer.send("CANCEL")
        assert (await peer.wait(_final)).status == 487
        peer.send("ACK")
        book.open.set()
        await asyncio.sleep(0.2)
        assert [book.closed[start.call_id] for start in book.entered] == [CallEnd.CALLER_HUNG_UP]
        assert service.server.active == 0


async def test_a_caller_who_is_gone_before_anybody_takes_the_call_is_closed():
    book = FakeCallBook()
    async with _nobody_serves(book) as (server, port):
        async with RawSip(port) as peer:
            assert (await peer.invite()).status == 200
            assert await peer.bye() == 200
        await asyncio.sleep(0.2)
        assert [book.closed[start.call_id] for start in book.entered] == [CallEnd.CALLER_HUNG_UP]
        assert server.active == 0


async def test_a_service_that_stops_closes_what_it_has_answered_and_not_served():
    book = FakeCallBook()
    async with _nobody_serves(book) as (server, port), RawSip(port) as peer, RawSip(port) as late:
        assert (await peer.invite()).status == 200
        await asyncio.sleep(0.1)
        book.open.clear()
        late.send("INVITE", late.sdp())
        await late.wait(lambda message: message.status == 180)
        await asyncio.sleep(0.1)
        await server.stop()
        assert sorted(book.closed.values()) == [CallEnd.SHUTDOWN, CallEnd.SHUTDOWN]
