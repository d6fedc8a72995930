"""The chan_websocket server against an Asterisk end made from the published protocol."""

import asyncio
import os
import socket
import time

import aiohttp
import numpy as np
import pytest

from telephony.audiosocket.caller import AudioSocketCaller
from telephony.caller import CallerLeg
from telephony.settings import WebSocketSettings
from telephony.websocket.caller import WebSocketCaller
from telephony.websocket.playout import MARK_EVERY_SAMPLES, Playout
from telephony.websocket.protocol import Command, Event, command, read_event
from telephony.websocket.server import WebSocketServer
from tests.support.asterisk_websocket import PLAIN_START, AsteriskPeer, websocket_service
from tests.support.audiosocket_peer import IDENTITY, audiosocket_service
from tests.support.bad_streams import send_bad_streams
from voicebot.audio.g711 import decode_a_law, decode_mu_law, encode_a_law, encode_mu_law
from voicebot.audio.tones import tone
from voicebot.core.call import CallEnd, Channel
from voicebot.core.clock import SystemClock
from voicebot.core.errors import LineError
from voicebot.core.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ, ms_to_samples
from voicebot.core.ports import Line, LineServer

CODERS = {"alaw": (encode_a_law, decode_a_law), "ulaw": (encode_mu_law, decode_mu_law), "slin": (bytes, bytes)}

STREAMS = [pytest.param(100, id="short"), pytest.param(1_000, id="full", marks=pytest.mark.long)]
NOISE: tuple[str | bytes, ...] = (
    b"",
    b"\x01",
    b"x" * 60_001,
    "",
    "???",
    "{",
    '{"event": "DTMF_END"}',
    "MEDIA_MARK_PROCESSED",
    "MEDIA_MARK_PROCESSED 9.99",
    "DTMF_END digit:Z",
    "MEDIA_XOFF",
    "ERROR error_text:x",
)


def test_events_read_as_asterisk_writes_them() -> None:
    begun = read_event(PLAIN_START.format(format="ulaw", size=160))
    assert begun.name == "MEDIA_START"
    assert (begun.fields["format"], begun.fields["optimal_frame_size"]) == ("ulaw", "160")
    assert begun.fields["channel"] == "WebSocket/media_connection1/0x5140001a0040"
    assert read_event("DTMF_END digit:5 channel_id:1761245643.1").fields["digit"] == "5"
    assert read_event("DTMF_END digit:n").fields["digit"] == "n"
    assert read_event("MEDIA_MARK_PROCESSED 0.800") == Event("MEDIA_MARK_PROCESSED", {"correlation_id": "0.800"})
    assert read_event("QUEUE_DRAINED") == Event("QUEUE_DRAINED")
    told = read_event('{"event":"MEDIA_MARK_PROCESSED","channel_id":"1","correlation_id":"0.800"}')
    assert (told.fields["correlation_id"], told.as_json) == ("0.800", True)


@pytest.mark.parametrize("text", ["", "hello there", "{}", '{"event": 5}', "{", "[1]", "media_start format:ulaw"])
def test_what_is_no_event_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"event|Expecting"):
        read_event(text)


def test_commands_are_what_asterisk_reads() -> None:
    assert command(Command.FLUSH) == "FLUSH_MEDIA"
    assert command(Command.MARK, "0.800") == "MARK_MEDIA 0.800"
    assert command(Command.HANG_UP, as_json=True) == '{"command":"HANGUP"}'
    assert command(Command.MARK, "7", as_json=True) == '{"command":"MARK_MEDIA","correlation_id":"7"}'


async def test_what_was_heard_follows_the_marks_and_not_the_clock() -> None:
    playout = Playout(240)
    await playout.play(tone((440,), 200))
    marks = []
    for _ in range(3):
        pcm, mark = playout.due(10.0)
        marks += [mark] if mark else []
    assert marks == ["0.1600"]  # all of it went at once, with one mark behind it
    assert playout.played(10.05).heard == ms_to_samples(50)
    playout.mark("0.1600", 10.4)  # a far end that was late
    assert playout.played(10.4).heard == ms_to_samples(200)
    await playout.play(tone((440,), 200))
    pcm, mark = playout.due(11.0)
    assert len(pcm) == 2 * ms_to_samples(200)
    assert playout.played(19.0).heard == ms_to_samples(400)  # never more than was sent
    playout.flush(11.05)
    played = playout.played(12.0)
    assert played.heard == ms_to_samples(250)
    assert played.written == played.heard + played.flushed
    playout.mark(mark, 12.0)  # from before the flush
    assert playout.played(12.0) == played


