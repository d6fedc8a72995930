"""SIP messages that are hard to read: each is answered or dropped as RFC 4475 and RFC 5118 say, and then a call.

All of them go to one line in a process of its own, one after the other.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.echo_worker import ADDRESS, end, start_echo_worker
from tests.support.raw_sip import Message, RawSip, parse
from tests.support.torture import ALL, Place

pytestmark = [pytest.mark.network, pytest.mark.timeout(180)]

_ANSWERED_WITHIN_S = 1.0
HARMLESS: dict[str, tuple[frozenset[int], str]] = {
    "clerr": (frozenset({200}), "the datagram ends before its Content-Length: what is there is a whole offer"),
    "ncl": (frozenset({200}), "a negative Content-Length is passed over, the body goes to the end of the datagram"),
    "ltgtruri": (frozenset({200}), "the address in brackets is read as if they were not there"),
    "unkscm": (frozenset({200}), "OPTIONS to an unknown scheme is answered like any other, it starts nothing"),
    "novelsc": (frozenset({200}), "the same"),
    "mcl01": (frozenset({200}), "of two Content-Lengths one is taken; OPTIONS has no use for a body"),
    "invut": (frozenset({500}), "500 instead of 415: no call all the same"),
}
"""Messages that the stack answers otherwise than the RFC says: what it answers, and why that does no harm."""


class Answers(asyncio.DatagramProtocol):
    """What came back."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.came = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = parse(data)
        if message.status >= 200:
            self.messages.append(message)
            self.came.set()


@asynccontextmanager
async def sender() -> AsyncIterator[tuple[asyncio.DatagramTransport, Answers]]:
    transport, answers = await asyncio.get_running_loop().create_datagram_endpoint(Answers, local_addr=(ADDRESS, 0))
    try:
        yield transport, answers
    finally:
        transport.close()
        await asyncio.sleep(0)


def test_there_is_a_message_for_each_section() -> None:
    assert sum(each.section.startswith("4475") for each in ALL) == 49
    assert sum(each.section.startswith("5118") for each in ALL) == 11
    assert len({each.name for each in ALL}) == len(ALL)


async def test_every_message_is_answered_or_dropped_and_then_a_call_is_as_good_as_any() -> None:
    port, process = await start_echo_worker(max_calls=100, number=5)
    got: dict[str, int] = {}
    try:
        for each in ALL:
            async with sender() as (transport, answers):
                own_port = transport.get_extra_info("sockname")[1]
                transport.sendto(each.build(Place(port, own_port)), (ADDRESS, port))
                try:
                    await asyncio.wait_for(answers.came.wait(), 0.2 if each.expects == {0} else _ANSWERED_WITHIN_S)
                except TimeoutError:
                    got[each.name] = 0
                else:
                    got[each.name] = answers.messages[0].status
            assert process.returncode is None, f"{each.name} killed it"
        async with RawSip(port) as peer:
            assert (await peer.invite()).status == 200
            assert await peer.hears_itself()
            assert await peer.bye() == 200
    finally:
        await end(process)
    wrong = {
        each.name: (each.section, got[each.name], sorted(each.expects))
        for each in ALL
        if got[each.name] not in each.expects | HARMLESS.get(each.name, (frozenset(), ""))[0]
    }
    assert wrong == {}
