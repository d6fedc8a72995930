"""SIP calls through a real Asterisk, over the dialplans of `docs/pbx.md`, to our doors."""

import asyncio
import json
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from telephony.audiosocket.server import AudioSocketServer
from telephony.settings import AudioSocketSettings, WebSocketSettings
from telephony.websocket.server import WebSocketServer
from tests.support.asterisk import AGENT_HZ, Asterisk, Documented, have_asterisk
from tests.support.caller_audio import FIXTURES, over_the_telephone
from tests.support.raw_sip import RawSip
from tests.support.sip_peers import free_tcp_port
from voicebot.audio.tones import tone
from voicebot.core.call import CallEnd
from voicebot.core.clock import SystemClock
from voicebot.core.frames import SAMPLE_RATE_HZ, ms_to_samples
from voicebot.core.ports import Line, LineServer

pytestmark = [
    pytest.mark.network,
    pytest.mark.peer,
    pytest.mark.skipif(not have_asterisk(), reason="there is no Asterisk in var/asterisk (make asterisk)"),
]
DOORS = ["FastAGI", "AudioSocket", "chan_websocket"]
WEBSOCKET_FORMATS = [
    pytest.param(("c(alaw)", f"c({name}){control}"), id=f"{name}{control}")
    for name in ("slin", "alaw", "ulaw")
    for control in ("", "f(json)")
]
SPEECH = over_the_telephone(FIXTURES / "mandarin" / "address-crossing.wav")


@dataclass
class Switch:
    """An Asterisk whose calls come to a door of ours; the calls are ours to handle."""

    asterisk: Asterisk
    server: LineServer

    @asynccontextmanager
    async def call(self, caller: str = "13800138000", headers: str = "") -> AsyncIterator[tuple[RawSip, Line]]:
        """A caller, and the line that we took."""
        async with RawSip(self.asterisk.port, caller=caller) as peer:
            answered = asyncio.create_task(peer.invite(headers=headers))
            line = await asyncio.wait_for(anext(aiter(self.server.calls())), 5)
            assert (await answered).status == 200
            yield peer, line


@asynccontextmanager
async def switch(
    door: str, *, dialplan: tuple[str, str] = ("", ""), up: bool = True, **settings: Any
) -> AsyncIterator[Switch]:
    documented = Documented.read(door).at_port(free_tcp_port()).changed(*dialplan)
    server: LineServer
    if door != "chan_websocket":
        made = AudioSocketSettings.model_validate(documented.settings | settings)
        server = AudioSocketServer(made, SystemClock())
    else:
        server = WebSocketServer(WebSocketSettings.model_validate(documented.settings | settings), SystemClock())
    if up:
        await server.start()
    try:
        async with Asterisk(documented) as asterisk:
            yield Switch(asterisk, server)
    finally:
        await server.stop()


@pytest.mark.parametrize("dialplan", WEBSOCKET_FORMATS)
@pytest.mark.interop("Asterisk", "chan_websocket：录音往返，slin、A 律、µ 律，纯文本与 JSON；按键")
async def test_speech_comes_back_through_chan_websocket_and_keys_arrive_once(dialplan: tuple[str, str]) -> None:
    async with switch("chan_websocket", dialplan=dialplan) as pbx:
        await speech_comes_back(pbx)


@pytest.mark.parametrize("door", ["FastAGI", "AudioSocket"])
@pytest.mark.interop("Asterisk", "AudioSocket，也由 FastAGI 送来：录音往返；按键")
async def test_speech_comes_back_through_audiosocket_and_keys_arrive_once(door: str) -> None:
    async with switch(door) as pbx:
        await speech_comes_back(pbx)


async def speech_comes_back(pbx: Switch) -> None:
    keys: list[str] = []

    async def take_keys(line: Line) -> None:
        keys.extend([key async for key in line.digits()])

    async with pbx.call() as (peer, line):
        talking = asyncio.gather(echo(line), take_keys(line))
        peer.media.speech += SPEECH
        await asyncio.sleep(len(SPEECH) / 2 / SAMPLE_RATE_HZ + 1)
        peer.media.keys += "5*"
        await asyncio.sleep(0.8)
        await peer.bye()
        await asyncio.wait_for(talking, 3)
        assert line.end is CallEnd.CALLER_HUNG_UP
        assert keys == ["5", "*"]
        assert likeness(SPEECH, peer.media.heard()) > 0.95
        await asyncio.sleep(0.2)
        assert "Queue(" not in pbx.asterisk.log()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.interop("Asterisk", "由我们挂断：来电人听到挂断，不进座席队列")
async def test_a_call_that_the_bot_ends_is_over(door: str) -> None:
    async with switch(door) as pbx, pbx.call() as (peer, line):
        await line.hang_up()
        await peer.request_from_line("BYE")
        assert "Queue(" not in pbx.asterisk.log()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.interop("Asterisk", "我们没有开、满了：拨号方案转到座席队列")
