"""The AudioSocket server against a PBX end made from the published protocol."""

import asyncio
import random
import socket
import time
import uuid

import numpy as np
import pytest

from telephony.audiosocket.server import AudioSocketServer
from telephony.settings import AudioSocketSettings
from tests.support.audiosocket_peer import IDENTITY, AudioSocketPeer, audiosocket_service, message
from voicebot.audio.tones import tone
from voicebot.core.call import CallEnd, Channel
from voicebot.core.clock import SystemClock
from voicebot.core.errors import LineError
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.core.ports import Line

pytestmark = pytest.mark.network


async def first_call(server: AudioSocketServer) -> Line:
    return await asyncio.wait_for(anext(aiter(server.calls())), 3)


async def echo(line: Line) -> None:
    async for frame in line.frames():
        await line.play(frame.pcm)


@pytest.mark.interop("协议对端（AudioSocket）", "声音往返，20 毫秒一帧")
async def test_a_tone_comes_back_in_frames_of_20_ms():
    async with audiosocket_service() as (server, port), AudioSocketPeer(port) as peer:
        line = await first_call(server)
        assert line.start.channel is Channel.AUDIOSOCKET
        talking = asyncio.create_task(echo(line))
        peer.speech += tone((1000,), 800)
        await asyncio.sleep(1.2)
        peer.hang_up()
        await asyncio.wait_for(talking, 1)
        heard = np.frombuffer(bytes(peer.heard), "<i2").astype(float)
        loud = np.flatnonzero(np.abs(heard) > 1000)
        part = heard[loud[0] : loud[-1]]
        peak = np.argmax(np.abs(np.fft.rfft(part * np.hanning(len(part))))) * SAMPLE_RATE_HZ / len(part)
        assert abs(peak - 1000) < 5
        assert peer.sizes == {320}
        assert line.end is CallEnd.CALLER_HUNG_UP
        gaps_ms = np.diff(peer.arrivals_s) * 1000
        assert abs(float(np.mean(gaps_ms)) - 20) < 1