async def test_a_far_end_that_marks_is_not_believed_ahead_of_its_marks() -> None:
    playout = Playout(240)
    await playout.play(tone((440,), 100))
    _, first = playout.due(1.0)
    playout.mark(first, 1.1)
    await playout.play(tone((440,), 100))
    _, second = playout.due(1.1)
    await playout.play(tone((440,), 40))
    playout.due(1.15)
    assert second
    assert playout.played(5.0).heard == 2 * MARK_EVERY_SAMPLES  # stalled in front of the second mark


async def test_a_far_end_without_marks_is_asked_for_none_once_it_said_so() -> None:
    playout = Playout(240)
    await playout.play(tone((440,), 200))
    assert playout.due(1.0)[1]
    playout.refused()
    for second in range(2, 200):
        await playout.play(tone((440,), 200))
        assert playout.due(float(second))[1] == ""
    assert not playout._marks


@pytest.mark.network
class TestServer:
    @pytest.mark.parametrize("as_json", [False, True], ids=["plain", "json"])
    @pytest.mark.parametrize("name", ["slin", "alaw", "ulaw"])
    @pytest.mark.interop("协议对端（chan_websocket）", "声音往返，slin、A 律、µ 律，纯文本与 JSON")
    async def test_a_tone_comes_back(self, name: str, as_json: bool) -> None:
        encode, decode = CODERS[name]
        async with (
            websocket_service() as (server, port),
            AsteriskPeer(port, format=name, as_json=as_json) as peer,
        ):
            line = await first_call(server)
            assert line.start.channel is Channel.WEBSOCKET
            talking = asyncio.create_task(echo(line))
            peer.speech += encode(tone((1000,), 600))
            await asyncio.sleep(1.1)
            await peer.hang_up()
            await asyncio.wait_for(talking, 1)
            heard = np.frombuffer(decode(bytes(peer.played)), "<i2").astype(float)
            loud = np.flatnonzero(np.abs(heard) > 1000)
            part = heard[loud[0] : loud[-1]]
            peak = np.argmax(np.abs(np.fft.rfft(part * np.hanning(len(part))))) * SAMPLE_RATE_HZ / len(part)
            assert abs(peak - 1000) < 5
            assert len(part) > ms_to_samples(500)
            assert line.end is CallEnd.CALLER_HUNG_UP

    @pytest.mark.parametrize("marks", [True, False], ids=["marks", "no marks"])
    @pytest.mark.interop("协议对端（chan_websocket）", "插话后 40 毫秒内静音，听到哪里；有无 MARK_MEDIA")
    async def test_a_flush_silences_the_caller_within_40_ms_and_says_what_was_heard(self, marks: bool) -> None:
        async with websocket_service() as (server, port), AsteriskPeer(port, marks=marks) as peer:
            line = await first_call(server)
            speaking = asyncio.create_task(line.play(tone((440,), 3000)))
            await asyncio.sleep(0.5)
            at_s = time.monotonic()
            told = line.flush()
            await speaking
            await asyncio.sleep(0.4)
            assert not [at for at, audible in peer.frames_at_s if audible and at - at_s > 0.04]
            assert peer.flushed > 2
            really = sum(audible for _, audible in peer.frames_at_s) * FRAME_SAMPLES
            assert abs(told.heard - really) <= ms_to_samples(60)
            assert told.written == told.heard + told.flushed == ms_to_samples(3000)
            assert any("FLUSH_MEDIA" in each for each in peer.commands)

    async def test_after_a_flush_the_next_sentence_is_heard_whole(self) -> None:
        async with websocket_service() as (server, port), AsteriskPeer(port) as peer:
            line = await first_call(server)
            speaking = asyncio.create_task(line.play(tone((440,), 3000)))
            await asyncio.sleep(0.3)
            before = line.flush()
            await speaking
            played = len(peer.played)
            await line.play(tone((440,), 300))
            await asyncio.sleep(0.6)
            after = np.frombuffer(bytes(peer.played[played:]), "<i2").reshape(-1, FRAME_SAMPLES)
            assert sum(np.abs(frame.astype(int)).max() > 1000 for frame in after) == 15
            assert line.played().heard == before.heard + ms_to_samples(300)

    async def test_the_dialplan_tells_who_calls(self) -> None:
        query = "?caller=13800138000&dialled=12345&diversion=0379"
        async with websocket_service() as (server, port), AsteriskPeer(port, query=query):
            start = (await first_call(server)).start
            assert (start.caller_number, start.dialled_number, start.diversion) == ("13800138000", "12345", "0379")

    @pytest.mark.parametrize(
        "query",
        ["caller=anonymous", "caller=13800138000&presentation=prohib_not_screened", "caller=&presentation=unavailable"],
    )
    async def test_a_withheld_number_is_none(self, query: str) -> None:
        async with websocket_service() as (server, port), AsteriskPeer(port, query=f"?{query}"):
            assert (await first_call(server)).start.caller_number == ""

    @pytest.mark.parametrize("as_json", [False, True], ids=["plain", "json"])
    async def test_the_bot_hangs_up_in_the_words_of_the_protocol(self, as_json: bool) -> None:
        async with websocket_service() as (server, port), AsteriskPeer(port, as_json=as_json) as peer:
            line = await first_call(server)
            await line.hang_up()
            async with asyncio.timeout(5):
                await peer.over.wait()
            assert any("HANGUP" in each for each in peer.commands)
            await asyncio.sleep(0.05)
            assert server.active == 0

    async def test_a_stranger_is_shown_the_door(self) -> None:
        async with websocket_service(password="secret", user="asterisk") as (server, port):
            for login in (None, ("asterisk", "wrong"), ("other", "secret")):
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await AsteriskPeer(port, login=login).__aenter__()
                assert refused.value.status == 401
            async with AsteriskPeer(port, login=("asterisk", "secret")):
                assert (await first_call(server)).end is None

    @pytest.mark.parametrize(
        "hello", ["hello", "{", "DTMF_END digit:1", PLAIN_START.format(format="opus", size=0), "MEDIA_START"]
    )
    async def test_whoever_begins_otherwise_is_no_call(self, hello: str) -> None:
        async with websocket_service() as (server, port), AsteriskPeer(port, hello=hello) as peer:
            async with asyncio.timeout(5):
                await peer.over.wait()
            assert peer.close_code == 1008
            assert server.active == 0

    async def test_whoever_says_nothing_is_let_go(self) -> None:
        async with websocket_service(hello_timeout_s=0.1) as (server, port), aiohttp.ClientSession() as session:
            silent = await session.ws_connect(f"http://127.0.0.1:{port}/media")
            assert (await silent.receive()).type is aiohttp.WSMsgType.CLOSE
            await silent.close()
            assert server.active == 0

    async def test_noise_in_a_call_does_no_harm(self) -> None:
        async with websocket_service() as (server, port), AsteriskPeer(port) as peer:
            line = await first_call(server)
            for message in NOISE:
                await peer.send(message)
            await peer.press("7")
            assert await asyncio.wait_for(anext(aiter(line.digits())), 2) == "7"
            assert line.end is None

    async def test_a_message_longer_than_asterisk_knows_ends_the_call_and_only_it(self) -> None:
        async with websocket_service() as (server, port), AsteriskPeer(port) as peer, AsteriskPeer(port) as other:
            calls = aiter(server.calls())
            one, two = await anext(calls), await anext(calls)
            await peer.send(b"x" * 70_000)
            async with asyncio.timeout(5):
                await peer.over.wait()
            await asyncio.sleep(0.05)
            assert sorted(line.end is None for line in (one, two)) == [False, True]
            assert not other.over.is_set()

    @pytest.mark.parametrize("count", STREAMS)
    async def test_malformed_streams_do_no_harm(self, count: int) -> None:
        async with websocket_service(hello_timeout_s=0.2) as (server, port), AsteriskPeer(port) as peer:
            line = await first_call(server)
            before = len(os.listdir("/proc/self/fd"))
            await send_bad_streams(port, "/media", count, seed=11)
            await asyncio.sleep(0.5)
            assert len(os.listdir("/proc/self/fd")) <= before
            assert (line.end, peer.over.is_set(), server.active) == (None, False, 1)
            async with AsteriskPeer(port):
                assert (await first_call(server)).end is None

    async def test_a_pbx_that_falls_silent_counts_as_lost(self) -> None:
        async with websocket_service(idle_timeout_s=0.2) as (server, port), aiohttp.ClientSession() as session:
            silent = await session.ws_connect(f"http://127.0.0.1:{port}/media")
            await silent.send_str(PLAIN_START.format(format="slin", size=320))
            line = await first_call(server)
            await asyncio.sleep(0.5)
            assert line.end is CallEnd.LINE_LOST
            await silent.close()

    async def test_one_call_too_many_is_refused(self) -> None:
        async with websocket_service(max_concurrent_calls=1) as (server, port), AsteriskPeer(port):
            await first_call(server)
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await AsteriskPeer(port).__aenter__()
            assert refused.value.status == 503

    async def test_a_call_that_never_ends_is_ended(self) -> None:
        async with websocket_service(max_call_s=1) as (server, port), AsteriskPeer(port) as peer:
            line = await first_call(server)
            async with asyncio.timeout(5):
                await peer.over.wait()
            assert line.end is CallEnd.MAX_DURATION

    async def test_stopping_ends_the_calls_and_frees_the_port(self) -> None:
        async with websocket_service() as (server, port), AsteriskPeer(port) as peer:
            line = await first_call(server)
            await server.stop()
            async with asyncio.timeout(5):
                await peer.over.wait()
            assert line.end is CallEnd.SHUTDOWN
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))

    async def test_a_taken_port_is_said_with_a_remedy(self) -> None:
        async with websocket_service() as (_, port):
            with pytest.raises(LineError, match="port"):
                await WebSocketServer(WebSocketSettings(port=port), SystemClock()).start()


