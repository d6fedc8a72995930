"""Calls from sipp, from Debian's baresip and linphone and from our own caller, over the wire."""

import asyncio
import sys

import numpy as np
import pytest

from tests.support.sip_peers import (
    Baresip,
    Linphone,
    Tape,
    baresip_call,
    have_baresip,
    have_linphone,
    have_sipp,
    sipp_call,
)
from tests.support.sip_service import Service, echo, listen, sip_service
from voicebot.audio.tones import tone
from voicebot.core.call import CallEnd
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.core.ports import Line

needs_sipp = pytest.mark.skipif(not have_sipp(), reason="sipp is not installed (apt install sip-tester)")
needs_baresip = pytest.mark.skipif(not have_baresip(), reason="baresip is not installed (apt install baresip-core)")
needs_linphone = pytest.mark.skipif(not have_linphone(), reason="linphone is not installed (apt install linphone-cli)")
pytestmark = [pytest.mark.network, pytest.mark.peer]


def peak_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * SAMPLE_RATE_HZ / len(samples)


def loud_part(samples: np.ndarray) -> np.ndarray:
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 1000)
    assert len(loud)
    return samples[loud[0] : loud[-1]].astype(float)


@needs_sipp
@pytest.mark.interop("sipp", "十路同时，A 律，听见回声，BYE")
async def test_ten_sipp_calls_at_once_are_heard_and_end_in_order():
    heard: dict[str, bytearray] = {}

    async def keep(service: Service, line: Line) -> None:
        pcm = heard.setdefault(line.start.call_id, bytearray())
        async for frame in line.frames():
            pcm += frame.pcm

    async with sip_service(keep) as service:
        result = await sipp_call(service.port, Tape(tone((1000,), 1500) + bytes(SAMPLE_RATE_HZ)), calls=10, rate=50)
        assert result.status == 0, result.output
        await service.ended()
        assert len(service.lines) == 10
        assert {line.end for line in service.lines} == {CallEnd.CALLER_HUNG_UP}
    for pcm in heard.values():
        part = loud_part(np.frombuffer(bytes(pcm), "<i2"))
        assert abs(peak_hz(part) - 1000) < 5
        assert 1.4 * SAMPLE_RATE_HZ < len(part) < 1.6 * SAMPLE_RATE_HZ


@needs_baresip
@pytest.mark.interop("baresip", "通话、听见自己、RFC 4733 按键")
async def test_baresip_hears_its_own_voice_and_its_keys_arrive_once():
    async with sip_service(echo) as service:
        heard = await baresip_call(f"sip:12345@127.0.0.1:{service.port}", Tape(tone((700,), 2500), ((1.2, "5*"),)))
        await service.ended()
        assert service.keys == ["5", "*"]
        assert service.lines[0].end is CallEnd.CALLER_HUNG_UP
        part = loud_part(heard)
        assert abs(peak_hz(part) - 700) < 5
        assert len(part) > 1.2 * SAMPLE_RATE_HZ


@needs_baresip
@pytest.mark.interop("baresip", "由我们挂断")
async def test_the_bot_can_end_a_baresip_call():
    async with sip_service(listen) as service, Baresip(bytes(16000)) as peer:
        await peer.command("dial", f"sip:12345@127.0.0.1:{service.port}")
        line = await service.line()
        await asyncio.sleep(0.3)
        await line.hang_up()
        await service.ended()
        await asyncio.sleep(0.3)
        assert "session closed" in peer.log().lower()


@needs_linphone
@pytest.mark.interop("linphone", "通话、听见自己、RFC 4733 按键")
async def test_linphone_hears_its_own_voice_and_its_keys_arrive_once():
    async with sip_service(echo) as service, Linphone(tone((700,), 2500) + bytes(16 * 5000)) as peer:
        await peer.command(f"call sip:12345@127.0.0.1:{service.port}")
        await service.line()
        await asyncio.sleep(3)
        await peer.press("5*")
        await asyncio.sleep(0.5)
        await peer.command("terminate")
        await service.ended()
        assert service.keys == ["5", "*"]
        assert service.lines[0].end is CallEnd.CALLER_HUNG_UP
        await asyncio.sleep(0.3)
        part = loud_part(peer.heard())
        assert abs(peak_hz(part) - 700) < 5
        assert len(part) > 2 * SAMPLE_RATE_HZ


@needs_linphone
@pytest.mark.interop("linphone", "由我们挂断")
async def test_the_bot_can_end_a_linphone_call():
    async with sip_service(listen) as service, Linphone(bytes(16 * 5000)) as peer:
        await peer.command(f"call sip:12345@127.0.0.1:{service.port}")
        line = await service.line()
        await asyncio.sleep(0.5)
        await line.hang_up()
        await service.ended()
        await asyncio.sleep(0.5)
        assert "ended (No error)" in peer.log()


CALL = """
import asyncio, sys, numpy as np
from telephony.sip.caller import SipCaller
from voicebot.audio.tones import tone
from voicebot.core.clock import SystemClock

async def main():
    caller = SipCaller(sys.argv[1], SystemClock(), codec=sys.argv[2])
    await caller.connect()
    await asyncio.sleep(0.3)
    at = caller.say(tone((900,), 800))
    while caller.saying:
        await asyncio.sleep(0.02)
    await caller.press("42")
    await asyncio.sleep(0.5)
    heard = caller.received().astype(int)
    loud = np.flatnonzero(np.abs(heard) > 1000)
    spectrum = np.abs(np.fft.rfft(heard[loud[0]:loud[-1]] * np.hanning(loud[-1] - loud[0])))
    peak_hz = np.argmax(spectrum) * 8000 / (loud[-1] - loud[0])
    behind_ms = (caller.position - len(heard)) / 8
    await caller.hang_up()
    print(round(peak_hz), round((loud[0] - at) / 8), round(behind_ms), caller.ended, len(asyncio.all_tasks()))

asyncio.run(main())
"""


@pytest.mark.parametrize(("codec", "transport"), [("pcma", "udp"), ("pcmu", "tcp"), ("g722", "udp"), ("opus", "udp")])
@pytest.mark.interop("baresip-python", "A 律、µ 律、G.722、Opus；UDP、TCP；按键")
async def test_our_own_caller_speaks_hears_and_presses_keys(codec: str, transport: str):
    async with sip_service(echo, codecs=("pcma", "pcmu", "g722", "opus")) as service:
        target = f"sip:12345@127.0.0.1:{service.port};transport={transport}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", CALL, target, codec), stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        peak, delay_ms, behind_ms, ended, tasks = output.decode().splitlines()[-1].split()
        assert abs(int(peak) - 900) <= 5
        assert 0 < int(delay_ms) < 300
        assert 0 <= int(behind_ms) < 120
        assert (ended, tasks) == ("True", "1")
        await service.ended()
        assert service.keys == ["4", "2"]
        assert service.lines[0].end is CallEnd.CALLER_HUNG_UP