@pytest.mark.interop("协议对端（AudioSocket）", "插话后 40 毫秒内静音")
async def test_a_flush_silences_the_wire_within_40_ms():
    async with audiosocket_service() as (server, port), AudioSocketPeer(port) as peer:
        line = await first_call(server)
        speaking = asyncio.create_task(line.play(tone((440,), 3000)))
        await asyncio.sleep(0.4)
        at_s, heard_before = time.monotonic(), len(peer.heard)
        line.flush()
        await speaking
        await asyncio.sleep(0.3)
        after = np.frombuffer(bytes(peer.heard[heard_before:]), "<i2").reshape(-1, 160)
        loud = [index for index, frame in enumerate(after) if np.abs(frame.astype(int)).max() > 100]
        arrivals = peer.arrivals_s[heard_before // 320 :]
        assert all(arrivals[index] - at_s <= 0.04 for index in loud)


async def test_the_bot_hangs_up_in_the_words_of_the_protocol():
    async with audiosocket_service() as (server, port), AudioSocketPeer(port) as peer:
        line = await first_call(server)
        await line.hang_up()
        async with asyncio.timeout(5):
            await peer.over.wait()
        assert peer.told_to_hang_up
        assert server.active == 0


async def test_a_call_is_ended_in_order_though_audio_is_on_its_way_to_us():
    """A socket closed with unread audio in it is reset, and whoever reads late then loses the hang-up message."""

    def hear_out(sock: socket.socket) -> bytes:
        heard = b""
        while piece := sock.recv(65536):  # raises ConnectionResetError after a reset
            heard += piece
        sock.close()
        return heard

    async with audiosocket_service() as (server, port):
        sock = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", port), 5)
        sock.sendall(message(0x01, IDENTITY.bytes))
        line = await first_call(server)
        sock.sendall(message(0x10, bytes(320)) * 100)  # still unread when the bot hangs up
        hanging_up = asyncio.create_task(line.hang_up())
        heard = await asyncio.to_thread(hear_out, sock)
        await hanging_up
        assert heard.endswith(message(0x00))


async def test_a_connection_that_breaks_ends_the_call():
    async with audiosocket_service() as (server, port), AudioSocketPeer(port) as peer:
        line = await first_call(server)
        peer.writer.transport.abort()
        await asyncio.sleep(0.1)
        assert line.end in (CallEnd.CALLER_HUNG_UP, CallEnd.LINE_LOST)
        assert server.active == 0


async def test_an_error_from_the_pbx_ends_the_call():
    async with audiosocket_service() as (server, port), AudioSocketPeer(port) as peer:
        line = await first_call(server)
        peer.writer.write(message(0xFF, b"\x02"))
        await asyncio.sleep(0.1)
        assert line.end is CallEnd.LINE_LOST


async def test_a_pbx_that_falls_silent_counts_as_lost():
    async with audiosocket_service(idle_timeout_s=0.2) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(message(0x01, IDENTITY.bytes))
        line = await first_call(server)
        await asyncio.sleep(0.5)
        assert line.end is CallEnd.LINE_LOST
        writer.close()
        await asyncio.gather(writer.wait_closed(), reader.read(), return_exceptions=True)


@pytest.mark.parametrize(
    "hello",
    [
        message(0x01, uuid.UUID(int=7).bytes),  # not on the list
        message(0x10, bytes(320)),  # audio before a name
        message(0x01, b"short"),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"",
    ],
)
async def test_a_stranger_is_shown_the_door(hello: bytes):
    async with audiosocket_service(allowed_uuids=[str(IDENTITY)], hello_timeout_s=0.2) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(hello)
        assert await asyncio.wait_for(reader.read(), 1) == message(0xFF)
        assert server.active == 0
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def test_one_call_too_many_is_cut_and_the_first_goes_on():
    async with audiosocket_service(max_concurrent_calls=1) as (server, port), AudioSocketPeer(port) as first:
        line = await first_call(server)
        async with AudioSocketPeer(port) as second:
            await asyncio.wait_for(second.over.wait(), 1)
        assert line.end is None
        first.hang_up()
        await asyncio.sleep(0.1)
        assert line.end is CallEnd.CALLER_HUNG_UP


async def test_noise_from_a_caller_does_no_harm():
    noise = random.Random(7)
    async with audiosocket_service(hello_timeout_s=0.3) as (server, port):
        alive: asyncio.Queue[Line] = asyncio.Queue()

        async def serve() -> None:
            async for line in server.calls():
                alive.put_nowait(line)

        serving = asyncio.create_task(serve())
        for _ in range(100):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            named = message(0x01, IDENTITY.bytes) if noise.random() < 0.5 else b""
            writer.write(named + noise.randbytes(noise.randrange(400)))
            writer.close()
            await asyncio.gather(writer.wait_closed(), reader.read(), return_exceptions=True)
        await asyncio.sleep(0.5)
        assert server.active == 0
        while not alive.empty():
            assert alive.get_nowait().end is not None
        async with AudioSocketPeer(port):
            line = await asyncio.wait_for(alive.get(), 3)
            assert line.end is None
        await server.stop()
        await serving


async def test_stopping_the_service_ends_its_calls_and_frees_the_port():
    async with audiosocket_service() as (server, port), AudioSocketPeer(port) as peer:
        line = await first_call(server)
        await server.stop()
        assert line.end is CallEnd.SHUTDOWN
        await asyncio.wait_for(peer.over.wait(), 1)
        assert [line async for line in server.calls()] == []
        again = AudioSocketServer(AudioSocketSettings(port=port), SystemClock())
        await again.start()
        await again.stop()


async def test_a_taken_port_is_one_clear_error():
    async with audiosocket_service() as (_, port):
        with pytest.raises(LineError) as raised:
            await AudioSocketServer(AudioSocketSettings(port=port), SystemClock()).start()
        assert raised.value.code == "port_taken"
