"""Title and summary of a ticket, in the words of a record, built from what was said and nothing else."""

from dialog.texts import Texts
from dialog.ticket.addresses import as_said
from voicebot.core.ticket import TicketDraft, TicketType

_TITLE_LENGTH = 24  # characters of the matter in a title; what a list on the desk shows
_DEMANDS = {
    TicketType.INQUIRY: "demand_inquiry",
    TicketType.PRAISE: "demand_praise",
    TicketType.SUGGESTION: "demand_suggestion",
}


def title(draft: TicketDraft, record: Texts, gist: str = "") -> str:
    """One line that tells tickets apart: place, matter, type. ``gist`` is the matter in fewer of the caller's words."""
    matter = (gist or draft.what)[:_TITLE_LENGTH].split("。")[0].rstrip("，,；")
    kind = (draft.type or TicketType.HELP).value
    place = place_of(draft)
    key = "title" if place and place not in matter else "title_short"
    return record.get(key, place=place, matter=matter, type=kind)


def summary(draft: TicketDraft, record: Texts, said_in_english: str = "") -> str:
    """The whole matter in a few sentences."""
    place = place_of(draft)
    matter = draft.what
    when = draft.time.spoken if draft.time.spoken and draft.time.spoken not in matter else ""
    parts = [
        record.get(
            "summary",
            when=f"{when}，" if when else "",
            place=f"{place}，" if place and place not in matter else "",
            matter=matter,
            demand=demand_of(draft, record),
        )
    ]
    if draft.amount:
        parts.append(record.get("summary_amount", amount=draft.amount))
    if draft.companies:
        parts.append(record.get("summary_companies", companies="、".join(draft.companies)))
    if draft.persons:
        parts.append(record.get("summary_persons", persons="、".join(draft.persons)))
    if said_in_english:
        parts.append(record.get("summary_english", said=said_in_english))
    return "".join(parts)


def demand_of(draft: TicketDraft, record: Texts) -> str:
    """What the caller asked for, or what such a ticket always asks for."""
    return draft.demand or record.get(_DEMANDS.get(draft.type or TicketType.HELP, "demand_default"))


def place_of(draft: TicketDraft) -> str:
    """The place as the caller said it, as parts when it was put together from several answers."""
    return draft.address.spoken or as_said(draft.address)
