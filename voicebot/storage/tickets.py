"""The record of tickets, with a log that can only grow."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, insert, or_, select, update

from voicebot.core.call import CallStart
from voicebot.core.errors import StorageError
from voicebot.core.ports import Clock
from voicebot.core.ticket import BY_AGENT, UNFINISHED, Near, Ticket, TicketDraft, TicketEvent, TicketState
from voicebot.storage.database import Database, put
from voicebot.storage.documents import from_document, plain, to_document
from voicebot.storage.tables import ticket_events, ticket_numbers, tickets

CHINA_TIME = timezone(timedelta(hours=8), "CST")  # one zone, no summer time since 1991


class SqlTicketStore:
    """`TicketStore` on the database.

    A number is the city's prefix, the day in China, and a serial of five digits: ``LY2026030100042``.
    """

    def __init__(self, database: Database, clock: Clock, *, number_prefix: str = "LY"):
        self._database = database
        self._clock = clock
        self._prefix = number_prefix

    async def file(self, start: CallStart, draft: TicketDraft, sequence: int, *, actor: str = "bot") -> Ticket:
        """File a ticket; the same call and sequence give the same ticket again, whoever asks at the same time."""
        now = self._clock.now()

        def work(connection: Connection) -> Ticket:
            filed = _filed(connection, start.call_id, sequence)
            if filed is None:
                serial = self._lock_serial(connection, now)
                filed = _filed(connection, start.call_id, sequence)  # another one may have held the lock
                if filed is None:
                    filed = self._new(connection, serial + 1, start, draft, sequence, now, actor)
            return filed

        return await self._database.write(work)

    async def find(self, number: str) -> Ticket | None:
        """A ticket by its number, however it is spaced; the digits alone are enough when they are unambiguous."""
        wanted = "".join(number.split()).replace("-", "").upper()
        column = tickets.c.digits if wanted.isdigit() else tickets.c.number
        query = select(tickets).where(column == wanted).limit(2)
        found = await self._database.read(lambda connection: connection.execute(query).all())
        return _ticket(found[0]) if len(found) == 1 else None

    async def find_by_phone(self, phone: str, limit: int = 5) -> tuple[Ticket, ...]:
        """The newest tickets of a calling number; none for an empty one."""
        if not phone:
            return ()
        query = select(tickets).where(tickets.c.caller_phone == phone)
        return await self._tickets(query.order_by(tickets.c.filed_at.desc(), tickets.c.number.desc()).limit(limit))

    async def find_by_call(self, call_id: str) -> tuple[Ticket, ...]:
        """The tickets of a call, whoever filed them, in order of their sequence."""
        return await self._tickets(select(tickets).where(tickets.c.call_id == call_id).order_by(tickets.c.sequence))

    async def find_near(self, near: Near, limit: int = 20) -> tuple[Ticket, ...]:
        """The newest tickets of the same caller or the same place that nobody has finished."""
        same = [tickets.c.caller_phone == near.phone] if near.phone else []
        address = tickets.c.draft["address"]
        named = [
            address[part].as_string() == name
            for part in ("road", "community", "landmark")
            if (name := getattr(near.place, part))
        ]
        if near.node and named:
            same.append(and_(tickets.c.node == near.node, or_(*named)))
        if not same:
            return ()
        query = select(tickets).where(
            tickets.c.tenant == near.tenant,
            tickets.c.filed_at >= near.since,
            tickets.c.state.in_([state.value for state in UNFINISHED]),
            or_(*same),
        )
        return await self._tickets(query.order_by(tickets.c.filed_at.desc(), tickets.c.number.desc()).limit(limit))

    async def latest(self, tenant: str, limit: int = 50, *, before: datetime | None = None) -> tuple[Ticket, ...]:
        """The newest tickets of a city first, those filed before ``before``."""
        query = select(tickets).where(tickets.c.tenant == tenant)
        if before is not None:
            query = query.where(tickets.c.filed_at < before)
        return await self._tickets(query.order_by(tickets.c.filed_at.desc(), tickets.c.number.desc()).limit(limit))

    async def between(self, tenant: str, begin: datetime, end: datetime, limit: int) -> tuple[Ticket, ...]:
        """The tickets of a city filed from ``begin`` to ``end``, newest first."""
        query = select(tickets).where(tickets.c.tenant == tenant, tickets.c.filed_at.between(begin, end))
        return await self._tickets(query.order_by(tickets.c.filed_at.desc(), tickets.c.number.desc()).limit(limit))

    async def revise(self, number: str, draft: TicketDraft, actor: str) -> Ticket:
        """Replace what a ticket says; its log names the fields that changed, not what they held."""
        now = self._clock.now()

        def work(connection: Connection) -> Ticket:
            row = connection.execute(select(tickets).where(tickets.c.number == number).with_for_update()).first()
            if row is None:
                raise _unknown(number)
            before = to_document(from_document(TicketDraft, row.draft))
            after = to_document(draft)
            changed = sorted(name for name in after if after[name] != before[name])
            revised = replace(_ticket(row), draft=draft)
            if changed:
                connection.execute(update(tickets).where(tickets.c.number == number).values(_row(revised, row.digits)))
                event = {"number": number, "at": now, "actor": actor, "kind": "revised", "detail": {"fields": changed}}
                connection.execute(insert(ticket_events).values(event))
            return revised

        return await self._database.write(work)

    async def advance(self, number: str, state: TicketState, actor: str, note: str = "") -> Ticket:
        """A ticket has come so far; the same state again does no harm.

        Raises `StorageError` with code ``ticket_unknown``, or ``ticket_ahead`` when it has come further already: the
        loop of a ticket is not walked backwards.
        """
        now, order = self._clock.now(), list(TicketState)

        def work(connection: Connection) -> Ticket:
            row = connection.execute(select(tickets).where(tickets.c.number == number).with_for_update()).first()
            if row is None:
                raise _unknown(number)
            before = _ticket(row)
            if order.index(state) < order.index(before.state):
                raise StorageError(
                    f"工单 {number} 已经到了“{before.state.value}”，不能退回“{state.value}”。",
                    code="ticket_ahead",
                    retryable=False,
                )
            if state is before.state:
                return before
            after = replace(before, state=state)
            connection.execute(update(tickets).where(tickets.c.number == number).values(_row(after, row.digits)))
            detail = {"from": before.state.value, "to": state.value} | ({"note": note} if note else {})
            event = {"number": number, "at": now, "actor": actor, "kind": "state", "detail": detail}
            connection.execute(insert(ticket_events).values(event))
            return after

        return await self._database.write(work)

    async def decided_by_people(self, tenant: str, name: str) -> tuple[Ticket, ...]:
        """The tickets of a city in which a person set the field ``name`` of the draft, oldest first.

        A department that an agent chose says so itself; of other fields the log tells that they were revised.
        """
        revised = select(ticket_events.c.number, ticket_events.c.detail).where(ticket_events.c.kind == "revised")
        rows = await self._database.read(lambda connection: connection.execute(revised).all())
        numbers = {row.number for row in rows if name in row.detail.get("fields", ())}
        query = select(tickets).where(tickets.c.tenant == tenant).order_by(tickets.c.filed_at, tickets.c.number)
        found = await self._tickets(query)
        return tuple(
            ticket
            for ticket in found
            if ticket.number in numbers
            or (name == "dispatch" and ticket.draft.dispatch is not None and ticket.draft.dispatch.basis == BY_AGENT)
        )

    async def append(self, event: TicketEvent) -> None:
        """Add a line to a ticket's log; the log is never changed."""
        row = {
            "number": event.number,
            "at": event.at,
            "actor": event.actor,
            "kind": event.kind,
            "detail": plain(event.detail),
        }

        def work(connection: Connection) -> None:
            if connection.execute(select(tickets.c.number).where(tickets.c.number == event.number)).first() is None:
                raise _unknown(event.number)
            connection.execute(insert(ticket_events).values(row))

        await self._database.write(work)

    async def events(self, number: str) -> tuple[TicketEvent, ...]:
        """A ticket's log, oldest first."""
        query = select(ticket_events).where(ticket_events.c.number == number).order_by(ticket_events.c.event_id)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(TicketEvent(row.number, row.at, row.actor, row.kind, row.detail) for row in rows)

    async def _tickets(self, query: Select[Any]) -> tuple[Ticket, ...]:
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return tuple(_ticket(row) for row in rows)

    def _lock_serial(self, connection: Connection, now: datetime) -> int:
        """The last serial of the day; until the transaction ends nobody else can take the next."""
        key = {"prefix": self._prefix, "day": _day(now)}
        put(connection, ticket_numbers, {**key, "last": 0}, keys=("prefix", "day"))
        last: int = connection.execute(select(ticket_numbers.c.last).filter_by(**key).with_for_update()).scalar_one()
        return last

    def _new(
        self,
        connection: Connection,
        serial: int,
        start: CallStart,
        draft: TicketDraft,
        sequence: int,
        now: datetime,
        actor: str,
    ) -> Ticket:
        digits = f"{_day(now)}{serial:05d}"
        ticket = Ticket(
            number=self._prefix + digits,
            call_id=start.call_id,
            sequence=sequence,
            tenant=start.tenant,
            channel=start.channel.value,
            filed_at=now,
            state=TicketState.ACCEPTED,
            draft=draft,
        )
        connection.execute(update(ticket_numbers).filter_by(prefix=self._prefix, day=_day(now)).values(last=serial))
        connection.execute(insert(tickets).values(_row(ticket, digits)))
        connection.execute(
            insert(ticket_events).values(
                number=ticket.number,
                at=now,
                actor=actor,
                kind="filed",
                detail={"call_id": start.call_id, "sequence": sequence},
            )
        )
        earlier = connection.execute(select(tickets.c.number).where(tickets.c.number == draft.duplicate_of)).scalar()
        if earlier is not None:
            detail = {"number": ticket.number, "call_id": start.call_id}
            event = {"number": earlier, "at": now, "actor": actor, "kind": "supplemented", "detail": detail}
            connection.execute(insert(ticket_events).values(event))
        return ticket


