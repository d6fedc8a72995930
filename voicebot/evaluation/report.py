"""A call's record as the JSON of ``voicebot call`` (docs/scenarios.md). The form is stable: fields are only added."""

import asyncio
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from voicebot.core.ports import Clock
from voicebot.storage.database import Database
from voicebot.storage.tables import call_events, calls, drafts, queue_entries, recordings, tickets, turns

_WRITTEN_WITHIN_S = 10.0
_POLL_S = 0.1


class CallReports:
    """Reads the record of calls."""

    def __init__(self, database: Database, clock: Clock):
        self._database = database
        self._clock = clock

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
        return await self._database.read(lambda connection: _report(connection, call_id))


def _newest(connection: Connection, caller_number: str | None, since: datetime) -> str | None:
    query = select(calls.c.call_id).where(calls.c.answered_at >= since).order_by(calls.c.answered_at.desc()).limit(1)
    if caller_number is not None:
        query = query.where(calls.c.caller_number == caller_number)
    return connection.execute(query).scalar()


def _report(connection: Connection, call_id: str) -> dict[str, Any] | None:
    call = connection.execute(select(calls).where(calls.c.call_id == call_id)).first()
    if call is None:
        return None
    filed = connection.execute(select(tickets).where(tickets.c.call_id == call_id).order_by(tickets.c.sequence))
    ticket_documents = [_ticket(row) for row in filed]
    handoff = connection.execute(select(queue_entries).where(queue_entries.c.call_id == call_id)).first()
    draft = connection.execute(select(drafts.c.draft).where(drafts.c.call_id == call_id)).scalar()
    recording = connection.execute(select(recordings).where(recordings.c.call_id == call_id)).first()
    return {
        "call": _call(call, recording),
        "turns": [
            {
                "who": row.speaker,
                "text": row.text,
                "raw_text": row.raw_text,
                "start_ms": row.start_ms,
                "end_ms": row.end_ms,
                "confidence": row.confidence,
                "language": row.language,
                "source": row.source,
                "corrections": row.corrections,
            }
            for row in connection.execute(select(turns).where(turns.c.call_id == call_id).order_by(turns.c.index))
        ],
        "actions": [
            {"kind": row.kind, "at_ms": round((row.at - call.answered_at).total_seconds() * 1000, 1), **row.detail}
            for row in connection.execute(
                select(call_events).where(call_events.c.call_id == call_id).order_by(call_events.c.event_id)
            )
        ],
        "ticket": ticket_documents[0] if ticket_documents else None,
        "tickets": ticket_documents,
        "draft": draft,
        "handoff": _handoff(handoff) if handoff else None,
        "latency_ms": call.latency_ms or {},
    }


def _call(call: Row[Any], recording: Row[Any] | None) -> dict[str, Any]:
    return {
        "id": call.call_id,
        "channel": call.channel,
        "caller_number": call.caller_number,
        "dialled_number": call.dialled_number,
        "answered_at": call.answered_at.isoformat(),
        "ended_at": call.ended_at.isoformat() if call.ended_at else None,
        "end": call.end,
        "recording": recording.path if recording else None,
    }


def _ticket(row: Row[Any]) -> dict[str, Any]:
    return {
        **row.draft,
        "number": row.number,
        "sequence": row.sequence,
        "state": row.state,
        "department": row.department,
    }


def _handoff(row: Row[Any]) -> dict[str, Any]:
    return {
        "reason": row.reason,
        "skill": row.skill,
        "priority": row.priority,
        "summary": row.summary,
        "state": row.state,
        "draft": row.draft,
    }
