"""One browser's connection as a `Line`."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import av
import structlog
from aiortc import MediaStreamTrack, RTCDataChannel, RTCPeerConnection
from aiortc.mediastreams import MediaStreamError

from telephony.alignment import Alignment
from telephony.base_line import BaseLine
from telephony.queues import put_newest
from telephony.send_buffer import SendBuffer
from telephony.settings import WebRtcSettings
from telephony.webrtc.track import SendingTrack
from voicebot.core.call import CallEnd, CallStart
from voicebot.core.frames import FRAME_MS, SAMPLE_RATE_HZ
from voicebot.core.ports import Clock

log = structlog.get_logger(__name__)

_KEYS = frozenset("0123456789*#")
_LONGEST_MESSAGE = 256  # characters; a page sends keys and a good-bye, nothing longer
_PART_S = 1.0


class WebRtcLine(BaseLine):
    """A call from a page. The caller's audio is read as it comes; a second task lays it on the call's time line.

    Messages of the data channel, JSON: from the page ``{"type": "key", "key": "5"}`` and ``{"type": "bye"}``; to the
    page ``{"type": "turn", "who": "caller" | "bot", "text": …}`` and ``{"type": "end", "reason": …}``.
    """

    def __init__(self, connection: RTCPeerConnection, start: CallStart, settings: WebRtcSettings, clock: Clock):
        self._outgoing = SendBuffer(settings.send_buffer_ms)
        super().__init__(start, self._outgoing)
        self.track = SendingTrack(self._outgoing)
        self._connection = connection
        self._settings = settings
        self._clock = clock
        self._answered_s: float | None = None
        self._heard_s = 0.0
        self._alignment = Alignment()
        self._channel: RTCDataChannel | None = None
        self._on_end: list[Callable[[WebRtcLine], None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._parting: asyncio.Task[None] | None = None

    @property
    def position(self) -> int:
        """Samples since the connection stood, now."""
        if self._answered_s is None:
            return 0
        return int((self._clock.monotonic() - self._answered_s) * SAMPLE_RATE_HZ)

    def listen(self, track: MediaStreamTrack) -> None:
        """The page's microphone."""
        self._tasks.append(asyncio.create_task(self._read(track), name=f"webrtc-read-{self._start.call_id}"))

    def connect(self, channel: RTCDataChannel) -> None:
        """The page's messages."""
        self._channel = channel
        channel.on("message", self._take)

    def answered(self) -> None:
        """The connection stands: time begins."""
        self._answered_s = self._heard_s = self._clock.monotonic()
        self._tasks.append(asyncio.create_task(self._tick(), name=f"webrtc-tick-{self._start.call_id}"))

    def tell(self, message: dict[str, Any]) -> None:
        """Send the page a message, when it listens."""
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(json.dumps(message, ensure_ascii=False))

    async def transfer(self, target: str) -> str:
        """A browser cannot be transferred to a telephone; a person takes the call at the desk or calls back."""
        return "failed"

    async def hang_up(self, reason: CallEnd = CallEnd.BOT_HUNG_UP) -> None:
        """End the call; calling it twice does no harm."""
        self.close(reason)
        await self.parted()

    async def parted(self) -> None:
        """Wait, not for long, until the sockets of a call that is over are closed."""
        if self._parting is not None:
            await asyncio.wait([self._parting], timeout=_PART_S)

    def on_end(self, listener: Callable[["WebRtcLine"], None]) -> None:
        """Call ``listener`` once, when the call is over."""
        self._on_end.append(listener)

    def close(self, reason: CallEnd) -> None:
        """Release everything the call holds; the first reason stays."""
        if self._end is not None:
            return
        self.tell({"type": "end", "reason": reason.value})
        self._finish(reason)
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
        self.track.stop()
        self._parting = asyncio.create_task(self._part(), name=f"webrtc-part-{self._start.call_id}")
        log.info("line_ended", call_id=self._start.call_id, end=reason.value)
        for listener in self._on_end:
            listener(self)

    async def _part(self) -> None:
        await asyncio.sleep(0.1)  # for the last message to leave
        await self._connection.close()

    async def _read(self, track: MediaStreamTrack) -> None:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
        try:
            while self._end is None:
                frame = await track.recv()
                self._heard_s = self._clock.monotonic()
                for part in resampler.resample(frame) if isinstance(frame, av.AudioFrame) else ():
                    self._alignment.push(bytes(part.planes[0])[: 2 * part.samples])
        except MediaStreamError:
            self.close(CallEnd.CALLER_HUNG_UP)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while self._end is None:
            for frame in self._alignment.due(self.position):
                put_newest(self._frames, frame)
            now_s = self._clock.monotonic()
            if self.position > self._settings.max_call_s * SAMPLE_RATE_HZ:
                self.close(CallEnd.MAX_DURATION)
            elif now_s - self._heard_s > self._settings.silent_timeout_s:
                self.close(CallEnd.LINE_LOST)  # a page that runs sends audio all the time, also when muted
            due_s = max(due_s + FRAME_MS / 1000, loop.time())
            await asyncio.sleep(due_s - loop.time())

    def _take(self, message: object) -> None:
        if not isinstance(message, str) or len(message) > _LONGEST_MESSAGE:
            return
        try:
            said = json.loads(message)
        except ValueError:
            return
        kind = said.get("type") if isinstance(said, dict) else None
        if kind == "key" and said.get("key") in _KEYS:
            put_newest(self._digits, str(said["key"]))
        elif kind == "bye":
            self.close(CallEnd.CALLER_HUNG_UP)