def _day(now: datetime) -> str:
    return now.astimezone(CHINA_TIME).strftime("%Y%m%d")


def _filed(connection: Connection, call_id: str, sequence: int) -> Ticket | None:
    query = select(tickets).where(tickets.c.call_id == call_id, tickets.c.sequence == sequence)
    row = connection.execute(query).first()
    return None if row is None else _ticket(row)


def _row(ticket: Ticket, digits: str) -> dict[str, object]:
    draft = ticket.draft
    return {
        "number": ticket.number,
        "digits": digits,
        "call_id": ticket.call_id,
        "sequence": ticket.sequence,
        "tenant": ticket.tenant,
        "channel": ticket.channel,
        "filed_at": ticket.filed_at,
        "state": ticket.state.value,
        "type": draft.type.value if draft.type else None,
        "category": "/".join(draft.category),
        "department": draft.dispatch.department if draft.dispatch else "",
        "node": (draft.dispatch.node if draft.dispatch else "") or draft.address.node,
        "caller_phone": draft.caller_phone,
        "draft": to_document(draft),
    }


def _ticket(row: Row[Any]) -> Ticket:
    return Ticket(
        number=row.number,
        call_id=row.call_id,
        sequence=row.sequence,
        tenant=row.tenant,
        channel=row.channel,
        filed_at=row.filed_at,
        state=TicketState(row.state),
        draft=from_document(TicketDraft, row.draft),
    )


def _unknown(number: str) -> StorageError:
    return StorageError(f"没有编号为 {number} 的工单。", code="ticket_unknown", remedy="请核对编号。", retryable=False)
