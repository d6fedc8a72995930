"""A real SIP server against a caller made of sockets, on loopback."""

import asyncio
import itertools
import random
import socket
import threading
import time
from contextlib import AsyncExitStack, closing

import numpy as np
import pytest

from telephony.settings import TelephonySettings
from telephony.sip.runtime import free_sip_port
from telephony.sip.server import SipLineServer
from tests.support.raw_sip import Packet, RawSip
from tests.support.sip_service import Service, listen, sip_service
from voicebot.audio.g711 import decode_a_law
from voicebot.audio.tones import tone
from voicebot.core.call import CallEnd, Channel
from voicebot.core.clock import SystemClock
from voicebot.core.errors import LineError
from voicebot.core.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ
from voicebot.core.ports import Line

pytestmark = pytest.mark.network


def peak_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * SAMPLE_RATE_HZ / len(samples)


@pytest.mark.parametrize("payload_type", [8, 0], ids=["a-law", "mu-law"])
async def test_a_tone_comes_back_through_the_line(payload_type: int):
    async with sip_service() as service, RawSip(service.port, payload_type=payload_type) as peer:
        assert (await peer.invite()).status == 200
        await service.line()
        peer.media.speech += tone((1000,), 1000)
        await asyncio.sleep(1.2)
        assert await peer.bye() == 200
        heard = peer.media.heard()
        loud = np.flatnonzero(np.abs(heard) > 1000)
        assert abs(peak_hz(heard[loud[0] : loud[-1]].astype(float)) - 1000) < 5
        assert loud[-1] - loud[0] > 0.9 * SAMPLE_RATE_HZ
        packets = peer.media.packets
        assert {packet.payload_type for packet in packets} == {payload_type}
        assert all(b.timestamp - a.timestamp == FRAME_SAMPLES for a, b in itertools.pairwise(packets))


async def test_the_call_knows_who_called_which_number():
    async with sip_service() as service, RawSip(service.port, dialled="12315") as peer:
        headers = "P-Asserted-Identity: <sip:03791234567@ims>\r\nDiversion: <sip:12333@ims>;reason=unconditional\r\n"
        await peer.invite(headers=headers)
        start = (await service.line()).start
        assert (start.channel, start.caller_number, start.dialled_number, start.diversion) == (
            Channel.SIP,
            "03791234567",
            "12315",
            "12333",
        )


async def test_frames_have_no_hole_while_the_caller_sends_nothing():
    frames = []

    async def keep(service: Service, line: Line) -> None:
        frames.extend([frame async for frame in line.frames()])

    async with sip_service(keep) as service, RawSip(service.port) as peer:
        await peer.invite()
        await asyncio.sleep(0.4)
        peer.media.sending = False
        await asyncio.sleep(0.5)
        peer.media.sending = True
        await asyncio.sleep(0.4)
        await peer.bye()
    assert [frame.position for frame in frames] == [n * FRAME_SAMPLES for n in range(len(frames))]
    assert 55 <= len(frames) <= 70


async def test_each_key_arrives_once_when_it_goes_down():
    async with sip_service(listen) as service, RawSip(service.port) as peer:
        await peer.invite()
        await service.line()
        await asyncio.sleep(0.2)
        peer.media.keys = "1"
        await asyncio.sleep(0.1)  # the key is still down
        assert service.keys == ["1"]
        await asyncio.sleep(0.2)
        peer.media.keys = "9#*"
        await asyncio.sleep(0.9)
        await peer.bye()
        assert service.keys == ["1", "9", "#", "*"]


