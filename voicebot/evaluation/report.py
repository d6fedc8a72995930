"""A call's record as the JSON of ``voicebot call`` (docs/scenarios.md). The form is stable: fields are only added."""

import asyncio
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from voicebot.core.call import QueueEntry
from voicebot.core.ports import Clock
from voicebot.core.ticket import Ticket
from voicebot.core.turn import Turn
from voicebot.desk.rows import entry_of
from voicebot.storage.database import Database
from voicebot.storage.documents import plain, to_document
from voicebot.storage.records import CallFile, CallLine, CallRecords
from voicebot.storage.tables import calls, queue_entries
from voicebot.storage.tickets import SqlTicketStore

_WRITTEN_WITHIN_S = 10.0
_POLL_S = 0.1


class CallReports:
    """Reads the record of calls."""

    def __init__(self, database: Database, clock: Clock):
        self._database = database
        self._clock = clock
        self._records = CallRecords(database)
        self._tickets = SqlTicketStore(database, clock)

    async def wait_for(self, caller_number: str | None, since: datetime) -> dict[str, Any] | None:
        """The report of the newest finished call of a number (None: any) since an instant; None when there is none.

        A call's record is complete a moment after its line has gone, so this waits up to 10 s for its end.
        """
        deadline = self._clock.monotonic() + _WRITTEN_WITHIN_S
        while True:
            call_id = await self._database.read(lambda c: _newest(c, caller_number, since))
            report = await self.read(call_id) if call_id else None
            if report and report["call"]["end"]:
                return report
            if self._clock.monotonic() > deadline:
                return report
            await asyncio.sleep(_POLL_S)

    async def read(self, call_id: str) -> dict[str, Any] | None:
        """The report of one call as far as it is written; None for an unknown call."""
        found = await self._records.call(call_id)
        if found is None:
            return None
        filed = [await self._tickets.find(number) for number in found.line.tickets]
        entry = await self._database.read(lambda connection: _queued(connection, call_id))
        return _report(found, [_ticket(ticket) for ticket in filed if ticket], entry)


def _newest(connection: Connection, caller_number: str | None, since: datetime) -> str | None:
    query = select(calls.c.call_id).where(calls.c.answered_at >= since).order_by(calls.c.answered_at.desc()).limit(1)
    if caller_number is not None:
        query = query.where(calls.c.caller_number == caller_number)
    return connection.execute(query).scalar()


def _queued(connection: Connection, call_id: str) -> QueueEntry | None:
    row = connection.execute(select(queue_entries).where(queue_entries.c.call_id == call_id)).first()
    return entry_of(row, 0) if row else None


def _report(found: CallFile, tickets: list[dict[str, Any]], entry: QueueEntry | None) -> dict[str, Any]:
    return {
        "call": _call(found.line, found.recording),
        "turns": [_turn(turn) for turn in found.turns],
        "actions": [
            {
                "kind": event.kind,
                "at_ms": round((event.at - found.line.answered_at).total_seconds() * 1000, 1),
                **event.detail,
            }
            for event in found.events
        ],
        "ticket": tickets[0] if tickets else None,
        "tickets": tickets,
        "draft": plain(found.draft),
        "handoff": _handoff(entry) if entry else None,
        "latency_ms": {str(turn): instants for turn, instants in found.latency_ms.items()},
    }


def _call(line: CallLine, recording: object) -> dict[str, Any]:
    return {
        "id": line.call_id,
        "channel": line.channel,
        "caller_number": line.caller_number,
        "dialled_number": line.dialled_number,
        "answered_at": line.answered_at.isoformat(),
        "ended_at": line.ended_at.isoformat() if line.ended_at else None,
        "end": plain(line.end),
        "recording": str(recording) if recording else None,
    }


def _turn(turn: Turn) -> dict[str, Any]:
    document = to_document(turn)
    del document["index"]
    return {"who": document.pop("speaker"), **document}


def _ticket(ticket: Ticket) -> dict[str, Any]:
    dispatch = ticket.draft.dispatch
    return {
        **to_document(ticket.draft),
        "number": ticket.number,
        "sequence": ticket.sequence,
        "state": ticket.state.value,
        "department": dispatch.department if dispatch else "",
    }


def _handoff(entry: QueueEntry) -> dict[str, Any]:
    return {
        "reason": entry.request.reason.value,
        "skill": entry.request.skill,
        "priority": entry.request.priority,
        "summary": entry.request.summary,
        "state": entry.state.value,
        "draft": plain(entry.request.draft),
    }
