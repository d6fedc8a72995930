"""What is too old is erased: recordings, transcripts, and the caller's identity in tickets.

Each pass leaves a line in the audit log that says what went, never whose it was.
"""

import shutil
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from voicebot.core.ports import Clock
from voicebot.core.ticket import TicketDraft
from voicebot.storage.database import Database
from voicebot.storage.documents import from_document, to_document
from voicebot.storage.recordings import DELETED
from voicebot.storage.settings import StorageSettings
from voicebot.storage.tables import (
    audit_events,
    call_events,
    calls,
    drafts,
    queue_entries,
    recordings,
    tickets,
    turns,
    unanswered_questions,
)

_BATCH = 200  # rows of one transaction: short enough that a live call's writes come in between


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """How many of each are erased, or would be."""

    recordings: int = 0
    transcripts: int = 0
    questions: int = 0
    ticket_identities: int = 0


class Retention:
    """Erases what is older than the settings allow. Blocks; run it on a thread beside the event loop."""

    def __init__(self, database: Database, clock: Clock, settings: StorageSettings):
        self._database = database
        self._clock = clock
        self._settings = settings

    def run(self, *, dry_run: bool = False) -> RetentionReport:
        """One pass; with ``dry_run`` it only counts. Raises `StorageError`; what is erased by then stays erased."""
        settings, now = self._settings, self._clock.now()
        report = RetentionReport()
        if settings.keep_recordings_days:
            before = now - timedelta(days=settings.keep_recordings_days)
            report = replace(report, recordings=self._recordings(before, dry_run))
        if settings.keep_transcripts_days:
            before = now - timedelta(days=settings.keep_transcripts_days)
            report = replace(
                report, transcripts=self._transcripts(before, dry_run), questions=self._questions(before, dry_run)
            )
        if settings.keep_ticket_identity_days:
            before = now - timedelta(days=settings.keep_ticket_identity_days)
            report = replace(report, ticket_identities=self._identities(before, dry_run))
        if not dry_run and report != RetentionReport():
            row = {"at": now, "actor": "retention", "kind": "erased", "detail": asdict(report)}
            self._database.run_now(lambda connection: connection.execute(insert(audit_events).values(row)))
        return report

    def _recordings(self, before: datetime, dry_run: bool) -> int:
        """By the folder of the day, so that a file without a row goes too."""
        days = [day for day in _days(self._settings.recordings_folder) if date.fromisoformat(day.name) < before.date()]
        count = sum(len(list(day.glob("*.wav"))) for day in days)
        if dry_run:
            return count
        old = (recordings.c.started_at < _midnight(before)) & (recordings.c.state != DELETED)
        for day in days:
            shutil.rmtree(day)
        self._database.run_now(
            lambda connection: connection.execute(update(recordings).where(old).values(state=DELETED))
        )
        return count

    def _transcripts(self, before: datetime, dry_run: bool) -> int:
        old = (calls.c.answered_at < before) & calls.c.erased_at.is_(None) & calls.c.end.is_not(None)
        if dry_run:
            return self._count(old)
        erased = 0
        while batch := self._database.run_now(lambda connection: self._erase_calls(connection, old)):
            erased += batch
        return erased

    def _erase_calls(self, connection: Connection, old: ColumnElement[bool]) -> int:
        ids = list(connection.execute(select(calls.c.call_id).where(old).limit(_BATCH)).scalars())
        if not ids:
            return 0
        # Marked first: only then does the database let the log of a call go.
        connection.execute(
            update(calls)
            .where(calls.c.call_id.in_(ids))
            .values(erased_at=self._clock.now(), caller_number="", diversion="")
        )
        for table in (turns, call_events, drafts):
            connection.execute(delete(table).where(table.c.call_id.in_(ids)))
        connection.execute(
            update(queue_entries)
            .where(queue_entries.c.call_id.in_(ids))
            .values(summary="", caller_number="", draft=None, turns=[], edits={})
        )
        return len(ids)

    def _questions(self, before: datetime, dry_run: bool) -> int:
        old = unanswered_questions.c.asked_at < before
        if dry_run:
            return self._count(old)
        return self._database.run_now(
            lambda connection: connection.execute(delete(unanswered_questions).where(old)).rowcount
        )

    def _identities(self, before: datetime, dry_run: bool) -> int:
        old = (tickets.c.filed_at < before) & tickets.c.identity_erased_at.is_(None)
        if dry_run:
            return self._count(old)
        erased = 0
        while batch := self._database.run_now(lambda connection: self._erase_identities(connection, old)):
            erased += batch
        return erased

    def _erase_identities(self, connection: Connection, old: ColumnElement[bool]) -> int:
        rows = connection.execute(select(tickets.c.number, tickets.c.draft).where(old).limit(_BATCH)).all()
        for number, document in rows:
            draft = without_identity(from_document(TicketDraft, document))
            values = {"draft": to_document(draft), "caller_phone": "", "identity_erased_at": self._clock.now()}
            connection.execute(update(tickets).where(tickets.c.number == number).values(values))
        return len(rows)

    def _count(self, condition: ColumnElement[bool]) -> int:
        query = select(func.count()).where(condition)
        return self._database.run_now(lambda connection: connection.execute(query).scalar_one())


def without_identity(draft: TicketDraft) -> TicketDraft:
    """The draft without who called; the name and number also go from its sentences."""
    secrets = [secret for secret in (draft.caller_name, draft.caller_phone) if secret]

    def clean(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, "＊" * len(secret))
        return text

    identity = ("caller_name", "caller_phone")
    return replace(
        draft,
        caller_name="",
        caller_phone="",
        title=clean(draft.title),
        summary=clean(draft.summary),
        what=clean(draft.what),
        demand=clean(draft.demand),
        sources=tuple((name, clean(text)) for name, text in draft.sources if name not in identity),
    )


def _days(folder: Path) -> list[Path]:
    def is_day(path: Path) -> bool:
        try:
            date.fromisoformat(path.name)
        except ValueError:
            return False
        return path.is_dir()

    return sorted(path for path in folder.iterdir() if is_day(path)) if folder.is_dir() else []


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
