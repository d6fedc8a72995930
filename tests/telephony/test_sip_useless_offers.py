"""Offers with which no call can be had, on the real stack: refused, and nothing is left of them."""

import asyncio
import logging
import os

import pytest
from structlog.testing import capture_logs

from tests.fakes.call_book import FakeCallBook
from tests.support.raw_sip import RawSip
from tests.support.sip_service import listen, sip_service
from voicebot.core.call import CallEnd

pytestmark = pytest.mark.network

NOWHERE = "0.0.0.0"  # noqa: S104  said, not bound
FAMILY, UNREACHABLE, NO_STREAM = "address_family", "address_unreachable", "no_stream_of_use"


def offer(
    address: str = "IN IP4 127.0.0.1", audio: str = "audio 49172 RTP/AVP 8", codec: str = "8 PCMA/8000", more: str = ""
) -> str:
    """An offer of one stream."""
    return f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc={address}\r\nt=0 0\r\nm={audio}\r\na=rtpmap:{codec}\r\n{more}"


USELESS = {
    "IPv6": (offer("IN IP6 2001:db8::1"), FAMILY),
    "IPv6 loopback": (offer("IN IP6 ::1"), FAMILY),
    "IPv4 in IPv6": (offer("IN IP6 ::ffff:127.0.0.1"), FAMILY),
    "IPv6 for the stream alone": (offer(more="c=IN IP6 2001:db8::1\r\n"), FAMILY),
    "a name": (offer("IN IP4 phone.example.invalid"), NO_STREAM),
    "a name in IPv6": (offer("IN IP6 phone.example.invalid"), NO_STREAM),
    "a group": (offer("IN IP4 224.2.1.1/127"), NO_STREAM),
    "port 0": (offer(audio="audio 0 RTP/AVP 8"), NO_STREAM),
    "no codec of ours": (offer(audio="audio 49172 RTP/AVP 18", codec="18 G729/8000"), NO_STREAM),
    "keys alone": (offer(audio="audio 49172 RTP/AVP 101", codec="101 telephone-event/8000"), NO_STREAM),
    "no formats": (offer(audio="audio 49172 RTP/AVP"), NO_STREAM),
    "a picture alone": (offer(audio="video 49172 RTP/AVP 96", codec="96 VP8/90000"), NO_STREAM),
    "a fax": (offer(audio="image 49172 udptl t38"), NO_STREAM),
    "encryption that is not asked for": (offer(audio="audio 49172 RTP/SAVP 8"), NO_STREAM),
}
UNREADABLE = {
    "an address to which there is no way": (offer("IN IP4 192.0.2.1"), UNREACHABLE),
    "everybody": (offer("IN IP4 255.255.255.255"), UNREACHABLE),
    "IPv6 that calls itself IPv4": (offer("IN IP4 ::1"), UNREACHABLE),
    "half an address": (offer("IN"), ""),
    "another network": (offer("ATM NSAP 47.0091"), ""),
    "no text": ("\x00\x01\x02\r\n", ""),
}
"""What the stack answers with 500 before it tells anybody; of those without a reason it does not even log a word."""


@pytest.mark.parametrize("name", [*USELESS, *UNREADABLE])
async def test_an_offer_of_no_use_is_refused_with_a_reason_and_leaves_nothing(
    name: str, caplog: pytest.LogCaptureFixture
):
    sdp, reason = (USELESS | UNREADABLE)[name]
    book = FakeCallBook()
    async with sip_service(book=book) as service:
        before = await _call(service.port)
        with capture_logs() as logs, caplog.at_level(logging.WARNING):
            async with RawSip(service.port) as peer:
                assert (await peer.invite(sdp=sdp)).status == (488 if name in USELESS else 500)
            await asyncio.sleep(0.1)  # the lines of the stack come by way of a thread of their own
        assert [entry["reason"] for entry in logs if entry["event"] == "call_refused"] == ([reason] if reason else [])
        said = str(logs) + caplog.text
        assert not any(address in said for address in ("2001:db8", "192.0.2", "::1", "13800138000"))
        assert await _call(service.port) == before
        assert service.server.active == 0
        assert [line.end for line in service.lines] == [CallEnd.CALLER_HUNG_UP] * 2
        assert len(book.entered) == 2


async def _call(port: int) -> tuple[int, int]:
    """An ordinary call; how many files and tasks there are after it."""
    async with RawSip(port) as peer:
        assert (await peer.invite()).status == 200
        assert await peer.hears_itself()
        assert await peer.bye() == 200
    await asyncio.sleep(0.2)
    return len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks())


async def test_a_caller_with_no_address_yet_is_answered_and_heard_once_it_has_one():
    """0.0.0.0 in a first offer is a hold (RFC 3264, 8.4), and how a third party joins two others (RFC 3725)."""
    async with sip_service() as service, RawSip(service.port) as peer:
        assert (await peer.invite(sdp=offer(f"IN IP4 {NOWHERE}"))).status == 200
        await asyncio.sleep(0.2)
        assert not peer.media.packets
        assert (await peer.invite()).status == 200
        assert await peer.hears_itself()
        assert await peer.bye() == 200


@pytest.mark.parametrize("name", ["port 0", "no codec of ours", "a name", "IPv6"])
async def test_who_answers_a_late_offer_with_nothing_of_use_does_not_hold_the_line(name: str):
    async with sip_service(listen, rtp_timeout_s=1) as service, RawSip(service.port) as peer:
        peer.media.sending = False
        assert (await peer.invite(late_offer=True, sdp=USELESS[name][0])).status == 200
        line = await service.line()
        await peer.request_from_line("BYE", timeout_s=4)
        await service.ended()
        assert line.end is CallEnd.LINE_LOST


@pytest.mark.parametrize("held", [{"address": f"IN IP4 {NOWHERE}"}, {"more": "a=inactive\r\n"}], ids=["0", "inactive"])
async def test_who_holds_from_the_start_and_never_comes_back_does_not_hold_the_line(held: dict[str, str]):
    async with sip_service(listen, rtp_timeout_s=1) as service, RawSip(service.port) as peer:
        assert (await peer.invite(sdp=offer(**held))).status == 200
        line = await service.line()
        peer.media.sending = False
        await peer.request_from_line("BYE", timeout_s=4)
        await service.ended()
        assert line.end is CallEnd.LINE_LOST


@pytest.mark.parametrize("name", ["half an address", "no text"])
async def test_a_change_that_cannot_be_read_is_refused_and_the_call_goes_on(name: str):
    async with sip_service() as service, RawSip(service.port) as peer:
        await peer.invite()
        assert (await peer.invite(sdp=UNREADABLE[name][0])).status == 488
        assert await peer.hears_itself()
        assert await peer.bye() == 200
