"""The ticket: what a citizen wants done, complete enough for a department to act on."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class TicketType(StrEnum):
    """Request types of GB/T 33358: the six that hotlines use."""

    INQUIRY = "咨询"
    HELP = "求助"
    COMPLAINT = "投诉"
    REPORT = "举报"
    SUGGESTION = "建议"
    PRAISE = "表扬"


class TicketState(StrEnum):
    """The closed loop of a ticket, in order."""

    ACCEPTED = "受理"
    DISPATCHED = "派单"
    SIGNED = "签收"
    WORKING = "办理"
    DONE = "办结"
    CALLED_BACK = "回访"
    RATED = "评价"
    ARCHIVED = "归档"


BY_AGENT = "agent"
"""`Dispatch.basis` of a department that a person chose."""

UNFINISHED = (TicketState.ACCEPTED, TicketState.DISPATCHED, TicketState.SIGNED, TicketState.WORKING)
"""States of a ticket that somebody still works on."""


class Confidentiality(StrEnum):
    """May the department see who called?"""

    OPEN = "open"
    CONFIDENTIAL = "confidential"


@dataclass(frozen=True, slots=True)
class Address:
    """A place as spoken and as parsed; an empty part was not said. ``node`` is an id in the city's unit tree."""

    spoken: str = ""
    district: str = ""
    street: str = ""
    community: str = ""
    road: str = ""
    number: str = ""
    building: str = ""
    unit: str = ""
    room: str = ""
    landmark: str = ""
    node: str = ""
    grid: str = ""


@dataclass(frozen=True, slots=True)
class EventTime:
    """When it happened, as spoken and as a range; ``since`` marks something that still goes on."""

    spoken: str = ""
    start: datetime | None = None
    end: datetime | None = None
    since: bool = False


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Where a ticket goes, how sure that is, and on what it rests.

    ``automatic`` is False below the city's threshold: then ``alternatives`` (department ids, best
    first) wait for a person.
    """

    department: str
    node: str = ""
    confidence: float = 0.0
    reason: str = ""
    basis: str = ""
    model: str = ""
    automatic: bool = False
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StageDue:
    """Until when a stage must be over, and from when on its lateness is warned of."""

    stage: TicketState
    amber_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class TicketDraft:
    """What is known of a ticket while the caller speaks. Frozen: a change makes a new draft.

    ``sources`` maps a field's name to the caller's sentence that it was taken from.
    """

    type: TicketType | None = None
    category: tuple[str, ...] = ()
    title: str = ""
    summary: str = ""
    what: str = ""
    demand: str = ""
    address: Address = field(default_factory=Address)
    time: EventTime = field(default_factory=EventTime)
    caller_name: str = ""
    caller_phone: str = ""
    enterprise: str = ""
    anonymous: bool = False
    confidentiality: Confidentiality | None = None
    companies: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()
    amount: str = ""
    risks: tuple[str, ...] = ()
    urgency: str = "normal"
    emergency: str = ""
    duplicate_of: str = ""
    dispatch: Dispatch | None = None
    due: tuple[StageDue, ...] = ()
    language: str = "zh"
    dialect: str = "mandarin"
    sources: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Ticket:
    """A filed ticket. ``number`` is what the caller is told; ``sequence`` counts the tickets of one call from 1."""

    number: str
    call_id: str
    sequence: int
    tenant: str
    channel: str
    filed_at: datetime
    state: TicketState
    draft: TicketDraft


@dataclass(frozen=True, slots=True)
class Near:
    """Where an earlier ticket of the same matter may be: with the same caller, or at the same place of a unit.

    ``node`` is the unit that tickets of the place are kept under; without it, or without a name in ``place``,
    only the caller's own tickets are near.
    """

    tenant: str
    since: datetime
    phone: str = ""
    node: str = ""
    place: Address = field(default_factory=Address)


@dataclass(frozen=True, slots=True)
class TicketEvent:
    """One line of a ticket's append-only log."""

    number: str
    at: datetime
    actor: str
    kind: str
    detail: dict[str, object] = field(default_factory=dict)
