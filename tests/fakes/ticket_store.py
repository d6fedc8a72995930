"""The record of tickets, in memory."""

from voicebot.core.call import CallStart
from voicebot.core.errors import StorageError
from voicebot.core.ports import Clock
from voicebot.core.ticket import UNFINISHED, Near, Ticket, TicketDraft, TicketEvent, TicketState


class FakeTicketStore:
    """`TicketStore` in memory; set ``failing`` to make every method raise it."""

    def __init__(self, clock: Clock, *, number_prefix: str = "LY") -> None:
        self.tickets: dict[str, Ticket] = {}
        self.failing: StorageError | None = None
        self._clock = clock
        self._prefix = number_prefix
        self._log: list[TicketEvent] = []

    async def file(self, start: CallStart, draft: TicketDraft, sequence: int) -> Ticket:
        self._fail()
        for ticket in self.tickets.values():
            if (ticket.call_id, ticket.sequence) == (start.call_id, sequence):
                return ticket
        now = self._clock.now()
        number = f"{self._prefix}{now:%Y%m%d}{len(self.tickets) + 1:05d}"
        ticket = Ticket(
            number, start.call_id, sequence, start.tenant, start.channel.value, now, TicketState.ACCEPTED, draft
        )
        self.tickets[number] = ticket
        self._log.append(TicketEvent(number, now, "bot", "filed", {"call_id": start.call_id, "sequence": sequence}))
        if draft.duplicate_of in self.tickets:
            detail: dict[str, object] = {"number": number, "call_id": start.call_id}
            self._log.append(TicketEvent(draft.duplicate_of, now, "bot", "supplemented", detail))
        return ticket

    async def find(self, number: str) -> Ticket | None:
        self._fail()
        wanted = "".join(number.split()).replace("-", "").upper()
        return self.tickets.get(wanted) or self.tickets.get(self._prefix + wanted)

    async def find_by_phone(self, phone: str, limit: int = 5) -> tuple[Ticket, ...]:
        self._fail()
        found = [ticket for ticket in self.tickets.values() if phone and ticket.draft.caller_phone == phone]
        return tuple(sorted(found, key=lambda ticket: (ticket.filed_at, ticket.number), reverse=True)[:limit])

    async def find_by_call(self, call_id: str) -> tuple[Ticket, ...]:
        self._fail()
        found = [ticket for ticket in self.tickets.values() if ticket.call_id == call_id]
        return tuple(sorted(found, key=lambda ticket: ticket.sequence))

    async def find_near(self, near: Near, limit: int = 20) -> tuple[Ticket, ...]:
        self._fail()
        found = [
            ticket
            for ticket in self.tickets.values()
            if ticket.tenant == near.tenant and ticket.filed_at >= near.since and ticket.state in UNFINISHED
            if (near.phone and ticket.draft.caller_phone == near.phone) or _same_place(near, ticket.draft)
        ]
        return tuple(sorted(found, key=lambda ticket: (ticket.filed_at, ticket.number), reverse=True)[:limit])

    async def append(self, event: TicketEvent) -> None:
        self._fail()
        if event.number not in self.tickets:
            raise StorageError(f"There is no ticket {event.number}.", code="ticket_unknown", retryable=False)
        self._log.append(event)

    async def events(self, number: str) -> tuple[TicketEvent, ...]:
        self._fail()
        return tuple(event for event in self._log if event.number == number)

    def _fail(self) -> None:
        if self.failing is not None:
            raise self.failing


def _same_place(near: Near, draft: TicketDraft) -> bool:
    node = (draft.dispatch.node if draft.dispatch else "") or draft.address.node
    names = [(getattr(near.place, part), getattr(draft.address, part)) for part in ("road", "community", "landmark")]
    return bool(near.node) and node == near.node and any(wanted and wanted == said for wanted, said in names)