async def test_a_call_that_nobody_takes_goes_to_the_agents(door: str) -> None:
    async with switch(door, up=False) as pbx:
        await hears_the_agent(pbx)
    async with switch(door, max_concurrent_calls=1) as pbx, pbx.call() as (_, line):
        await hears_the_agent(pbx)
        assert line.end is None


@pytest.mark.parametrize(
    ("door", "settings"),
    [("AudioSocket", {"allowed_uuids": [str(uuid.UUID(int=7))]}), ("chan_websocket", {"password": "another"})],
)
@pytest.mark.interop("Asterisk", "UUID、密码不对：拨号方案转到座席队列")
async def test_a_switch_that_we_do_not_know_sends_its_calls_to_the_agents(door: str, settings: dict[str, Any]) -> None:
    async with switch(door, **settings) as pbx:
        await hears_the_agent(pbx)


@pytest.mark.parametrize("door", ["FastAGI", "chan_websocket"])
@pytest.mark.parametrize(
    ("caller", "headers", "number"),
    [
        ("13800138000", "", "13800138000"),
        ("+8613800138000", "", "+8613800138000"),
        ("anonymous", "", ""),
        ("anonymous", "P-Asserted-Identity: <sip:13800138000@trunk>\r\nPrivacy: id\r\n", ""),
    ],
)
@pytest.mark.interop("Asterisk", "FastAGI、chan_websocket：主叫号码、不显示的号码、被叫号码")
async def test_the_dialplan_tells_who_calls(door: str, caller: str, headers: str, number: str) -> None:
    async with switch(door) as pbx, pbx.call(caller, headers) as (_, line):
        assert (line.start.caller_number, line.start.dialled_number) == (number, "12345")


@pytest.mark.parametrize(
    ("door", "dialplan"),
    [
        ("FastAGI", ("", "")),
        ("AudioSocket", ("", "")),
        *(("chan_websocket", each.values[0]) for each in WEBSOCKET_FORMATS),
    ],
)
@pytest.mark.interop("Asterisk", "插话：来电人在 100 毫秒内听到静音；听到哪里；下一句完整")
async def test_a_flush_silences_the_caller_and_says_what_was_heard(door: str, dialplan: tuple[str, str]) -> None:
    async with switch(door, dialplan=dialplan) as pbx, pbx.call() as (peer, line):
        speaking = asyncio.create_task(line.play(tone((440,), 3000)))
        await asyncio.sleep(1)
        at_s = time.monotonic()
        told = line.flush()
        await speaking
        await asyncio.sleep(0.5)
        assert last_loud_s(peer) - at_s < 0.1
        assert abs(told.heard - len(loud_part(peer.media.heard()))) <= ms_to_samples(80)
        assert told.written == told.heard + told.flushed == ms_to_samples(3000)
        before = len(peer.media.heard())
        await line.play(tone((440,), 600))
        await asyncio.sleep(1.2)
        assert abs(len(loud_part(peer.media.heard()[before:])) - ms_to_samples(600)) <= ms_to_samples(20)
        assert line.played().heard == told.heard + ms_to_samples(600)


