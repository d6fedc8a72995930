"""The state of an earlier ticket, told to the one who filed it and to nobody else."""

from collections.abc import Sequence
from datetime import datetime

from dialog.flow.conversation import Conversation, Heard
from dialog.flow.states import State
from voicebot.core.actions import Action, LookUpTickets, TicketsFound
from voicebot.core.call import HandOffReason
from voicebot.core.ticket import UNFINISHED, Ticket, TicketState
from voicebot.language.spoken_numbers import find_phone, spoken_digits

_TAIL = 4  # digits of the telephone number that prove who calls
_TRIES = 2
_NUMBER_LENGTH = 6  # digits of a ticket number at least


def begin(c: Conversation, heard: Heard) -> list[Action]:
    """Somebody asks how far a ticket is: look it up by its number, else by the calling number."""
    digits = spoken_digits(heard.text)
    if len(digits) >= _NUMBER_LENGTH:
        return number(c, heard)
    if c.line_phone:
        return _look_up(c, phone=c.line_phone)
    c.memory.asked["status"] += 1
    return [c.ask("status_ask_number", State.STATUS_NUMBER)]


def number(c: Conversation, heard: Heard) -> list[Action]:
    """A ticket number or a telephone number was said."""
    if said := find_phone(heard.text):
        return _look_up(c, phone=said)
    digits = spoken_digits(heard.text)
    if len(digits) >= _NUMBER_LENGTH:
        return _look_up(c, number=digits)
    c.memory.asked["status"] += 1
    if c.memory.asked["status"] > _TRIES:
        return c.hand_off(HandOffReason.NOT_UNDERSTOOD, "handoff_not_understood")
    return [c.ask("status_ask_number_again", State.STATUS_NUMBER)]


def found(c: Conversation, outcome: TicketsFound) -> list[Action]:
    """The look-up is back."""
    m = c.memory
    if outcome.failed:
        return [c.say("status_failed"), *c.hand_off(HandOffReason.FAULT, "handoff_fault")]
    if not outcome.tickets:
        if m.looked_up == c.line_phone and not m.asked["status"]:
            m.asked["status"] += 1
            return [c.ask("status_ask_number", State.STATUS_NUMBER)]
        return [c.say("status_none"), c.ask("anything_else", State.ANYTHING_ELSE)]
    m.tickets = outcome.tickets
    if c.line_phone and all(ticket.draft.caller_phone == c.line_phone for ticket in outcome.tickets):
        return _tell(c)
    if not outcome.tickets[0].draft.caller_phone:
        return c.hand_off(HandOffReason.UNSURE, "handoff_unsure")
    m.asked["identity"] += 1
    return [c.ask("status_ask_identity", State.STATUS_IDENTITY)]


def identity(c: Conversation, heard: Heard) -> list[Action]:
    """The last digits of the number that the ticket was filed with."""
    m = c.memory
    said = spoken_digits(heard.text)[-_TAIL:]
    if len(said) == _TAIL and m.tickets[0].draft.caller_phone.endswith(said):
        return _tell(c)
    m.asked["identity"] += 1
    if m.asked["identity"] > _TRIES:
        return c.hand_off(HandOffReason.UNSURE, "status_identity_failed")
    return [c.ask("status_identity_wrong", State.STATUS_IDENTITY)]


def _look_up(c: Conversation, *, number: str = "", phone: str = "") -> list[Action]:
    c.memory.state, c.memory.looked_up = State.STATUS_WAIT, number or phone
    if number:
        number = f"{c.tools.city.ticket_prefix}{number}"
    return [c.say("status_looking"), LookUpTickets(number=number, phone=phone)]


def _finishing(ticket: Ticket) -> datetime | None:
    return next((due.due_at for due in ticket.draft.due if due.stage is TicketState.DONE), None)


def _tell(c: Conversation) -> list[Action]:
    newest: Sequence[Ticket] = c.memory.tickets[:1]
    actions: list[Action] = []
    for ticket in newest:
        actions.append(c.say("status_found", title=ticket.draft.title, state=ticket.state.value))
        dispatch = ticket.draft.dispatch
        department = c.tools.city.department_by_id.get(dispatch.department) if dispatch and dispatch.automatic else None
        if department is not None:
            actions.append(c.say("status_found_department", department=department.name))
        if ticket.state in UNFINISHED and (due := _finishing(ticket)):
            day = due.astimezone(c.tools.city.timezone)
            actions.append(c.say("status_found_due", month=str(day.month), day=str(day.day)))
    c.memory.tickets = ()
    c.memory.asked.pop("status", None)
    c.memory.asked.pop("identity", None)
    return [*actions, c.ask("anything_else", State.ANYTHING_ELSE)]


def unknown(c: Conversation, heard: Heard) -> list[Action]:
    """Neither number is known to the caller: a person can look further."""
    return c.hand_off(HandOffReason.UNSURE, "handoff_unsure")
