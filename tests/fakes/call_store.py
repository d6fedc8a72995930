"""The record of calls, in memory."""

from dataclasses import dataclass, field

from voicebot.core.call import CallEnd, CallStart
from voicebot.core.errors import StorageError
from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Turn


@dataclass
class KeptCall:
    """What the fake remembers of one call."""

    start: CallStart
    turns: dict[int, Turn] = field(default_factory=dict)
    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    draft: TicketDraft | None = None
    end: CallEnd | None = None
    latency_ms: dict[int, dict[str, float]] = field(default_factory=dict)


class FakeCallStore:
    """`EarlyCallStore` in memory; set ``failing`` to make every method raise it."""

    def __init__(self) -> None:
        self.calls: dict[str, KeptCall] = {}
        self.failing: StorageError | None = None
        self.questions: list[str] = []
        self._earlier: set[str] = set()

    async def begin(self, start: CallStart) -> None:
        self._fail()
        self.calls.setdefault(start.call_id, KeptCall(start))

    async def announce(self, start: CallStart) -> None:
        await self.begin(start)

    async def add_turn(self, call_id: str, turn: Turn) -> None:
        self._call(call_id).turns[turn.index] = turn

    async def note(self, call_id: str, kind: str, detail: dict[str, object]) -> None:
        self._call(call_id).events.append((kind, dict(detail)))

    async def save_draft(self, call_id: str, draft: TicketDraft) -> None:
        self._call(call_id).draft = draft

    async def finish(self, call_id: str, end: CallEnd, latency_ms: dict[int, dict[str, float]]) -> None:
        call = self._call(call_id)
        if call.end in (None, CallEnd.CUT_OFF):
            call.end = end
            call.latency_ms = latency_ms

    async def mark_cut_off(self) -> int:
        self._fail()
        orphaned = [self.calls[call_id] for call_id in self._earlier if self.calls[call_id].end is None]
        for call in orphaned:
            call.end = CallEnd.CUT_OFF
        return len(orphaned)

    async def add(
        self, tenant: str, call_id: str, question: str, *, nearest_article: str = "", score: float = 0.0
    ) -> None:
        """`QuestionLog`, kept in the same record."""
        self._fail()
        self.questions.append(question)

    def die(self) -> None:
        """Pretend that the process was killed and a new one opened the same record."""
        self._earlier = set(self.calls)

    def _call(self, call_id: str) -> KeptCall:
        self._fail()
        if call_id not in self.calls:
            raise StorageError(f"There is no call {call_id} on record.", code="call_unknown", retryable=False)
        return self.calls[call_id]

    def _fail(self) -> None:
        if self.failing is not None:
            raise self.failing
