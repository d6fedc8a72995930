"""Reading the record: the latest calls, one call with everything said, and who is on the line now."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select

from voicebot.core.call import CallEnd
from voicebot.core.ticket import TicketDraft
from voicebot.core.turn import Turn
from voicebot.storage.database import Database
from voicebot.storage.documents import from_document
from voicebot.storage.tables import call_events, calls, drafts, recordings, tickets, turns


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call in a list. ``end`` is None while it lasts."""

    call_id: str
    tenant: str
    channel: str
    caller_number: str
    dialled_number: str
    answered_at: datetime
    ended_at: datetime | None
    end: CallEnd | None
    turns: int
    tickets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallEvent:
    """One line of a call's log."""

    at: datetime
    kind: str
    detail: dict[str, object]


@dataclass(frozen=True, slots=True)
class CallFile:
    """One call with everything on record; ``latency_ms`` by turn index and instant."""

    line: CallLine
    turns: tuple[Turn, ...]
    events: tuple[CallEvent, ...]
    draft: TicketDraft | None
    recording: PurePath | None
    latency_ms: dict[int, dict[str, float]]


class CallRecords:
    """What is on record, for the desk, the API and the command line. Never writes."""

    def __init__(self, database: Database):
        self._database = database

    async def latest(
        self, limit: int = 50, *, before: datetime | None = None, open_only: bool = False
    ) -> tuple[CallLine, ...]:
        """The newest calls first, those answered before ``before``; ``open_only``: those that still last."""
        query = select(calls).order_by(calls.c.answered_at.desc(), calls.c.call_id).limit(limit)
        if before is not None:
            query = query.where(calls.c.answered_at < before)
        if open_only:
            query = query.where(calls.c.end.is_(None))
        return await self._database.read(lambda connection: _lines(connection, query))

    async def call(self, call_id: str) -> CallFile | None:
        """Everything about one call, None when it is not on record."""
        return await self._database.read(lambda connection: _file(connection, call_id))


def _lines(connection: Connection, query: Select[Any]) -> tuple[CallLine, ...]:
    rows = connection.execute(query).all()
    ids = [row.call_id for row in rows]
    said = select(turns.c.call_id, func.count().label("said")).where(turns.c.call_id.in_(ids)).group_by(turns.c.call_id)
    counts: dict[str, int] = {row.call_id: row.said for row in connection.execute(said)}
    numbers: dict[str, list[str]] = {}
    filed = select(tickets.c.call_id, tickets.c.number).where(tickets.c.call_id.in_(ids)).order_by(tickets.c.sequence)
    for call_id, number in connection.execute(filed):
        numbers.setdefault(call_id, []).append(number)
    return tuple(_line(row, counts.get(row.call_id, 0), tuple(numbers.get(row.call_id, ()))) for row in rows)


def _line(row: Row[Any], turn_count: int, numbers: tuple[str, ...]) -> CallLine:
    return CallLine(
        call_id=row.call_id,
        tenant=row.tenant,
        channel=row.channel,
        caller_number=row.caller_number,
        dialled_number=row.dialled_number,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        end=CallEnd(row.end) if row.end else None,
        turns=turn_count,
        tickets=numbers,
    )


def _file(connection: Connection, call_id: str) -> CallFile | None:
    lines = _lines(connection, select(calls).where(calls.c.call_id == call_id))
    if not lines:
        return None
    said = connection.execute(select(turns).where(turns.c.call_id == call_id).order_by(turns.c.index)).mappings()
    log = connection.execute(
        select(call_events).where(call_events.c.call_id == call_id).order_by(call_events.c.event_id)
    )
    draft = connection.execute(select(drafts.c.draft).where(drafts.c.call_id == call_id)).scalar()
    recording = connection.execute(select(recordings.c.path).where(recordings.c.call_id == call_id)).scalar()
    latency = connection.execute(select(calls.c.latency_ms).where(calls.c.call_id == call_id)).scalar()
    return CallFile(
        line=lines[0],
        turns=tuple(from_document(Turn, dict(row)) for row in said),
        events=tuple(CallEvent(row.at, row.kind, row.detail) for row in log),
        draft=from_document(TicketDraft, draft) if draft else None,
        recording=PurePath(recording) if recording else None,
        latency_ms={int(index): instants for index, instants in (latency or {}).items()},
    )
