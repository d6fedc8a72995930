"""An earlier ticket of the same matter: looked for once all is known, read back as an addition, never merged silently.

It costs the caller no question of its own: the read-back says what it will be added to, and its yes counts for both.
"""

from dataclasses import replace
from datetime import timedelta

from dialog.city.nouns import UnitLevel
from dialog.flow.conversation import Conversation
from dialog.flow.states import State
from dialog.ticket.addresses import alike, named
from voicebot.core.actions import Action, LookUpTickets, TicketsFound
from voicebot.core.ticket import Confidentiality, Near, Ticket, TicketDraft, TicketType

_KINDS = frozenset({TicketType.HELP, TicketType.COMPLAINT, TicketType.REPORT})
_OF_OTHERS = frozenset({TicketType.HELP, TicketType.COMPLAINT})  # nobody must learn that they were reported
SAME_KIND = 0.6  # overlap; tests/dialog/test_routing.py shows pairs of matters on both sides of it
_COMPARED = 3  # candidates, newest first: each costs the embedding of a sentence
_WHAT_LENGTH = 20  # characters of the earlier matter that are read out


def worth_looking(c: Conversation, draft: TicketDraft) -> bool:
    """Once a ticket, when there is something to go by."""
    known = c.line_phone or draft.address.node
    return bool(known and draft.what and draft.type in _KINDS and c.tools.settings.repeat_days) and not (
        draft.emergency or c.memory.asked["repeat"]
    )


def look(c: Conversation, draft: TicketDraft) -> list[Action]:
    """Ask the record; the caller hears nothing of it."""
    c.memory.asked["repeat"] += 1
    c.memory.state = State.REPEAT_WAIT
    near = Near(
        tenant=c.start.tenant,
        since=c.tools.now() - timedelta(days=c.tools.settings.repeat_days),
        phone=c.line_phone,
        node=c.tools.city.node_at(draft.address.node, UnitLevel.DISTRICT),
        place=draft.address,
    )
    return [LookUpTickets(near=near)]


def found(c: Conversation, outcome: TicketsFound) -> None:
    """Take the ticket in hand for an addition to the newest earlier one of the same matter, if there is one."""
    draft = c.memory.draft
    assert draft is not None  # noqa: S101  look() was called for one
    candidates = [ticket for ticket in outcome.tickets if _may_be_told(c, ticket) and _same_place(draft, ticket.draft)]
    for ticket in candidates[:_COMPARED]:
        if c.tools.categories.alike(draft.what, ticket.draft.what) >= SAME_KIND:
            c.memory.repeated = ticket
            c.change_draft(duplicate_of=ticket.number)
            return


def unless_elsewhere(c: Conversation, draft: TicketDraft) -> TicketDraft:
    """A draft whose place was corrected is an addition no longer when the earlier ticket lies elsewhere."""
    ticket = c.memory.repeated
    if ticket is None or _same_place(draft, ticket.draft):
        return draft
    c.memory.repeated = None
    return replace(draft, duplicate_of="")


def notice(c: Conversation) -> str:
    """What the read-back says of it; empty when the ticket stands alone."""
    ticket = c.memory.repeated
    if ticket is None:
        return ""
    if not _own(c, ticket):
        return c.words("repeat_of_others")
    day = ticket.filed_at.astimezone(c.tools.city.timezone)
    return c.words("repeat_of_own", month=str(day.month), day=str(day.day), what=_matter(ticket.draft))


def _matter(draft: TicketDraft) -> str:
    """What it was about: by its category, for the caller's own words may have been misheard."""
    what = draft.category[-1] if draft.category else draft.what
    return (what if len(what) <= _WHAT_LENGTH else what.split("，")[0])[:_WHAT_LENGTH]


def _own(c: Conversation, ticket: Ticket) -> bool:
    """Was it filed with the number of this line? A number that was only said proves nothing."""
    return bool(c.line_phone) and ticket.draft.caller_phone == c.line_phone


def _may_be_told(c: Conversation, ticket: Ticket) -> bool:
    if ticket.call_id == c.start.call_id or not ticket.draft.what:
        return False
    open_to_others = (
        ticket.draft.type in _OF_OTHERS and ticket.draft.confidentiality is not Confidentiality.CONFIDENTIAL
    )
    return _own(c, ticket) or open_to_others


def _same_place(new: TicketDraft, old: TicketDraft) -> bool:
    """The same spot; a caller's own ticket may be without one."""
    return alike(new.address, old.address) if named(new.address) and named(old.address) else True
