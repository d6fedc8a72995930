"""An agent's work on a call: the draft with their changes, the ticket that comes of it, the caller's earlier ones."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from voicebot.core.call import CallStart, Channel
from voicebot.core.errors import StorageError
from voicebot.core.ticket import Ticket, TicketDraft
from voicebot.desk.editing import apply, checked
from voicebot.storage.changes import QUEUE, Changes, call_topic
from voicebot.storage.database import Database
from voicebot.storage.documents import from_document
from voicebot.storage.tables import calls, drafts, tickets
from voicebot.storage.tables import queue_entries as entries
from voicebot.storage.tickets import SqlTicketStore


class Casework:
    """Drafts and tickets as agents change them. The bot may go on filling the draft; what an agent wrote stays."""

    def __init__(self, database: Database, changes: Changes, store: SqlTicketStore):
        self._database = database
        self._changes = changes
        self._store = store

    async def draft(self, call_id: str) -> TicketDraft:
        """What the bot heard with the agent's changes over it; an empty one when nothing is known."""
        return await self._database.read(lambda connection: _draft(connection, call_id))

    async def edit(self, call_id: str, changed: Mapping[str, object], agent: str) -> TicketDraft:
        """Keep changes to the draft of a call in hand."""
        new = checked(changed)

        def work(connection: Connection) -> TicketDraft:
            row = _entry(connection, call_id, agent)
            edits = {**row.edits, **new}
            connection.execute(update(entries).where(entries.c.entry_id == row.entry_id).values(edits=edits))
            return _draft(connection, call_id)

        return await self._changes.write(work, call_topic(call_id))

    async def file(self, call_id: str, agent: str, complete: Callable[[TicketDraft], TicketDraft]) -> Ticket:
        """File the draft of a call in hand as its next ticket, and begin with an empty one."""

        def known(connection: Connection) -> tuple[CallStart, TicketDraft, int]:
            row = _entry(connection, call_id, agent)
            filed = select(func.coalesce(func.max(tickets.c.sequence), 0)).where(tickets.c.call_id == call_id)
            start = _start(connection, call_id, row.caller_number)
            return start, _draft(connection, call_id), connection.execute(filed).scalar_one()

        start, draft, last = await self._database.read(known)
        if not draft.what and not draft.title:
            raise StorageError("还没有填写反映内容。", code="edit_invalid", retryable=False)
        ticket = await self._store.file(start, complete(draft), last + 1, actor=agent)

        def begin_again(connection: Connection) -> None:
            mine = (entries.c.call_id == call_id) & (entries.c.agent == agent)
            connection.execute(update(entries).where(mine).values(edits={}))

        await self._changes.write(begin_again, call_topic(call_id), QUEUE)
        return ticket

    async def earlier(self, call_id: str, limit: int = 10) -> tuple[Ticket, ...]:
        """The caller's tickets from other calls, newest first; none for a withheld number."""
        draft = await self.draft(call_id)
        number = await self._database.read(
            lambda connection: connection.execute(
                select(calls.c.caller_number).where(calls.c.call_id == call_id)
            ).scalar()
        )
        phone = draft.caller_phone or number or ""
        found = await self._store.find_by_phone(phone, limit)
        return tuple(ticket for ticket in found if ticket.call_id != call_id)


def _entry(connection: Connection, call_id: str, agent: str) -> Row[Any]:
    query = select(entries).where(entries.c.call_id == call_id, entries.c.agent == agent)
    row = connection.execute(query.order_by(entries.c.entry_id.desc()).limit(1)).first()
    if row is None:
        raise StorageError("这通来电不在您手上。", code="no_call", retryable=False)
    return row


def _draft(connection: Connection, call_id: str) -> TicketDraft:
    document = connection.execute(select(drafts.c.draft).where(drafts.c.call_id == call_id)).scalar()
    query = select(entries.c.draft, entries.c.edits, entries.c.caller_number).where(entries.c.call_id == call_id)
    row = connection.execute(query.order_by(entries.c.entry_id.desc()).limit(1)).first()
    if document is None and row is not None:
        document = row.draft
    heard = from_document(TicketDraft, document) if document else TicketDraft()
    if row is None:
        return heard
    if not document:
        heard = TicketDraft(caller_phone=row.caller_number)
    return apply(heard, row.edits)


def _start(connection: Connection, call_id: str, number: str) -> CallStart:
    row = connection.execute(select(calls).where(calls.c.call_id == call_id)).first()
    if row is None:
        raise StorageError("没有这通电话的记录。", code="call_unknown", retryable=False)
    return CallStart(
        call_id, Channel(row.channel), row.answered_at, row.tenant, row.caller_number or number, row.dialled_number
    )