@pytest.mark.interop("Asterisk", "chan_websocket：MARK_MEDIA 不在声音里留下空隙")
async def test_marks_leave_no_hole_in_the_audio() -> None:
    async with switch("chan_websocket") as pbx, pbx.call() as (peer, line):
        await line.play(tone((440,), 3000))
        await asyncio.sleep(0.8)
        heard = loud_part(peer.media.heard())
        assert abs(len(heard) - ms_to_samples(3000)) <= ms_to_samples(20)
        frames = heard[: len(heard) // 160 * 160].reshape(-1, 160)
        assert np.abs(frames.astype(int)).max(axis=1).min() > 1000
        assert line.played().heard == ms_to_samples(3000)


@pytest.mark.interop("Asterisk", "FastAGI：转到分机，对方接起，两人通话")
async def test_an_extension_that_answers_has_the_caller() -> None:
    async with switch("FastAGI") as pbx, pbx.call() as (peer, line):
        assert await asyncio.wait_for(line.transfer("8001"), 5) == "answered"
        assert line.end is CallEnd.HANDED_OFF
        before = len(peer.media.heard())
        await asyncio.sleep(1)
        assert abs(pitch_hz(peer.media.heard()[before:]) - AGENT_HZ) < 5
        await peer.bye()
        await asyncio.sleep(0.3)
        assert "Queue(" not in pbx.asterisk.log()


@pytest.mark.interop("Asterisk", "FastAGI：接起的分机挂断，通话结束，不进座席队列")
async def test_a_call_that_the_extension_ends_is_over() -> None:
    async with switch("FastAGI") as pbx, pbx.call() as (peer, line):
        assert await asyncio.wait_for(line.transfer("8005"), 5) == "answered"
        await peer.request_from_line("BYE")
        assert "Queue(" not in pbx.asterisk.log()


@pytest.mark.parametrize(
    ("extension", "outcome"), [("8002", "busy"), ("8003", "no_answer"), ("8004", "failed"), ("8999", "failed")]
)
@pytest.mark.interop("Asterisk", "FastAGI：占线、没人接、接不通、没有的分机：来电人回到我们这里")
async def test_a_caller_whom_nobody_takes_comes_back(extension: str, outcome: str) -> None:
    async with switch("FastAGI", ring_timeout_s=1) as pbx, pbx.call() as (peer, line):
        assert await asyncio.wait_for(line.transfer(extension), 8) == outcome
        assert line.end is None
        before = len(peer.media.heard())
        await line.play(tone((440,), 800))
        await asyncio.sleep(1)
        assert abs(pitch_hz(peer.media.heard()[before:]) - 440) < 5
        assert await asyncio.wait_for(line.transfer("8001"), 5) == "answered"


@pytest.mark.interop("Asterisk", "FastAGI：振铃时来电人挂断")
async def test_a_caller_who_gives_up_while_it_rings_has_hung_up() -> None:
    async with switch("FastAGI") as pbx, pbx.call() as (peer, line):
        ringing = asyncio.create_task(line.transfer("8003"))
        await asyncio.sleep(1)
        await peer.bye()
        assert await asyncio.wait_for(ringing, 3) == "failed"
        assert line.end is CallEnd.CALLER_HUNG_UP
        assert "Queue(" not in pbx.asterisk.log()


@pytest.mark.interop("Asterisk", "FastAGI：服务在通话中被杀，来电人进座席队列")
async def test_the_caller_of_a_killed_service_goes_to_the_agents() -> None:
    documented = Documented.read("FastAGI").at_port(free_tcp_port())
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.audiosocket_echo", json.dumps(documented.settings),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert service.stdout is not None
        async with asyncio.timeout(20):
            while await service.stdout.readline() != b"ready\n":
                pass
        async with Asterisk(documented) as asterisk, RawSip(asterisk.port) as peer:
            assert (await peer.invite()).status == 200
            peer.media.speech += tone((700,), 1500)
            await asyncio.sleep(1)
            assert abs(pitch_hz(peer.media.heard()) - 700) < 5
            service.kill()
            before = len(peer.media.heard())
            await asyncio.sleep(1.5)
            assert abs(pitch_hz(peer.media.heard()[before + ms_to_samples(500) :]) - AGENT_HZ) < 5
            await peer.bye()
    finally:
        if service.returncode is None:
            service.kill()
        await service.wait()


async def hears_the_agent(pbx: Switch) -> None:
    async with RawSip(pbx.asterisk.port) as peer:
        assert (await peer.invite()).status == 200
        await asyncio.sleep(1)
        assert abs(pitch_hz(peer.media.heard()) - AGENT_HZ) < 5
        await peer.bye()


async def echo(line: Line) -> None:
    async for frame in line.frames():
        await line.play(frame.pcm)


def likeness(said: bytes, heard: NDArray[np.int16]) -> float:
    """How well 400 ms of what was said is found again in what came back (correlation), at the median.

    Piece by piece, since a busy machine shifts the rest of a call by a frame now and then.
    """
    speech, other = np.frombuffer(said, "<i2").astype(float), heard.astype(float)
    size = ms_to_samples(400)
    pieces = speech[: len(speech) // size * size].reshape(-1, size)
    energy = np.convolve(other**2, np.ones(size), "valid")
    return float(
        np.median(
            [
                (np.correlate(other, piece) / np.sqrt(energy * (piece @ piece) + 1)).max()
                for piece in pieces
                if np.abs(piece).max() > 1000
            ]
        )
    )


def loud_part(heard: NDArray[np.int16]) -> NDArray[np.int16]:
    loud = np.flatnonzero(np.abs(heard.astype(int)) > 1000)
    assert len(loud), "silence"
    return heard[loud[0] : loud[-1] + 1]


def pitch_hz(heard: NDArray[np.int16]) -> float:
    part = loud_part(heard).astype(float)
    return float(np.argmax(np.abs(np.fft.rfft(part * np.hanning(len(part))))) * SAMPLE_RATE_HZ / len(part))


def last_loud_s(peer: RawSip) -> float:
    """When the last packet with sound in it came."""
    return max(
        packet.at_s
        for packet in peer.media.packets
        if packet.payload_type in (0, 8) and np.abs(np.frombuffer(packet.pcm, "<i2").astype(int)).max() > 1000
    )