async def test_a_flush_silences_the_wire_within_40_ms_and_what_follows_is_heard_whole():
    async with sip_service(listen) as service, RawSip(service.port) as peer:
        await peer.invite()
        line = await service.line()
        await asyncio.sleep(0.1)
        talking = asyncio.create_task(line.play(tone((440,), 3000)))
        await asyncio.sleep(0.5)
        flushed_at_s = time.monotonic()
        flushed = line.flush()
        await talking
        assert flushed.written == flushed.heard + flushed.flushed
        reply = tone((1000,), 400)
        await line.play(reply)
        await asyncio.sleep(0.7)
        played = line.played()
        assert played.heard == flushed.heard + len(reply) // 2
        assert played.flushed == flushed.flushed
        await peer.bye()

        after = [packet for packet in peer.media.packets if packet.at_s > flushed_at_s]
        loud = [_peak(packet) > 500 for packet in after]
        silent_from = loud.index(False)
        assert all(packet.at_s - flushed_at_s <= 0.04 for packet in after[:silent_from])
        reply_from = loud.index(True, silent_from)
        assert loud[reply_from : reply_from + 22].count(True) in (20, 21)  # 400 ms, whole, in one piece
        assert not any(loud[reply_from + 21 :])


def _peak(packet: Packet) -> int:
    return int(np.abs(np.frombuffer(decode_a_law(packet.payload), "<i2").astype(int)).max())


async def test_a_caller_who_hangs_up_leaves_nothing_running():
    async with sip_service() as service:
        threads, tasks = threading.active_count(), len(asyncio.all_tasks())
        for count in range(1, 4):
            async with RawSip(service.port) as peer:
                await peer.invite()
                line = await service.line(count)
                await asyncio.sleep(0.1)
                await peer.bye()
                await service.ended()
                assert line.end is CallEnd.CALLER_HUNG_UP
        await asyncio.sleep(0.1)
        assert service.server.active == 0
        assert threading.active_count() == threads
        assert len(asyncio.all_tasks()) == tasks


async def test_the_bot_can_hang_up_twice():
    async with sip_service() as service, RawSip(service.port) as peer:
        await peer.invite()
        line = await service.line()
        await line.hang_up()
        await line.hang_up()
        assert line.end is CallEnd.BOT_HUNG_UP
        await peer.request_from_line("BYE")
        before = line.played()
        await line.play(bytes(320))
        assert line.played().flushed == before.flushed + FRAME_SAMPLES


async def test_a_call_that_is_cancelled_while_it_is_answered_leaves_nothing():
    async with sip_service() as service, RawSip(service.port) as peer:
        peer.send("INVITE", peer.sdp())
        peer.send("CANCEL")
        response = await peer.wait(lambda message: message.method in ("CANCEL", "INVITE") and message.status >= 200)
        assert response.status in (200, 481, 487)
        await asyncio.sleep(0.3)
        if peer.requests:  # the answer had won the race and the stack ends the call that nobody acknowledged
            assert {request.method for request in peer.requests} <= {"BYE"}
    assert service.server.active == 0


async def test_a_late_offer_is_answered_with_audio():
    async with sip_service() as service, RawSip(service.port) as peer:
        response = await peer.invite(late_offer=True)
        assert response.status == 200
        assert "m=audio" in response.body
        await asyncio.sleep(0.4)
        assert len(peer.media.packets) > 10
        assert await peer.bye() == 200


async def test_a_caller_who_holds_and_comes_back_is_heard_again():
    async with sip_service() as service, RawSip(service.port) as peer:
        await peer.invite()
        line = await service.line()
        await asyncio.sleep(0.2)
        held = await peer.invite(direction="sendonly")
        assert "a=recvonly" in held.body
        await asyncio.sleep(0.2)
        peer.media.packets.clear()
        await asyncio.sleep(0.3)
        assert len(peer.media.packets) <= 1
        assert line.end is None
        await peer.invite(direction="sendrecv")
        peer.media.speech += tone((1000,), 500)
        await asyncio.sleep(0.8)
        assert np.abs(peer.media.heard()).max() > 1000
        assert await peer.bye() == 200


