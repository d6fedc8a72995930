"""The human queue, in memory."""

from dataclasses import replace

from voicebot.core.call import HandOffRequest, QueueEntry, QueueState
from voicebot.core.errors import StorageError
from voicebot.core.ports import Clock


class FakeAgentQueue:
    """`AgentQueue` in memory; set ``failing`` to make every method raise it."""

    def __init__(self, clock: Clock) -> None:
        self.entries: list[QueueEntry] = []
        self.failing: StorageError | None = None
        self._clock = clock

    async def join(self, request: HandOffRequest) -> QueueEntry:
        self._fail()
        live = (QueueState.WAITING, QueueState.CLAIMED)
        for entry in self.entries:
            if entry.request.call_id == request.call_id and entry.state in live:
                return next((other for other in self._line() if other.entry_id == entry.entry_id), entry)
        entry = QueueEntry(str(len(self.entries) + 1), request, self._clock.now(), QueueState.WAITING, 0)
        self.entries.append(entry)
        return next(other for other in self._line() if other.entry_id == entry.entry_id)

    async def claim(self, agent: str, skills: tuple[str, ...]) -> QueueEntry | None:
        self._fail()
        for entry in self._line():
            if entry.request.skill in skills:
                return self._put(replace(entry, state=QueueState.CLAIMED, agent=agent, position=0))
        return None

    async def leave(self, call_id: str, *, abandoned: bool, promised: bool = False) -> None:
        self._fail()
        for entry in list(self.entries):
            if entry.request.call_id == call_id and entry.state in (QueueState.WAITING, QueueState.CLAIMED):
                self._put(replace(entry, state=QueueState.ABANDONED if abandoned else QueueState.DONE, position=0))

    async def waiting(self) -> tuple[QueueEntry, ...]:
        self._fail()
        return self._line()

    async def find(self, call_id: str) -> QueueEntry | None:
        self._fail()
        newest = [entry for entry in self.entries if entry.request.call_id == call_id][-1:]
        return (
            next((other for other in self._line() if other.entry_id == newest[0].entry_id), newest[0])
            if newest
            else None
        )

    def _line(self) -> tuple[QueueEntry, ...]:
        waiting = [entry for entry in self.entries if entry.state is QueueState.WAITING]
        waiting.sort(key=lambda entry: (entry.request.priority, entry.joined_at, int(entry.entry_id)))
        return tuple(replace(entry, position=place) for place, entry in enumerate(waiting, start=1))

    def _put(self, entry: QueueEntry) -> QueueEntry:
        self.entries[int(entry.entry_id) - 1] = entry
        return entry

    def _fail(self) -> None:
        if self.failing is not None:
            raise self.failing
