"""A page without a browser: the caller's end of a WebRTC call, for scenarios and tests."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from numpy.typing import NDArray

from telephony.send_buffer import SendBuffer
from telephony.webrtc.track import SendingTrack
from voicebot.core.errors import LineError
from voicebot.core.frames import FRAME_BYTES, FRAME_MS, SAMPLE_RATE_HZ, SILENT_FRAME

_CONNECT_S = 15.0

Signal = Callable[[str], Awaitable[str]]
"""Carries an offer (SDP) to the service and brings the answer; raises `LineError`."""


class WebRtcCaller:
    """A `CallerLeg` over a real peer connection; its speech leaves as a continuous stream."""

    def __init__(self, signal: Signal):
        self._signal = signal
        self._connection = RTCPeerConnection()
        self._outgoing = SendBuffer(80)
        self._speech = bytearray()
        self._heard = bytearray()
        self._began_s: float | None = None
        self._over = False
        self._tasks: list[asyncio.Task[None]] = []
        self.messages: list[dict[str, object]] = []

    async def connect(self) -> None:
        """Call and wait until the connection stands; raises `LineError` when it does not."""
        connection, connected, listening = self._connection, asyncio.Event(), asyncio.Event()
        self._channel = connection.createDataChannel("call")
        self._channel.on("message", self._take)
        self._channel.on("open", listening.set)
        connection.addTrack(SendingTrack(self._outgoing))

        @connection.on("track")
        def _track(track: MediaStreamTrack) -> None:
            self._tasks.append(asyncio.create_task(self._listen(track), name="caller-listens"))

        @connection.on("connectionstatechange")
        def _state() -> None:
            if connection.connectionState == "connected":
                connected.set()
            elif connection.connectionState in ("failed", "closed"):
                self._over = True
                connected.set()

        await connection.setLocalDescription(await connection.createOffer())
        answer = await self._signal(connection.localDescription.sdp)
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        try:
            async with asyncio.timeout(_CONNECT_S):
                await connected.wait()
                await listening.wait()
        except TimeoutError as error:
            await self.hang_up()
            raise LineError("网页通话没有接通。", code="call_failed", remedy="请确认服务已经启动。") from error
        self._began_s = asyncio.get_running_loop().time()
        self._tasks.append(asyncio.create_task(self._speak(), name="caller-speaks"))

    def say(self, pcm: bytes) -> int:
        """Speak 8 kHz int16 PCM, behind what is still being said; returns the position at which it starts."""
        at = self.position + len(self._speech) // 2
        self._speech += pcm
        return at

    @property
    def saying(self) -> bool:
        """Is something still being said?"""
        return bool(self._speech)

    async def press(self, digits: str) -> None:
        """Press keys of the page."""
        for digit in digits:
            self._channel.send(json.dumps({"type": "key", "key": digit}))

    def received(self, since: int = 0) -> NDArray[np.int16]:
        """Everything heard from a position on."""
        return np.frombuffer(bytes(self._heard[2 * since :]), "<i2").astype(np.int16)

    @property
    def position(self) -> int:
        """Samples since the connection stood, now."""
        if self._began_s is None:
            return 0
        return int((asyncio.get_running_loop().time() - self._began_s) * SAMPLE_RATE_HZ)

    @property
    def ended(self) -> bool:
        """Is the call over, whoever ended it?"""
        return self._over

    async def hang_up(self) -> None:
        """End the call; calling it twice does no harm."""
        self._over = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._outgoing.close()
        await self._connection.close()

    def _take(self, message: object) -> None:
        said = json.loads(str(message))
        self.messages.append(said)
        if said.get("type") == "end":
            self._over = True

    async def _listen(self, track: MediaStreamTrack) -> None:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
        try:
            while True:
                frame = await track.recv()
                for part in resampler.resample(frame) if isinstance(frame, av.AudioFrame) else ():
                    self._heard += bytes(part.planes[0])[: 2 * part.samples]
        except MediaStreamError:
            self._over = True

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while not self._over:
            frame = bytes(self._speech[:FRAME_BYTES]).ljust(FRAME_BYTES, b"\0") if self._speech else SILENT_FRAME
            del self._speech[:FRAME_BYTES]
            await self._outgoing.play(frame)
            due_s = max(due_s + FRAME_MS / 1000, loop.time() - 0.1)
            await asyncio.sleep(due_s - loop.time())