async def test_a_key_by_info_arrives_once():
    async with sip_service(listen) as service, RawSip(service.port) as peer:
        await peer.invite()
        await service.line()
        peer.send("INFO", "Signal=7\r\nDuration=160\r\n", kind="application/dtmf-relay")
        response = await peer.wait(lambda message: message.method == "INFO" and message.status >= 200)
        assert response.status == 200
        await asyncio.sleep(0.4)
        await peer.bye()
        await service.ended()
        assert service.keys == ["7"]


async def test_a_refreshed_session_goes_on():
    async with sip_service() as service, RawSip(service.port) as peer:
        await peer.invite()
        line = await service.line()
        peer.send("UPDATE", headers="Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n")
        assert (await peer.wait(lambda message: message.method == "UPDATE" and message.status >= 200)).status == 200
        assert (await peer.invite()).status == 200
        assert line.end is None
        peer.media.speech += tone((1000,), 500)
        await asyncio.sleep(0.8)
        assert np.abs(peer.media.heard().astype(int)).max() > 1000
        assert await peer.bye() == 200


async def test_noise_on_the_sip_and_rtp_ports_does_no_harm():
    noise = random.Random(7)
    async with sip_service() as service, RawSip(service.port) as peer, RawSip(service.port) as other:
        await peer.invite()
        line = await service.line()
        assert peer.media.remote
        await asyncio.sleep(0.3)  # the stack must know the caller's stream before strangers send to its port
        for count in range(200):
            cut = noise.randrange(1, 400)
            invite = f"INVITE sip:12345@x SIP/2.0\r\nVia: SIP/2.0/UDP x\r\nCSeq: {count} INVITE\r\n\r\n".encode()
            other.transport.sendto(
                noise.choice([noise.randbytes(cut), invite[:cut], invite * 20]), ("127.0.0.1", service.port)
            )
            other.media.transport.sendto(noise.randbytes(cut), peer.media.remote)
        await asyncio.sleep(0.3)
        assert line.end is None
        peer.media.speech += tone((1000,), 500)
        await asyncio.sleep(0.8)
        assert np.abs(peer.media.heard().astype(int)).max() > 1000
        assert (await other.invite()).status == 200
        assert [await other.bye(), await peer.bye()] == [200, 200]


async def test_options_is_answered():
    async with sip_service() as service, RawSip(service.port) as peer:
        peer.send("OPTIONS")
        response = await peer.wait(lambda message: message.status >= 200)
        assert response.status == 200
        assert "INVITE" in response.headers["allow"]


async def test_a_refer_from_a_caller_is_refused():
    async with sip_service() as service, RawSip(service.port) as peer:
        await peer.invite()
        line = await service.line()
        peer.send("REFER", headers="Refer-To: <sip:0012345@127.0.0.1:9>\r\nReferred-By: <sip:x@y>\r\n")
        notify = await peer.request_from_line("NOTIFY")
        for request in list(peer.requests):
            peer.answer(request, 200)
        while "603" not in notify.body:
            notify = await peer.wait(lambda message: message.method == "NOTIFY" and not message.status)
            peer.answer(notify, 200)
        assert line.end is None
        await peer.bye()


@pytest.mark.parametrize(
    ("reports", "outcome"),
    [
        ((("100 Trying", False), ("200 OK", True)), "answered"),
        ((("100 Trying", False), ("486 Busy Here", True)), "busy"),
        ((("408 Request Timeout", True),), "no_answer"),
        ((("603 Decline", True),), "refused"),
        ((("503 Service Unavailable", True),), "failed"),
    ],
)
async def test_a_transfer_ends_in_a_word(reports: tuple[tuple[str, bool], ...], outcome: str):
    async with sip_service(listen) as service, RawSip(service.port) as peer:
        await peer.invite()
        line = await service.line()
        transfer = asyncio.create_task(line.transfer("8001"))
        refer = await peer.request_from_line("REFER")
        assert refer.headers["refer-to"].strip("<>").startswith("sip:8001@127.0.0.1")
        peer.answer(refer, 202)
        for status_line, last in reports:
            peer.notify(status_line, last=last)
            await asyncio.sleep(0.05)
        assert await asyncio.wait_for(transfer, 5) == outcome
        await asyncio.sleep(0.1)
        assert line.end is (CallEnd.HANDED_OFF if outcome == "answered" else None)
        if line.end is None:
            assert await peer.bye() == 200


