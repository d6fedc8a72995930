"""Malformed traffic at a running line: it stays up, leaks nothing, and the next call is as good as any.

The line runs in a process of its own, so that its memory, threads and open files can be counted from outside. The
seeds are fixed: a failure comes again. The full counts are under the marker ``long``.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.echo_worker import ADDRESS, end, start_echo_worker
from tests.support.raw_sip import RawSip

pytestmark = [pytest.mark.network, pytest.mark.timeout(280)]

COUNTS = [pytest.param(500, id="short"), pytest.param(10_000, id="full", marks=pytest.mark.long)]
_FREED_WITHIN_S = 40  # an answered call that nobody acknowledges is given up after 32 s (RFC 3261, timer H)


@dataclass
class Target:
    """A line in another process."""

    port: int
    pid: int

    @property
    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def _status(self, name: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(name)).split()[1])

    @property
    def threads(self) -> int:
        return self._status("Threads:")

    @property
    def memory_kb(self) -> int:
        return self._status("VmRSS:")

    def counts(self) -> tuple[int, int]:
        return self.open_files, self.threads


@asynccontextmanager
async def target() -> AsyncIterator[Target]:
    port, process = await start_echo_worker(max_calls=40, number=3)
    try:
        yield Target(port, process.pid)
        assert process.returncode is None, "it died"
    finally:
        await end(process)


async def good_call(port: int) -> bool:
    async with RawSip(port) as peer:
        if (await peer.invite()).status != 200:
            return False
        heard = await peer.hears_itself()
        return await peer.bye() == 200 and heard


def lost_in_the_stack(datagrams: int) -> int:
    """Files that the stack (baresip-python 0.5.2a3) may keep for good: it loses the RTP and RTCP sockets of some few
    malformed INVITEs. Seen were one to three pairs in 10,000 datagrams; our own side holds nothing of them."""
    return 2 * max(2, datagrams // 2000)


async def settled(line: Target, before: tuple[int, int], lost_files: int = 0) -> bool:
    """As many files and threads as before: half-made calls are given up by then."""
    files, threads = before
    for _ in range(_FREED_WITHIN_S * 2):
        if line.open_files <= files + lost_files and line.threads <= threads:
            return True
        await asyncio.sleep(0.5)
    return False


def a_message(port: int, random_: random.Random) -> bytes:
    method = random_.choice(["INVITE", "OPTIONS", "BYE", "CANCEL", "ACK", "REGISTER", "UPDATE", "INFO", "REFER", "\0"])
    body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8 0 101\r\n"
    length = random_.choice([str(len(body)), "0", "-1", "99999999999", "x", ""])
    lines = [
        f"{method} sip:12345@127.0.0.1:{port} SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bK{random_.getrandbits(48):x}",
        f"From: <sip:1@127.0.0.1>;tag={random_.getrandbits(32):x}",
        "To: <sip:12345@127.0.0.1>",
        f"Call-ID: {random_.getrandbits(64):x}",
        f"CSeq: {random_.choice(['1', '4294967296', '-1', 'a'])} {method}",
        "Contact: <sip:1@127.0.0.1:9>",
        f"Max-Forwards: {random_.choice(['70', '0', '999999999999'])}",
        "Content-Type: application/sdp",
        f"Content-Length: {length}",
    ]
    what = random_.randrange(6)
    if what == 0:
        lines.pop(random_.randrange(len(lines)))
    elif what == 1:
        lines.insert(random_.randrange(1, len(lines)), random_.choice(lines))
    elif what == 2:
        lines.insert(random_.randrange(1, len(lines)), f"X-{'a' * 40}: " + "9" * random_.randrange(3000))
    elif what == 3:
        random_.shuffle(lines)
    raw = bytearray(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
    for _ in range(random_.choice([0, 1, 1, 3, 30])):
        raw[random_.randrange(len(raw))] = random_.randrange(256)
    return bytes(raw[: random_.randrange(len(raw))] if random_.random() < 0.2 else raw)[:8000]


async def send_malformed(line: Target, count: int, random_: random.Random) -> None:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=(ADDRESS, line.port)
    )
    try:
        for number in range(count):
            transport.sendto(a_message(line.port, random_))
            if number % 20 == 0:
                await asyncio.sleep(0.01)
    finally:
        transport.close()


@pytest.mark.parametrize("count", COUNTS)
async def test_malformed_sip_datagrams_do_no_harm(count: int):
    async with target() as line:
        assert await good_call(line.port)
        before = line.counts()
        await send_malformed(line, count, random.Random(1))
        assert await settled(line, before, lost_in_the_stack(count)), (before, line.counts())
        assert await good_call(line.port)


@pytest.mark.long
async def test_memory_stays_flat_under_malformed_sip():
    async with target() as line:
        assert await good_call(line.port)
        before, count = line.counts(), 10_000
        await send_malformed(line, count, random.Random(1))  # the stack's own pools grow to their size
        assert await settled(line, before, lost_in_the_stack(count)), (before, line.counts())
        memory_kb = line.memory_kb
        await send_malformed(line, count, random.Random(2))
        assert await settled(line, before, lost_in_the_stack(2 * count)), (before, line.counts())
        assert line.memory_kb <= 1.02 * memory_kb


@pytest.mark.parametrize("count", COUNTS)
async def test_foreign_and_malformed_media_do_no_harm_to_a_call(count: int):
    random_ = random.Random(2)
    async with target() as line:
        assert await good_call(line.port)
        before = line.counts()
        async with RawSip(line.port) as peer:
            assert (await peer.invite()).status == 200
            assert await peer.hears_itself()
            assert peer.media.remote is not None
            stranger, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                asyncio.DatagramProtocol, local_addr=(ADDRESS, 0)
            )
            try:
                for number in range(count):
                    port = peer.media.remote[1] + (number % 4 == 0)  # every fourth one to RTCP
                    first = bytes(
                        [random_.choice([0x80, 0x81, 0x90, 0x8F, 0xFF, 0x00]), random_.choice([8, 0, 200, 101])]
                    )
                    stranger.sendto(first + random_.randbytes(random_.randrange(400)), (ADDRESS, port))
                    if number % 20 == 0:
                        await asyncio.sleep(0.01)
            finally:
                stranger.close()
            assert await peer.hears_itself(), "the call goes on"
            assert await peer.bye() == 200
        assert await settled(line, before), (before, line.counts())
        assert await good_call(line.port)


@pytest.mark.parametrize(
    "count", [pytest.param(100, id="short"), pytest.param(1_000, id="full", marks=pytest.mark.long)]
)
async def test_malformed_tcp_streams_do_no_harm(count: int):
    random_ = random.Random(3)
    async with target() as line:
        assert await good_call(line.port)
        before = line.counts()
        for number in range(count):
            reader, writer = await asyncio.open_connection(ADDRESS, line.port)
            with contextlib.suppress(OSError):
                writer.write(a_message(line.port, random_))
                if number % 3 == 0:
                    writer.write(b"INVITE sip:x SIP/2.0\r\nX: " + b"a" * 70_000)
                if number % 5:
                    await writer.drain()
                else:
                    writer.transport.abort()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            del reader
        assert await settled(line, before), (before, line.counts())
        assert await good_call(line.port)