@pytest.mark.network
@pytest.mark.parametrize("kind", ["audiosocket", "websocket"])
async def test_the_callers_of_scenarios_speak_press_hear_and_hang_up(kind: str) -> None:
    if kind == "audiosocket":
        async with audiosocket_service() as (doors, port):
            await _try_caller(doors, AudioSocketCaller("127.0.0.1", port, IDENTITY))
    else:
        async with websocket_service(password="secret") as (doors, port):
            caller = WebSocketCaller("127.0.0.1", port, user="asterisk", password="secret", number="13800138000")
            await _try_caller(doors, caller)


async def _try_caller(server: LineServer, caller: CallerLeg) -> None:
    await caller.connect()
    line = await first_call(server)
    talking = asyncio.create_task(echo(line))
    at = caller.say(tone((1000,), 300))
    await caller.press("5")
    assert await asyncio.wait_for(anext(aiter(line.digits())), 2) == "5"
    await asyncio.sleep(0.8)
    assert not caller.saying
    assert np.abs(caller.received(at).astype(int)).max() > 1000
    assert abs(len(caller.received()) - caller.position) < ms_to_samples(100)
    await line.hang_up()
    await asyncio.sleep(0.1)
    assert caller.ended
    await caller.hang_up()
    await caller.hang_up()
    await asyncio.wait_for(talking, 1)


@pytest.mark.network
async def test_a_caller_who_reaches_nobody_is_told_what_to_do() -> None:
    with pytest.raises(LineError, match="websocket"):
        await WebSocketCaller("127.0.0.1", 1, user="asterisk", password="x").connect()
    with pytest.raises(LineError, match="audiosocket"):
        await AudioSocketCaller("127.0.0.1", 1, IDENTITY).connect()


async def first_call(server: LineServer) -> Line:
    return await asyncio.wait_for(anext(aiter(server.calls())), 3)


async def echo(line: Line) -> None:
    async for frame in line.frames():
        await line.play(frame.pcm)
