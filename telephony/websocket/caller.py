"""Asterisk's end of chan_websocket, for scenarios: paces what comes, 20 ms at a time, and answers marks."""

import asyncio
import json
from collections import deque

import aiohttp

from telephony.paced_caller import PacedCaller
from telephony.websocket.server import PATH
from voicebot.core.errors import LineError
from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES, SILENT_FRAME

_MOST_QUEUED = 1000  # frames; Asterisk keeps no more


class WebSocketCaller(PacedCaller):
    """A `CallerLeg` that brings a call as Asterisk does, in 16-bit linear audio and JSON."""

    def __init__(self, host: str, port: int, *, user: str, password: str, number: str = ""):
        super().__init__()
        self._url = f"http://{host}:{port}{PATH}"
        self._query = {"caller": number} if number else {}
        self._headers = {"Authorization": aiohttp.encode_basic_auth(user, password)} if password else {}
        self._queue: deque[bytes | str] = deque(maxlen=_MOST_QUEUED)
        self._session: aiohttp.ClientSession | None = None

    async def connect(self) -> None:
        """Connect and begin; raises `LineError` when nobody listens or it is refused."""
        self._session = aiohttp.ClientSession(headers=self._headers)
        try:
            self._socket = await self._session.ws_connect(self._url, params=self._query, protocols=("media",))
        except (aiohttp.ClientError, OSError) as error:
            await self._close()
            raise LineError(
                f"连不上 {self._url}：{error}。",
                code="call_failed",
                remedy="请确认服务已经启动，设置里有 [websocket] 一节，用户名和密码对得上。",
            ) from error
        begun = {"event": "MEDIA_START", "connection_id": "scenario", "channel": "WebSocket/scenario/1"}
        await self._socket.send_str(json.dumps({**begun, "format": "slin", "optimal_frame_size": FRAME_BYTES}))
        self._begin()
        self._hear(self._listen())

    async def press(self, digits: str) -> None:
        """Press keys, one after the other."""
        for digit in digits:
            await self._tell("DTMF_END", digit=digit)

    async def _tell(self, event: str, **fields: str) -> None:
        if not self._socket.closed:
            await self._socket.send_str(json.dumps({"event": event, **fields}))

    async def _send(self, frame: bytes) -> None:
        await self._socket.send_bytes(frame)
        while self._queue and isinstance(mark := self._queue[0], str):
            self._queue.popleft()
            await self._tell("MEDIA_MARK_PROCESSED", correlation_id=mark)
        heard = self._queue.popleft() if self._queue else SILENT_FRAME
        assert isinstance(heard, bytes)  # noqa: S101  marks are gone
        self._heard += SILENT_FRAME * max(0, self.position // FRAME_SAMPLES - len(self._heard) // FRAME_BYTES - 1)
        self._heard += heard

    async def _listen(self) -> None:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                whole = len(message.data) // FRAME_BYTES * FRAME_BYTES
                self._queue.extend(message.data[at : at + FRAME_BYTES] for at in range(0, whole, FRAME_BYTES))
            elif message.type is aiohttp.WSMsgType.TEXT:
                told = json.loads(message.data)
                if told["command"] == "FLUSH_MEDIA":
                    self._queue.clear()
                elif told["command"] == "MARK_MEDIA":
                    self._queue.append(told["correlation_id"])
                elif told["command"] == "HANGUP":
                    break
        self._over = True

    async def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
            await asyncio.sleep(0)  # lets the loop close the socket
