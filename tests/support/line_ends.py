"""Both ends of each kind of line, so that one contract is asked of all of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from telephony.settings import WebRtcSettings
from telephony.wav.line import WavLine
from telephony.webrtc.caller import WebRtcCaller
from telephony.webrtc.server import WebRtcServer
from tests.fakes.clock import FakeClock
from tests.fakes.line import FakeLine
from tests.support.asterisk_websocket import AsteriskPeer, websocket_service
from tests.support.audiosocket_peer import AudioSocketPeer, audiosocket_service
from tests.support.raw_sip import RawSip
from tests.support.sip_service import Service, sip_service
from voicebot.core.clock import SystemClock
from voicebot.core.frames import FRAME_BYTES
from voicebot.core.ports import Line

KINDS = [
    "fake",
    "wav",
    *(pytest.param(kind, marks=pytest.mark.network) for kind in ("sip", "audiosocket", "websocket", "webrtc")),
]


class FarEnd(Protocol):
    """What a contract test does at the caller's end."""

    line: Line

    async def speak(self, pcm: bytes) -> None:
        """Say something and wait until it was said."""

    async def press(self, keys: str) -> None: ...

    async def wait(self, duration_ms: int) -> None: ...

    async def hang_up(self) -> None: ...

    def heard(self) -> NDArray[np.int16]: ...


class FakeEnd:
    def __init__(self) -> None:
        self.line = FakeLine()

    async def speak(self, pcm: bytes) -> None:
        self.line.feed(pcm)
        await self.wait(len(pcm) // 16)

    async def press(self, keys: str) -> None:
        self.line.press(keys)

    async def wait(self, duration_ms: int) -> None:
        for _ in range(duration_ms // 20):
            self.line.send(20)
            await asyncio.sleep(0.001)

    async def hang_up(self) -> None:
        self.line.over()

    def heard(self) -> NDArray[np.int16]:
        return np.frombuffer(bytes(self.line.wire), "<i2")


class WavEnd:
    def __init__(self) -> None:
        self.line = WavLine(FakeClock(), noise_rms=0)

    async def speak(self, pcm: bytes) -> None:
        self.line.caller.say(pcm)
        await self.wait(len(pcm) // 16 + 40)

    async def press(self, keys: str) -> None:
        await self.line.caller.press(keys)

    async def wait(self, duration_ms: int) -> None:
        await asyncio.sleep(duration_ms / 1000)

    async def hang_up(self) -> None:
        await self.line.caller.hang_up()

    def heard(self) -> NDArray[np.int16]:
        return self.line.caller.received()


class SipEnd:
    def __init__(self, line: Line, peer: RawSip):
        self.line = line
        self._peer = peer

    async def speak(self, pcm: bytes) -> None:
        self._peer.media.speech += pcm
        await self.wait(len(pcm) // 16 + 200)

    async def press(self, keys: str) -> None:
        self._peer.media.keys += keys
        await self.wait(220 * len(keys) + 100)

    async def wait(self, duration_ms: int) -> None:
        await asyncio.sleep(duration_ms / 1000)

    async def hang_up(self) -> None:
        await self._peer.bye()
        await asyncio.sleep(0.05)

    def heard(self) -> NDArray[np.int16]:
        return self._peer.media.heard()


class AudioSocketEnd:
    def __init__(self, line: Line, peer: AudioSocketPeer):
        self.line = line
        self._peer = peer

    async def speak(self, pcm: bytes) -> None:
        self._peer.speech += pcm
        await self.wait(len(pcm) // 16 + 100)

    async def press(self, keys: str) -> None:
        self._peer.press(keys)
        await self.wait(50)

    async def wait(self, duration_ms: int) -> None:
        await asyncio.sleep(duration_ms / 1000)

    async def hang_up(self) -> None:
        self._peer.hang_up()
        await self.wait(50)

    def heard(self) -> NDArray[np.int16]:
        return np.frombuffer(bytes(self._peer.heard), "<i2")


class WebSocketEnd:
    def __init__(self, line: Line, peer: AsteriskPeer):
        self.line = line
        self._peer = peer

    async def speak(self, pcm: bytes) -> None:
        self._peer.speech += pcm
        await self.wait(len(pcm) // 16 + 100)

    async def press(self, keys: str) -> None:
        await self._peer.press(keys)
        await self.wait(50)

    async def wait(self, duration_ms: int) -> None:
        await asyncio.sleep(duration_ms / 1000)

    async def hang_up(self) -> None:
        await self._peer.hang_up()
        await self.wait(50)

    def heard(self) -> NDArray[np.int16]:
        return np.frombuffer(bytes(self._peer.played), "<i2")


class WebRtcEnd:
    def __init__(self, line: Line, caller: WebRtcCaller):
        self.line = line
        self._caller = caller

    async def speak(self, pcm: bytes) -> None:
        self._caller.say(pcm)
        await self.wait(len(pcm) // 16 + 250)

    async def press(self, keys: str) -> None:
        await self._caller.press(keys)
        await self.wait(100)

    async def wait(self, duration_ms: int) -> None:
        await asyncio.sleep(duration_ms / 1000)

    async def hang_up(self) -> None:
        await self._caller.hang_up()
        await self.wait(300)

    def heard(self) -> NDArray[np.int16]:
        return self._caller.received()


@asynccontextmanager
async def far_end(kind: str) -> AsyncIterator[FarEnd]:
    """An answered call; nobody reads the line yet."""
    if kind == "fake":
        yield FakeEnd()
    elif kind == "wav":
        wav = WavEnd()
        await wav.line.caller.connect()
        yield wav
        await wav.line.hang_up()
    elif kind == "audiosocket":
        async with audiosocket_service() as (server, port), AudioSocketPeer(port) as peer:
            yield AudioSocketEnd(await anext(aiter(server.calls())), peer)
    elif kind == "websocket":
        async with websocket_service() as (doors, port), AsteriskPeer(port) as asterisk:
            yield WebSocketEnd(await anext(aiter(doors.calls())), asterisk)
    elif kind == "webrtc":
        server = WebRtcServer(WebRtcSettings(), SystemClock())
        await server.start()
        caller = WebRtcCaller(server.answer)
        await caller.connect()
        try:
            yield WebRtcEnd(await anext(aiter(server.calls())), caller)
        finally:
            await caller.hang_up()
            await server.stop()
    else:
        # The service takes the keys of its calls for itself, so the contract gets a line that nobody listens to.
        async with sip_service(_leave_alone, collect_keys=False) as service, RawSip(service.port) as peer:
            await peer.invite()
            yield SipEnd(await service.line(), peer)


async def _leave_alone(service: Service, line: Line) -> None:
    return


def frames_of(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
