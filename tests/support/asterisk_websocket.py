"""Asterisk's end of chan_websocket, written from its documentation and from nothing of ours.

Sends 20 ms of audio every 20 ms, queues what comes and plays a frame of it every 20 ms, silence otherwise; knows
FLUSH_MEDIA, MARK_MEDIA and HANGUP, in plain text or JSON. ``marks=False`` is a release before marks.
"""

import asyncio
import json
import socket
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

from aiohttp import ClientSession, WSMsgType, encode_basic_auth

from telephony.settings import WebSocketSettings
from telephony.websocket.server import WebSocketServer
from voicebot.core.clock import SystemClock

# As the documentation and the driver show them.
PLAIN_START = (
    "MEDIA_START connection_id:e226e283-c90a-4ea9-9e37-389000b9ef47 channel:WebSocket/media_connection1/0x5140001a0040"
    " channel_id:1761245643.1 format:{format} optimal_frame_size:{size} ptime:20"
)
JSON_START = {
    "event": "MEDIA_START",
    "connection_id": "media_connection1",
    "channel": "WebSocket/media_connection1/0x5140001a0040",
    "channel_id": "1761245643.1",
    "optimal_frame_size": 160,
    "ptime": 20,
    "channel_variables": {"MEDIA_WEBSOCKET_CONNECTION_ID": "media_connection1"},
}
_SILENCE = {"slin": b"\0\0", "alaw": b"\xd5", "ulaw": b"\xff"}


class AsteriskPeer:
    """One call; ``played`` is what the caller behind Asterisk hears, in the format of the call."""

    def __init__(
        self,
        port: int,
        *,
        format: str = "slin",  # noqa: A002  Asterisk's word
        as_json: bool = False,
        marks: bool = True,
        query: str = "",
        login: tuple[str, str] | None = None,
        hello: str | None = None,
    ):
        self._url = f"http://127.0.0.1:{port}/media{query}"
        self._format = format
        self.frame_bytes = 320 if format == "slin" else 160
        self._as_json = as_json
        self._marks = marks
        self._login = login
        self._hello = hello
        self.speech = bytearray()
        self.played = bytearray()
        self.frames_at_s: list[tuple[float, bool]] = []  # when each was played, and whether it was audio
        self.commands: list[str] = []
        self.flushed = 0
        self.over = asyncio.Event()
        self._queue: deque[bytes | str] = deque()

    async def __aenter__(self) -> "AsteriskPeer":
        self._session = ClientSession(headers={"Authorization": encode_basic_auth(*self._login)} if self._login else {})
        try:
            self._socket = await self._session.ws_connect(self._url, protocols=("media",))
        except BaseException:
            await self._session.close()
            raise
        size = self.frame_bytes
        hello = (
            json.dumps({**JSON_START, "format": self._format, "optimal_frame_size": size})
            if self._as_json
            else PLAIN_START.format(format=self._format, size=size)
        )
        await self._socket.send_str(self._hello or hello)
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._tick())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._socket.close()
        await self._session.close()

    @property
    def close_code(self) -> int | None:
        return self._socket.close_code

    async def press(self, keys: str) -> None:
        for key in keys:
            await self._tell("DTMF_END", digit=key)

    async def hang_up(self) -> None:
        await self._socket.close()

    async def send(self, message: str | bytes) -> None:
        await (self._socket.send_bytes(message) if isinstance(message, bytes) else self._socket.send_str(message))

    async def _tell(self, event: str, **fields: str) -> None:
        if self._as_json:
            text = json.dumps({"event": event, "channel_id": "1761245643.1", **fields})
        elif event == "MEDIA_MARK_PROCESSED":
            text = f"{event} {fields['correlation_id']}"
        else:
            text = " ".join([event, *(f"{name}:{value}" for name, value in fields.items()), "channel_id:1761245643.1"])
        await self._socket.send_str(text)

    async def _listen(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.BINARY:
                size = self.frame_bytes
                whole = len(message.data) // size * size  # what does not fill a frame is dropped
                self._queue.extend(message.data[at : at + size] for at in range(0, whole, size))
            elif message.type is WSMsgType.TEXT:
                await self._obey(message.data)
        self.over.set()

    async def _obey(self, text: str) -> None:
        self.commands.append(text)
        if self._as_json:
            told = json.loads(text)
            name, correlation_id = told["command"], told.get("correlation_id", "")
        else:
            name, _, correlation_id = text.partition(" ")
        if name == "FLUSH_MEDIA":
            self.flushed += sum(isinstance(each, bytes) for each in self._queue)
            self._queue.clear()
        elif name == "MARK_MEDIA" and self._marks:
            self._queue.append(correlation_id)
        elif name == "HANGUP":
            await self._socket.close()
        else:
            await self._tell("ERROR", error_text=f"unknown_command_{name}")

    async def _tick(self) -> None:
        due_s = time.monotonic()
        while not self.over.is_set():
            pcm = bytes(self.speech[: self.frame_bytes])
            del self.speech[: self.frame_bytes]
            silence = _SILENCE[self._format] * self.frame_bytes
            await self._socket.send_bytes(pcm + silence[: self.frame_bytes - len(pcm)])
            while self._queue and isinstance(self._queue[0], str):
                await self._tell("MEDIA_MARK_PROCESSED", correlation_id=str(self._queue.popleft()))
            frame = self._queue.popleft() if self._queue else b""
            assert isinstance(frame, bytes)
            self.frames_at_s.append((time.monotonic(), bool(frame)))
            self.played += frame or silence[: self.frame_bytes]
            due_s += 0.02
            await asyncio.sleep(max(0, due_s - time.monotonic()))


@asynccontextmanager
async def websocket_service(**settings: Any) -> AsyncIterator[tuple[WebSocketServer, int]]:
    """A server on a free port of loopback; nobody takes its calls but the test."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = WebSocketServer(WebSocketSettings.model_validate({"port": port, **settings}), SystemClock())
    await server.start()
    try:
        yield server, port
    finally:
        await server.stop()
        await asyncio.sleep(0.02)  # lets the loop close the sockets
