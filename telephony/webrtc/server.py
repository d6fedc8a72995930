"""Where browsers connect their calls. Signalling comes by HTTP; see ``voicebot/web/call_routes.py``."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import structlog
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)

from telephony.settings import WebRtcSettings
from telephony.webrtc.line import WebRtcLine
from voicebot.core.call import CallEnd, CallStart, Channel
from voicebot.core.errors import LineError, OverloadError
from voicebot.core.ports import Clock, Line

log = structlog.get_logger(__name__)

_CODEC = "audio/pcma"  # what is heard and said is 8 kHz anyway: nothing is resampled, and recordings are what was sent


class WebRtcServer:
    """Takes session descriptions of pages, and hands connected ones out as calls."""

    def __init__(self, settings: WebRtcSettings, clock: Clock, tenant: str = "default"):
        self._settings = settings
        self._clock = clock
        self._tenant = tenant
        self._lines: set[WebRtcLine] = set()
        self._connecting: dict[WebRtcLine, asyncio.TimerHandle] = {}
        self._answered: asyncio.Queue[WebRtcLine | None] = asyncio.Queue(maxsize=settings.max_concurrent_calls)
        self._leaving: set[asyncio.Task[None]] = set()
        self._open = False

    @property
    def active(self) -> int:
        """Calls that last or are being set up now."""
        return len(self._lines)

    async def start(self) -> None:
        """Take calls from now on; the port is the HTTP server's."""
        self._open = True

    async def calls(self) -> AsyncIterator[Line]:
        """Calls, as they come; ends after `stop`."""
        while (line := await self._answered.get()) is not None:
            if line.end is None:
                yield line

    async def stop(self) -> None:
        """Take no more calls and end those that last."""
        self._open = False
        await asyncio.gather(*(line.hang_up(CallEnd.SHUTDOWN) for line in list(self._lines)))
        await asyncio.gather(*self._leaving)
        if self._answered.empty():
            self._answered.put_nowait(None)

    async def answer(self, offer: str, caller: str = "") -> str:
        """The answer to a page's session description (SDP); ``caller`` is who it is, where that is known.

        Raises `OverloadError` when all lines are taken and `LineError` for a description that is none.
        """
        if not self._open or len(self._lines) >= self._settings.max_concurrent_calls or self._answered.full():
            raise OverloadError("线路正忙。", code="lines_busy", remedy="请稍后再试，或直接拨打热线电话。")
        servers = [RTCIceServer(urls=url) for url in self._settings.stun_servers]
        connection = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        start = CallStart(
            uuid.uuid4().hex, Channel.WEBRTC, self._clock.now(), self._tenant, caller, self._settings.number
        )
        line = WebRtcLine(connection, start, self._settings, self._clock)
        self._lines.add(line)
        line.on_end(self._over)
        loop = asyncio.get_running_loop()
        self._connecting[line] = loop.call_later(self._settings.connect_timeout_s, line.close, CallEnd.LINE_LOST)
        try:
            return await self._negotiate(connection, line, offer)
        except Exception as error:  # whatever a stranger's description makes the library raise, it is theirs
            line.close(CallEnd.ERROR)
            log.warning("webrtc_offer_refused", error=type(error).__name__)
            raise LineError(
                "通话请求无法识别。", code="offer_invalid", remedy="请刷新页面重试，或换用新版浏览器。"
            ) from error

    async def _negotiate(self, connection: RTCPeerConnection, line: WebRtcLine, offer: str) -> str:
        @connection.on("track")
        def _track(track: MediaStreamTrack) -> None:
            if track.kind == "audio":
                line.listen(track)

        @connection.on("datachannel")
        def _channel(channel: RTCDataChannel) -> None:
            line.connect(channel)

        @connection.on("connectionstatechange")
        def _state() -> None:
            if connection.connectionState == "connected":
                self._connected(line)
            elif connection.connectionState == "failed":
                line.close(CallEnd.LINE_LOST)
            elif connection.connectionState == "closed":
                line.close(CallEnd.CALLER_HUNG_UP)

        await connection.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        sound = [transceiver for transceiver in connection.getTransceivers() if transceiver.kind == "audio"]
        if len(sound) != 1 or len(connection.getTransceivers()) != 1:
            raise ValueError("one audio section, no more and no less")
        codecs = [codec for codec in RTCRtpSender.getCapabilities("audio").codecs if codec.mimeType.lower() == _CODEC]
        sound[0].setCodecPreferences(codecs)
        connection.addTrack(line.track)
        await connection.setLocalDescription(await connection.createAnswer())
        return str(connection.localDescription.sdp)

    def _connected(self, line: WebRtcLine) -> None:
        if timer := self._connecting.pop(line, None):
            timer.cancel()
            line.answered()
            self._answered.put_nowait(line)

    def _over(self, line: WebRtcLine) -> None:
        self._lines.discard(line)
        leaving = asyncio.create_task(line.parted(), name="webrtc-leaving")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        if timer := self._connecting.pop(line, None):
            timer.cancel()
