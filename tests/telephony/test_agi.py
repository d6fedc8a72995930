"""Calls whose dialplan asks us what to do, against a switch made from the published protocols."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from telephony.audiosocket.server import AudioSocketServer
from telephony.settings import AudioSocketSettings
from tests.support.agi_peer import AgiPeer
from tests.support.audiosocket_peer import AudioSocketPeer, audiosocket_service
from tests.support.sip_peers import free_tcp_port
from voicebot.audio.tones import tone
from voicebot.core.call import CallEnd
from voicebot.core.errors import LineError
from voicebot.core.ports import Line

pytestmark = pytest.mark.network


@asynccontextmanager
async def led(
    *statuses: str, told: dict[str, str] | None = None, **settings: Any
) -> AsyncIterator[tuple[AgiPeer, Line]]:
    """A call that came by a dialplan; attempts to ring somebody come to ``statuses``."""
    port = free_tcp_port()
    async with audiosocket_service(agi_port=port, **settings) as (server, _), AgiPeer(port, statuses, told) as switch:
        yield switch, await next_call(server)


async def next_call(server: AudioSocketServer) -> Line:
    return await asyncio.wait_for(anext(aiter(server.calls())), 3)


async def until(event: asyncio.Event) -> None:
    await asyncio.wait_for(event.wait(), 3)


def loudest(pcm: bytes | bytearray) -> int:
    return int(np.abs(np.frombuffer(bytes(pcm), "<i2").astype(int)).max(initial=0))


@pytest.mark.parametrize(
    ("told", "numbers"),
    [
        ({"callerid": "13800138000", "callingpres": "0"}, ("13800138000", "12345", "")),
        ({"callerid": "13800138000", "callingpres": "32"}, ("", "12345", "")),
        ({"callerid": "13800138000", "callingpres": "67"}, ("", "12345", "")),
        ({"callerid": "unknown", "rdnis": "unknown"}, ("", "12345", "")),
        ({"callerid": "anonymous", "extension": "96345", "rdnis": "63900000"}, ("", "96345", "63900000")),
    ],
)
async def test_the_dialplan_tells_who_calls(told: dict[str, str], numbers: tuple[str, str, str]) -> None:
    async with led(told=told) as (_, line):
        start = line.start
        assert (start.caller_number, start.dialled_number, start.diversion) == numbers


async def test_a_call_that_the_bot_ends_is_ended_in_the_dialplan() -> None:
    async with led() as (switch, line):
        await line.hang_up()
        await until(switch.over)
        assert switch.hung_up
        assert line.end is CallEnd.BOT_HUNG_UP


async def test_a_caller_who_hangs_up_has_hung_up() -> None:
    async with led() as (switch, line):
        assert switch.media is not None
        switch.media.hang_up()
        switch.media.over.set()
        await until(switch.over)
        assert not switch.hung_up
        assert line.end is CallEnd.CALLER_HUNG_UP


async def test_who_answers_has_the_call() -> None:
    async with led("ANSWER", transfer_dial="PJSIP/{target}") as (switch, line):
        assert await asyncio.wait_for(line.transfer("8001"), 3) == "answered"
        assert line.end is CallEnd.HANDED_OFF
        await until(switch.over)
        assert switch.dialled == ["PJSIP/8001"]
        assert not switch.hung_up, "they speak on"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("BUSY", "busy"), ("NOANSWER", "no_answer"), ("CONGESTION", "failed"), ("CHANUNAVAIL", "failed"),
     ("DONTCALL", "refused"), ("", "failed")],
)  # fmt: skip
async def test_who_is_not_reached_leaves_the_caller_with_us(status: str, outcome: str) -> None:
    async with led(status, "ANSWER") as (switch, line):
        first = await switch.came.get()
        assert await asyncio.wait_for(line.transfer("8001"), 3) == outcome
        second = await asyncio.wait_for(switch.came.get(), 3)
        assert first.told_to_hang_up
        assert line.end is None
        second.speech += tone((1000,), 400)
        await line.play(tone((440,), 400))
        await asyncio.sleep(0.6)
        assert loudest(second.heard) > 3000, "the caller hears us again"
        frames = aiter(line.frames())
        assert max([loudest((await anext(frames)).pcm) for _ in range(50)]) > 3000, "and we the caller"
        assert await asyncio.wait_for(line.transfer("8002"), 3) == "answered", "somebody else can be tried"
        assert switch.dialled == ["Local/8001@default", "Local/8002@default"]


async def test_what_is_said_while_it_rings_is_not_heard_and_waits() -> None:
    async with led("BUSY") as (switch, line):
        before = line.played()
        transfer = asyncio.create_task(line.transfer("8001"))
        await asyncio.sleep(0)
        await line.play(tone((440,), 100))
        await asyncio.wait_for(transfer, 3)
        await asyncio.sleep(0.3)
        assert switch.media is not None
        assert loudest(switch.media.heard) > 3000
        assert line.played().heard - before.heard == line.played().written - before.written


async def test_a_caller_who_gives_up_while_it_rings_has_hung_up() -> None:
    async with led("CANCEL") as (_, line):
        assert await asyncio.wait_for(line.transfer("8001"), 3) == "failed"
        assert line.end is CallEnd.CALLER_HUNG_UP


@pytest.mark.parametrize(
    ("target", "allowed"),
    [("8001", ("9*",)), ("8001,30,D(110)", ("*",)), ('8001"', ("*",)), ("8001@other&PJSIP/9", ("*",)), ("", ("*",)),
     ("sip:8001@10.0.0.5", ("*",)), ("8001\nHANGUP", ("*",))],
)  # fmt: skip
async def test_only_extensions_that_are_allowed_are_ever_dialled(target: str, allowed: tuple[str, ...]) -> None:
    async with led("ANSWER", transfer_targets=allowed) as (switch, line):
        assert await line.transfer(target) == "refused"
        assert line.end is None
        assert switch.dialled == []


async def test_a_call_beyond_our_lines_is_left_to_the_dialplan_and_one_that_returns_is_not() -> None:
    agi = free_tcp_port()
    async with audiosocket_service(agi_port=agi, max_concurrent_calls=1) as (server, _), AgiPeer(agi, ("BUSY",)) as one:
        line = await next_call(server)
        async with AgiPeer(agi) as two:
            await until(two.over)
            assert not two.hung_up
        assert await asyncio.wait_for(line.transfer("8001"), 3) == "busy"
        await asyncio.sleep(0.2)
        assert line.end is None
        assert not one.over.is_set()


async def test_a_service_that_stops_leaves_its_callers_to_the_dialplan() -> None:
    port = free_tcp_port()
    async with audiosocket_service(agi_port=port) as (server, _), AgiPeer(port) as switch:
        line = await next_call(server)
        await server.stop()
        await until(switch.over)
        assert not switch.hung_up
        assert line.end is CallEnd.SHUTDOWN


async def test_an_identity_of_ours_is_known_at_the_door_and_a_strangers_is_not() -> None:
    agi, allowed = free_tcp_port(), (uuid.UUID(int=7),)
    async with audiosocket_service(agi_port=agi, allowed_uuids=allowed) as (server, door), AgiPeer(agi):
        assert (await next_call(server)).end is None
        async with AudioSocketPeer(door, uuid.UUID(int=8)) as stranger:
            await until(stranger.over)
        assert server.active == 1


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\n\r\n", b"agi_request: x\n" * 200, b"a" * 20_000, b"\xff\xfe\n\n", b"",
     b"agi_network_script: x\n\n",
     b"agi_network_script: answered\nagi_arg_1: nonsense\n\n",
     b"agi_network_script: answered\nagi_arg_1: 00000000-0000-0000-0000-000000000007\n\n"],
)  # fmt: skip
async def test_strangers_are_sent_away_and_the_next_call_is_taken(said: bytes) -> None:
    port = free_tcp_port()
    async with audiosocket_service(agi_port=port, hello_timeout_s=0.3) as (server, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        assert await asyncio.wait_for(reader.read(), 3) == b""
        writer.close()
        async with AgiPeer(port):
            assert (await next_call(server)).end is None


async def test_a_taken_port_is_said_and_leaves_nothing_open() -> None:
    port, agi = free_tcp_port(), free_tcp_port()
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", agi)
    async with taken:
        with pytest.raises(LineError, match="FastAGI"):
            async with audiosocket_service(port=port, agi_port=agi):
                pass


@pytest.mark.parametrize("dial", ["PJSIP/8001", "Local/{target}@x,30", 'Local/{target}"', "Local/{target} x"])
def test_a_dial_string_names_the_target_and_nothing_else(dial: str) -> None:
    with pytest.raises(ValueError, match="transfer_dial"):
        AudioSocketSettings(transfer_dial=dial)
