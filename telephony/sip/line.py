"""One SIP call as a `Line`."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog
from baresip import AudioInfo, AudioNotActive, BaresipError, Event, StackEvent

from telephony.alignment import Alignment
from telephony.base_line import BaseLine
from telephony.queues import put_newest
from telephony.settings import TelephonySettings
from telephony.sip.addresses import host_of
from telephony.sip.incoming import Incoming
from telephony.sip.outgoing import Outgoing
from telephony.sip.ticking import Ticker
from telephony.sip.transferring import Consult, Transferring
from telephony.transfer import TransferOutcome
from voicebot.core.call import CallEnd, CallStart
from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.core.ports import Clock

log = structlog.get_logger(__name__)

_HANG_UP_S = 2.0  # a local BYE closes the call at once; this only bounds a stalled stack
_STREAM_LOST = "rtp stream error"  # the stack's words for its RTP timeout
_TRANSFERRED = "Call transfered"


class SipLine(BaseLine):
    """An established call. A ticker has it read the caller's audio every 20 ms for as long as the call lasts."""

    def __init__(
        self,
        call: Any,
        start: CallStart,
        settings: TelephonySettings,
        clock: Clock,
        ticker: Ticker,
        consult: Consult,
    ):
        """``consult`` calls the target of an attended transfer; it raises `DialFailedError`."""
        self._outgoing = Outgoing(call.audio, clock, settings.send_buffer_ms)
        super().__init__(start, self._outgoing)
        self._call = call
        self._settings = settings
        self._clock = clock
        self._answered_s = clock.monotonic()
        self._incoming = Incoming(call.audio)
        self._alignment = Alignment()
        self._ending: CallEnd | None = None
        self._over = asyncio.Event()
        self._transferring = Transferring(call, settings, self._over, consult)
        self._on_end: list[Callable[[SipLine], None]] = []
        call.on(self._on_event)
        self._hanging_up: asyncio.Task[None] | None = None
        self._ticker = ticker
        ticker.add(self._tick)
        if call.state.value == "closed":
            self.close(CallEnd.CALLER_HUNG_UP)

    @property
    def position(self) -> int:
        """Samples since answer, now."""
        return int((self._clock.monotonic() - self._answered_s) * SAMPLE_RATE_HZ)

    @property
    def peer_host(self) -> str:
        """Host and port of the switch or phone at the other end."""
        return host_of(self._call.peer or "")

    async def transfer(self, target: str) -> str:
        """Transfer to a SIP URI or an extension, blind or attended by setting; returns a `TransferOutcome`.

        On ``answered`` the call is over for us; otherwise it goes on.
        """
        outcome = await self._transferring.to(target)
        log.info("transfer", call_id=self._start.call_id, outcome=outcome.value)
        if outcome is TransferOutcome.ANSWERED:
            self.close(CallEnd.HANDED_OFF)
        return outcome

    async def hang_up(self, reason: CallEnd = CallEnd.BOT_HUNG_UP) -> None:
        """End the call; calling it twice does no harm."""
        if self._end is not None:
            return
        self._ending = self._ending or reason
        try:
            await self._call.hangup()
            async with asyncio.timeout(_HANG_UP_S):
                await self._over.wait()
        except (BaresipError, TimeoutError) as error:  # already gone, or the stack no longer answers
            log.info("hang_up_late", call_id=self._start.call_id, error=type(error).__name__)
            self.close(reason)

    def on_end(self, listener: Callable[["SipLine"], None]) -> None:
        """Call ``listener`` once, when the call is over; at once when it is already."""
        if self._end is not None:
            listener(self)
        else:
            self._on_end.append(listener)

    def close(self, reason: CallEnd) -> None:
        """Release everything the call holds here; the first reason stays."""
        if self._end is not None:
            return
        ended = self._ending or reason
        self._call.off(self._on_event)
        self._ticker.remove(self._tick)
        self._finish(ended)
        self._over.set()
        log.info("line_ended", call_id=self._start.call_id, end=ended.value, **self._quality())
        for listener in self._on_end:
            listener(self)

    def _tick(self) -> None:
        try:
            self._read()
        except Exception:  # a line that fails must not take those of other callers with it
            log.exception("line_reader_failed", call_id=self._start.call_id)
            self._end_soon(CallEnd.ERROR)

    def _end_soon(self, reason: CallEnd) -> None:
        self._ticker.remove(self._tick)
        self._hanging_up = asyncio.create_task(self.hang_up(reason), name=f"sip-line-ends-{self._start.call_id}")

    def _quality(self) -> dict[str, float]:
        stats = self._call.final_stats
        filled = {"filled_samples": self._alignment.filled_samples, "dropped_samples": self._alignment.dropped_samples}
        if stats is None:
            return dict(filled)
        return {
            **filled,
            "rx_packets": stats.rx_packets,
            "rx_lost": stats.rx_lost,
            "rx_jitter_ms": stats.rx_jitter_ms,
            "tx_packets": stats.tx_packets,
            "mos_estimate": stats.mos_estimate,
        }

    def _streams(self) -> AudioInfo | None:
        try:
            return self._call.audio.info()
        except AudioNotActive:
            return None

    def _on_event(self, event: StackEvent) -> None:
        if event.event is Event.CALL_DTMF_START and event.text:
            put_newest(self._digits, event.text)
        elif event.event is Event.CALL_CLOSED:
            self.close(_reason_of(event.text or ""))

    def _read(self) -> None:
        streams = self._streams()
        self._alignment.push(self._incoming.read(streams))
        self._outgoing.see(streams)
        position = self.position
        for frame in self._alignment.due(position):
            put_newest(self._frames, frame)
        if (end := self._overdue(position)) is not None:
            self._end_soon(end)

    def _overdue(self, position: int) -> CallEnd | None:
        lasted_s = position / SAMPLE_RATE_HZ
        if lasted_s > self._settings.max_call_s:
            return CallEnd.MAX_DURATION
        # The stack's timeout watches a stream. With port 0, no common codec or a hold from the start there is none.
        if not self._incoming.streamed and 0 < self._settings.rtp_timeout_s < lasted_s:
            return CallEnd.LINE_LOST
        return None


def _reason_of(text: str) -> CallEnd:
    if text == _TRANSFERRED:
        return CallEnd.HANDED_OFF
    return CallEnd.LINE_LOST if text == _STREAM_LOST else CallEnd.CALLER_HUNG_UP
