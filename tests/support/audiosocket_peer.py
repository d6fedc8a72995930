"""A PBX end of AudioSocket, written from the published protocol and from nothing of ours."""

import asyncio
import socket
import struct
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

from telephony.audiosocket.server import AudioSocketServer
from telephony.settings import AudioSocketSettings
from voicebot.core.clock import SystemClock

IDENTITY = uuid.UUID("40325ec2-5efd-4bd3-805f-53576e581d13")


def message(kind: int, payload: bytes = b"") -> bytes:
    return struct.pack(">BH", kind, len(payload)) + payload


class AudioSocketPeer:
    """Says who it is, then 20 ms of audio every 20 ms; keeps all that comes back."""

    def __init__(self, port: int, identity: uuid.UUID = IDENTITY):
        self._port = port
        self._identity = identity
        self.speech = bytearray()
        self.heard = bytearray()
        self.arrivals_s: list[float] = []
        self.sizes: set[int] = set()
        self.over = asyncio.Event()
        self.told_to_hang_up = False

    async def __aenter__(self) -> "AudioSocketPeer":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.writer.write(message(0x01, self._identity.bytes))
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._talk())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.writer.close()
        await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)

    def press(self, keys: str) -> None:
        for key in keys:
            self.writer.write(message(0x03, key.encode()))

    def hang_up(self) -> None:
        self.writer.write(message(0x00))

    async def _listen(self) -> None:
        try:
            while True:
                kind, length = struct.unpack(">BH", await self.reader.readexactly(3))
                payload = await self.reader.readexactly(length)
                if kind == 0x10:
                    self.heard += payload
                    self.sizes.add(length)
                    self.arrivals_s.append(time.monotonic())
                self.told_to_hang_up = self.told_to_hang_up or kind == 0x00
        except (asyncio.IncompleteReadError, OSError):
            self.over.set()

    async def _talk(self) -> None:
        due_s = time.monotonic()
        while not self.over.is_set():
            pcm = bytes(self.speech[:320]).ljust(320, b"\0")
            del self.speech[:320]
            self.writer.write(message(0x10, pcm))
            due_s += 0.02
            await asyncio.sleep(max(0, due_s - time.monotonic()))


@asynccontextmanager
async def audiosocket_service(**settings: Any) -> AsyncIterator[tuple[AudioSocketServer, int]]:
    """A server on a free port of loopback; nobody takes its calls but the test."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = AudioSocketServer(AudioSocketSettings.model_validate({"port": port, **settings}), SystemClock())
    await server.start()
    try:
        yield server, port
    finally:
        await server.stop()
        await asyncio.sleep(0.02)  # lets the loop close the sockets