async def test_a_transfer_that_the_switch_refuses_leaves_the_call_up():
    async with sip_service(listen) as service, RawSip(service.port) as peer:
        await peer.invite()
        line = await service.line()
        transfer = asyncio.create_task(line.transfer("sip:8001@127.0.0.1:9"))
        peer.answer(await peer.request_from_line("REFER"), 403)
        assert await asyncio.wait_for(transfer, 5) == "refused"
        assert line.end is None
        await peer.bye()


async def test_a_call_that_lasts_too_long_is_ended():
    async with sip_service(max_call_s=1) as service, RawSip(service.port) as peer:
        await peer.invite()
        line = await service.line()
        await peer.request_from_line("BYE")
        await service.ended()
        assert line.end is CallEnd.MAX_DURATION


async def test_a_caller_who_vanishes_counts_as_lost():
    async with sip_service(rtp_timeout_s=1) as service, RawSip(service.port) as peer:
        await peer.invite()
        line = await service.line()
        await asyncio.sleep(0.3)
        peer.media.sending = False
        await peer.request_from_line("BYE", timeout_s=8)
        await service.ended()
        assert line.end is CallEnd.LINE_LOST


async def test_one_call_too_many_hears_the_busy_tone():
    async with (
        sip_service(max_concurrent_calls=1) as service,
        RawSip(service.port) as first,
        RawSip(service.port) as second,
    ):
        assert (await first.invite()).status == 200
        await service.line()
        assert (await second.invite()).status == 486
        assert await first.bye() == 200


async def test_stopping_the_service_ends_its_calls():
    async with sip_service() as service, RawSip(service.port) as peer:
        await peer.invite()
        line = await service.line()
        await service.server.stop()
        assert line.end is CallEnd.SHUTDOWN
        await peer.request_from_line("BYE")


async def test_ten_callers_at_once_are_all_answered_and_heard():
    async with sip_service() as service, AsyncExitStack() as stack:
        peers = [RawSip(service.port, caller=f"1380013800{n}") for n in range(10)]
        for peer in peers:
            await stack.enter_async_context(peer)
        responses = await asyncio.gather(*(peer.invite() for peer in peers))
        assert [response.status for response in responses] == [200] * 10
        for n, peer in enumerate(peers):
            peer.media.speech += tone((500 + 100 * n,), 800)
        await asyncio.sleep(1.3)
        assert await asyncio.gather(*(peer.bye() for peer in peers)) == [200] * 10
        for n, peer in enumerate(peers):
            heard = peer.media.heard()
            loud = np.flatnonzero(np.abs(heard) > 1000)
            assert abs(peak_hz(heard[loud[0] : loud[-1]].astype(float)) - (500 + 100 * n)) < 5
        await service.ended()
        assert service.server.active == 0
        assert {line.start.caller_number for line in service.lines} == {peer.caller for peer in peers}


async def test_a_taken_port_is_one_clear_error():
    async with sip_service() as service:
        settings = TelephonySettings(listen_address="127.0.0.1", port=service.port)
        with pytest.raises(LineError) as raised:
            await SipLineServer(settings, SystemClock()).start()
        assert raised.value.code == "port_taken"
        assert str(service.port) in raised.value.remedy


async def test_a_foreign_address_is_one_clear_error():
    settings = TelephonySettings(listen_address="192.0.2.1", port=free_sip_port("127.0.0.1"))
    with pytest.raises(LineError) as raised:
        await SipLineServer(settings, SystemClock()).start()
    assert raised.value.code == "address_unusable"


async def test_without_tls_the_next_port_stays_free_for_others():
    async with sip_service() as service:
        with closing(socket.socket()) as other:
            other.bind(("127.0.0.1", service.port + 1))
