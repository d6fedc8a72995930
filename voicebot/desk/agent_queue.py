"""Calls that wait for a person, in the database: no process's death loses a place."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select, update

from voicebot.core.call import HandOffReason, HandOffRequest, QueueEntry, QueueState
from voicebot.core.ports import Clock
from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Turn
from voicebot.storage.database import Database, put
from voicebot.storage.documents import from_document, to_document
from voicebot.storage.tables import queue_entries as entries

_ORDER = (entries.c.priority, entries.c.joined_at, entries.c.entry_id)
_IS_WAITING = entries.c.state == QueueState.WAITING.value
_IS_LIVE = entries.c.state.in_((QueueState.WAITING.value, QueueState.CLAIMED.value))


class SqlAgentQueue:
    """`AgentQueue` on the database. Order: priority (0 first), then who waits longest."""

    def __init__(self, database: Database, clock: Clock):
        self._database = database
        self._clock = clock

    async def join(self, request: HandOffRequest) -> QueueEntry:
        """Take a place; a call that already waits (or is with an agent) keeps its place."""
        values = {
            "call_id": request.call_id,
            "reason": request.reason.value,
            "skill": request.skill,
            "priority": request.priority,
            "summary": request.summary,
            "caller_number": request.caller_number,
            "draft": to_document(request.draft) if request.draft else None,
            "turns": [to_document(turn) for turn in request.turns],
            "joined_at": self._clock.now(),
            "state": QueueState.WAITING.value,
            "agent": "",
        }

        def work(connection: Connection) -> QueueEntry:
            put(connection, entries, values)
            row = connection.execute(select(entries).where(entries.c.call_id == request.call_id, _IS_LIVE)).one()
            return _entry(row, _position(connection, row))

        return await self._database.write(work)

    async def claim(self, agent: str, skills: tuple[str, ...]) -> QueueEntry | None:
        """Give the most urgent, longest-waiting call that fits the skills to one agent, exactly once."""
        # A row that another agent is just taking is passed over (PostgreSQL); on SQLite the transaction holds the
        # only write lock.
        first = (
            select(entries).where(_IS_WAITING, entries.c.skill.in_(skills)).order_by(*_ORDER).limit(1)
        ).with_for_update(skip_locked=True)

        def work(connection: Connection) -> QueueEntry | None:
            row = connection.execute(first).first()
            if row is None:
                return None
            values = {"state": QueueState.CLAIMED.value, "agent": agent, "claimed_at": self._clock.now()}
            connection.execute(update(entries).where(entries.c.entry_id == row.entry_id).values(values))
            return replace(_entry(row, 0), state=QueueState.CLAIMED, agent=agent)

        return await self._database.write(work)

    async def leave(self, call_id: str, *, abandoned: bool) -> None:
        """The call is served or the caller gave up; a call that is not in the queue is left alone."""
        state = QueueState.ABANDONED if abandoned else QueueState.DONE
        values = {"state": state.value, "left_at": self._clock.now()}
        statement = update(entries).where(entries.c.call_id == call_id, _IS_LIVE).values(values)
        await self._database.write(lambda connection: connection.execute(statement))

    async def waiting(self) -> tuple[QueueEntry, ...]:
        """Those who wait, in order."""
        query = select(entries).where(_IS_WAITING).order_by(*_ORDER)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_entry(row, place) for place, row in enumerate(rows, start=1))


def _position(connection: Connection, row: Row[Any]) -> int:
    if row.state != QueueState.WAITING.value:
        return 0
    ahead = or_(
        entries.c.priority < row.priority,
        and_(entries.c.priority == row.priority, entries.c.joined_at < row.joined_at),
        and_(
            entries.c.priority == row.priority,
            entries.c.joined_at == row.joined_at,
            entries.c.entry_id < row.entry_id,
        ),
    )
    count: int = connection.execute(select(func.count()).select_from(entries).where(_IS_WAITING, ahead)).scalar_one()
    return count + 1


def _entry(row: Row[Any], position: int) -> QueueEntry:
    request = HandOffRequest(
        call_id=row.call_id,
        reason=HandOffReason(row.reason),
        skill=row.skill,
        priority=row.priority,
        summary=row.summary,
        caller_number=row.caller_number,
        draft=from_document(TicketDraft, row.draft) if row.draft is not None else None,
        turns=tuple(from_document(Turn, turn) for turn in row.turns),
    )
    return QueueEntry(str(row.entry_id), request, row.joined_at, QueueState(row.state), position, row.agent)
