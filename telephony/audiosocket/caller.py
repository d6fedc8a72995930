"""The PBX end of AudioSocket, for scenarios."""

import asyncio
import uuid

from telephony.audiosocket.protocol import Kind, Message, Parser
from telephony.paced_caller import PacedCaller
from voicebot.core.errors import LineError

_READ_BYTES = 8192


class AudioSocketCaller(PacedCaller):
    """A `CallerLeg` that brings a call as a PBX does."""

    def __init__(self, host: str, port: int, identity: uuid.UUID):
        super().__init__()
        self._address = (host, port)
        self._identity = identity
        self._writer: asyncio.StreamWriter | None = None

    async def connect(self) -> None:
        """Connect and say who calls; raises `LineError` when nobody listens."""
        try:
            self._reader, self._writer = await asyncio.open_connection(*self._address)
        except OSError as error:
            host, port = self._address
            raise LineError(
                f"连不上 AudioSocket {host}:{port}：{error.strerror}。",
                code="call_failed",
                remedy="请确认服务已经启动，并在设置里有 [audiosocket] 一节。",
            ) from error
        self._writer.write(Message(Kind.IDENTITY, self._identity.bytes).to_bytes())
        self._begin()
        self._hear(self._listen())

    async def press(self, digits: str) -> None:
        """Press keys, one after the other."""
        if self._writer is not None:
            for digit in digits:
                self._writer.write(Message(Kind.DIGIT, digit.encode()).to_bytes())

    async def _send(self, frame: bytes) -> None:
        assert self._writer is not None  # noqa: S101  connected
        self._writer.write(Message(Kind.AUDIO, frame).to_bytes())
        await self._writer.drain()

    async def _listen(self) -> None:
        parser = Parser()
        try:
            while not self._over and (data := await self._reader.read(_READ_BYTES)):
                for message in parser.push(data):
                    if message.kind == Kind.AUDIO:
                        self._heard += message.payload
                    self._over = self._over or message.kind == Kind.HANG_UP
        except OSError:
            pass
        self._over = True

    async def _close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            if not writer.is_closing():
                writer.write(Message(Kind.HANG_UP).to_bytes())
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)
