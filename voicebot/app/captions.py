"""What is said, told to the page of the caller as it is written down."""

from telephony.webrtc.line import WebRtcLine
from voicebot.core.call import CallEnd, CallStart
from voicebot.core.ports import CallStore
from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Speaker, Turn


class CaptionedCallStore:
    """A `CallStore` around the real one, for the call of one page."""

    def __init__(self, inner: CallStore, line: WebRtcLine):
        self._inner = inner
        self._line = line

    async def begin(self, start: CallStart) -> None:
        """A call was answered."""
        await self._inner.begin(start)

    async def add_turn(self, call_id: str, turn: Turn) -> None:
        """A turn is complete: the bot's as it was heard, the caller's as it was understood."""
        who = "caller" if turn.speaker is Speaker.CALLER else "bot"
        self._line.tell({"type": "turn", "who": who, "text": turn.text})
        await self._inner.add_turn(call_id, turn)

    async def note(self, call_id: str, kind: str, detail: dict[str, object]) -> None:
        """An event."""
        await self._inner.note(call_id, kind, detail)

    async def save_draft(self, call_id: str, draft: TicketDraft) -> None:
        """The newest draft."""
        await self._inner.save_draft(call_id, draft)

    async def finish(self, call_id: str, end: CallEnd, latency_ms: dict[int, dict[str, float]]) -> None:
        """The call is over."""
        await self._inner.finish(call_id, end, latency_ms)

    async def mark_cut_off(self) -> int:
        """Not a matter of one call."""
        return await self._inner.mark_cut_off()
