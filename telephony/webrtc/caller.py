"""A page without a browser: the caller's end of a WebRTC call, for scenarios and tests."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import av
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError

from telephony.paced_caller import PacedCaller
from telephony.send_buffer import SendBuffer
from telephony.webrtc.track import SendingTrack
from voicebot.core.errors import LineError
from voicebot.core.frames import SAMPLE_RATE_HZ

_CONNECT_S = 15.0

Signal = Callable[[str], Awaitable[str]]
"""Carries an offer (SDP) to the service and brings the answer; raises `LineError`."""


class WebRtcCaller(PacedCaller):
    """A `CallerLeg` over a real peer connection; its speech leaves as a continuous stream."""

    def __init__(self, signal: Signal):
        super().__init__()
        self._signal = signal
        self._connection = RTCPeerConnection()
        self._outgoing = SendBuffer(80)
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
            self._hear(self._listen(track))

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
        self._begin()

    async def press(self, digits: str) -> None:
        """Press keys of the page."""
        for digit in digits:
            self._channel.send(json.dumps({"type": "key", "key": digit}))

    async def _send(self, frame: bytes) -> None:
        await self._outgoing.play(frame)

    async def _close(self) -> None:
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
