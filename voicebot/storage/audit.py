"""Who looked at what: lines that can only be added."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select

from voicebot.core.ports import Clock
from voicebot.storage.database import Database
from voicebot.storage.documents import plain
from voicebot.storage.tables import audit_events

_SAME_LOOK = timedelta(minutes=10)  # a page that reads again and again is one look


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """One line of the audit log."""

    at: datetime
    actor: str
    kind: str
    detail: dict[str, object]


class Audit:
    """The audit log."""

    def __init__(self, database: Database, clock: Clock):
        self._database = database
        self._clock = clock

    async def note(self, actor: str, kind: str, **detail: object) -> None:
        """Add a line."""
        row = {"at": self._clock.now(), "actor": actor, "kind": kind, "detail": plain(detail)}
        await self._database.write(lambda connection: connection.execute(insert(audit_events).values(row)))

    async def note_look(self, actor: str, kind: str, **detail: object) -> None:
        """Add a line unless the same person did the same a moment ago."""
        now, document = self._clock.now(), plain(detail)
        recent = select(audit_events.c.detail).where(
            audit_events.c.actor == actor, audit_events.c.kind == kind, audit_events.c.at > now - _SAME_LOOK
        )

        def work(connection: Connection) -> None:
            if document not in connection.execute(recent).scalars().all():
                row = {"at": now, "actor": actor, "kind": kind, "detail": document}
                connection.execute(insert(audit_events).values(row))

        await self._database.write(work)

    async def latest(self, kinds: tuple[str, ...] = (), limit: int = 200) -> tuple[AuditEvent, ...]:
        """The newest lines first, of some kinds or of all."""
        query = select(audit_events).order_by(audit_events.c.event_id.desc()).limit(limit)
        if kinds:
            query = query.where(audit_events.c.kind.in_(kinds))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(AuditEvent(row.at, row.actor, row.kind, row.detail) for row in rows)
