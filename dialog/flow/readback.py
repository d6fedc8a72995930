"""What is read back: the matter, the place, the time, the demand, and how the caller will be reached.

Every sentence is one text, so that those that never change come from the voice's cache.
"""

from dialog.flow import repeats
from dialog.flow.conversation import Conversation
from dialog.ticket.wording import place_of
from voicebot.core.ticket import Confidentiality, TicketDraft

_WHAT_LENGTH = 40  # characters of the matter; the caller knows what they said, and listens to about eight seconds
_TAIL = 4


def readback_text(c: Conversation, draft: TicketDraft) -> str:
    """The whole read-back, ending in its question."""
    parts = [c.words("readback"), _what(c, draft), _where(c, draft), repeats.notice(c), _contact(c, draft)]
    if draft.confidentiality is Confidentiality.CONFIDENTIAL:
        parts.append(c.words("readback_confidential"))
    return c.texts.joined([*parts, c.words("readback_end")])


def amended_text(c: Conversation, before: TicketDraft, after: TicketDraft) -> str:
    """Only what changed, ending in the question."""
    parts = []
    if after.what != before.what:
        parts.append(_what(c, after))
    if after.address != before.address:
        parts.append(_where(c, after))
    if after.time != before.time and after.time.spoken:
        parts.append(c.words("readback_when", when=after.time.spoken))
    if after.demand != before.demand:
        parts.append(c.words("readback_demand", demand=after.demand))
    if (after.caller_phone, after.anonymous) != (before.caller_phone, before.anonymous):
        parts.append(_contact(c, after))
    if after.confidentiality is Confidentiality.CONFIDENTIAL and before.confidentiality != after.confidentiality:
        parts.append(c.words("readback_confidential"))
    return c.texts.joined([*parts, c.words("readback_end")])


def _what(c: Conversation, draft: TicketDraft) -> str:
    said = draft.what if len(draft.what) <= _WHAT_LENGTH else draft.what[:_WHAT_LENGTH].rpartition("，")[0]
    return c.words("readback_what", what=said or draft.what[:_WHAT_LENGTH]) if draft.what else ""


def _where(c: Conversation, draft: TicketDraft) -> str:
    place = place_of(draft)
    return c.words("readback_where", where=place) if place else ""


def _contact(c: Conversation, draft: TicketDraft) -> str:
    if not draft.caller_phone:
        return c.words("readback_anonymous") if draft.anonymous else ""
    if draft.caller_phone == c.line_phone:
        return c.words("readback_line_phone", tail=c.texts.digits(draft.caller_phone[-_TAIL:]))
    return c.words("readback_phone", phone=c.texts.digits(draft.caller_phone))
