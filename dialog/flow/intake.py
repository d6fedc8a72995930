"""Taking down a ticket: ask only for what is missing, one thing at a time, read back, correct, file."""

import re
from dataclasses import replace

from dialog.city.deadlines import due_times
from dialog.flow import assisted, repeats
from dialog.flow.conversation import Conversation, Heard
from dialog.flow.readback import amended_text, readback_text
from dialog.flow.states import State
from dialog.ticket.addresses import named, precise
from dialog.ticket.extractor import Found
from dialog.ticket.matter import kind_by_words, troubled
from dialog.ticket.wording import summary, title
from dialog.understanding.intents import Intent
from voicebot.core.actions import Action, FileTicket
from voicebot.core.call import HandOffReason
from voicebot.core.speech import Expect
from voicebot.core.ticket import Address, Confidentiality, Dispatch, TicketDraft, TicketType
from voicebot.language.spoken_numbers import spoken_digits

_TRIES = 2  # questions for one field; then the ticket goes on without it and a clerk asks
_NO_PLACE = frozenset({TicketType.INQUIRY, TicketType.SUGGESTION, TicketType.PRAISE})
_PROTECTED = frozenset({TicketType.COMPLAINT, TicketType.REPORT})
_SURE = 0.5
_NO_ANSWERS = (Intent.YES, Intent.NO, Intent.THANKS, Intent.BACK_CHANNEL)  # to a question that asks where or what
_NOT_BUT = re.compile(r"不是(?P<wrong>[^，。,.]{1,12})[，,]?(?:而)?是(?P<right>[^，。,.]{1,12})")
_NEGATION = re.compile(r"^(?:不对|不是|错了|不不|说错了|我说错了|对|是的|嗯|哦)[，,。\s]*(?:是|应该是)?")
_PHONE_DIGITS = 5  # digits that show that somebody meant to give a number


def begin(c: Conversation, text: str) -> list[Action]:
    """A new matter. What is known of the caller from an earlier one of the same call stays."""
    m = c.memory
    m.draft = blank(c) if m.draft is None else m.draft
    m.draft = c.tools.extractor.filled(m.draft, c.find(text))
    _settle_type(c, text)
    assisted.begin(c, text)
    return proceed(c)


def proceed(c: Conversation) -> list[Action]:
    """The next question that is still open, or the read-back."""
    m, draft = c.memory, c.memory.draft
    assert draft is not None  # noqa: S101  begin() made it
    if not draft.what and m.asked["what"] < _TRIES:
        m.asked["what"] += 1
        return [c.ask("ask_what", State.ASK_WHAT)]
    draft = assisted.filled(c, draft, wait=_needs_place(draft))
    if _needs_place(draft) and m.asked["where"] < _TRIES:
        return [_ask_place(c, draft)]
    if not draft.caller_phone and not draft.anonymous and m.asked["phone"] < _TRIES:
        m.asked["phone"] += 1
        return [c.ask("ask_phone" if m.asked["phone"] == 1 else "ask_phone_again", State.ASK_PHONE)]
    if _needs_secrecy(draft) and not m.asked["confidential"]:
        m.asked["confidential"] += 1
        return [c.ask("ask_confidential", State.ASK_CONFIDENTIAL)]
    if repeats.worth_looking(c, draft):
        return repeats.look(c, draft)
    return [c.ask_text(readback_text(c, draft), "readback", State.READ_BACK)]


def what(c: Conversation, heard: Heard) -> list[Action]:
    """An answer to 具体是什么事."""
    assert c.memory.draft is not None  # noqa: S101
    found = c.find(heard.text)
    if c.tools.intents.only(heard.text, _NO_ANSWERS):
        return []
    if not found.anything and c.memory.asked["what"] < _TRIES:
        return proceed(c)
    if not found.matter and c.memory.asked["what"] >= _TRIES:
        found = replace(found, matter=heard.text.strip("，。！？ "))
    c.memory.draft = c.tools.extractor.filled(c.memory.draft, found)
    _settle_type(c, heard.text)
    assisted.begin(c, heard.text)
    return proceed(c)


def where(c: Conversation, heard: Heard) -> list[Action]:
    """An answer to 在什么位置; the second one is taken as it is."""
    assert c.memory.draft is not None  # noqa: S101
    if c.tools.intents.only(heard.text, _NO_ANSWERS):
        return []
    found = c.find(heard.text, Expect.ADDRESS)
    if found.address is None and c.memory.asked["where"] >= _TRIES:
        spoken = heard.text.strip("，。！？ ")
        found = replace(found, address=Address(spoken=spoken, landmark=spoken), matter="")
    elif not troubled(found.matter):
        found = replace(found, matter="")
    c.memory.draft = c.tools.extractor.filled(c.memory.draft, found)
    return proceed(c)


def where_unknown(c: Conversation, heard: Heard) -> list[Action]:
    """The caller does not know; a clerk will find out."""
    c.memory.asked["where"] = _TRIES
    return proceed(c)


def same_place(c: Conversation, heard: Heard) -> list[Action]:
    """The second matter is at the place of the first."""
    c.change_draft(address=c.memory.previous_address or Address())
    return proceed(c)


def other_place(c: Conversation, heard: Heard) -> list[Action]:
    """It is somewhere else: perhaps the sentence says where."""
    return where(c, heard) if c.find(heard.text, Expect.ADDRESS).address else [c.ask("ask_where", State.ASK_WHERE)]


def phone(c: Conversation, heard: Heard) -> list[Action]:
    """An answer to 怎么联系您."""
    assert c.memory.draft is not None  # noqa: S101
    found = c.find(heard.text, Expect.DIGITS)
    if not found.phone and not spoken_digits(heard.text) and Intent.NO in heard.intents:
        return no_phone(c, heard)
    c.memory.draft = c.tools.extractor.filled(c.memory.draft, replace(found, matter=""))
    return proceed(c)


def no_phone(c: Conversation, heard: Heard) -> list[Action]:
    """The caller leaves no number: that is allowed."""
    c.change_draft(anonymous=True, caller_phone="")
    return proceed(c)


def confidential(c: Conversation, heard: Heard) -> list[Action]:
    """The department will not see who called."""
    c.change_draft(confidentiality=Confidentiality.CONFIDENTIAL)
    return proceed(c)


def not_confidential(c: Conversation, heard: Heard) -> list[Action]:
    """The department may see who called."""
    c.change_draft(confidentiality=Confidentiality.OPEN)
    return proceed(c)


def apart(c: Conversation, heard: Heard) -> list[Action]:
    """It is no addition to the earlier ticket: a ticket of its own."""
    if c.memory.repeated is None:
        return correct(c, heard)
    c.memory.repeated = None
    c.change_draft(duplicate_of="")
    return proceed(c)


def amend(c: Conversation, heard: Heard) -> list[Action]:
    """Something was added instead of answering; the question comes again."""
    assert c.memory.draft is not None  # noqa: S101
    found = c.find(heard.text)
    if not found.anything:
        return []
    c.memory.draft = c.tools.extractor.filled(c.memory.draft, found)
    c.memory.asked["confidential"] = 0
    return proceed(c)


def confirm(c: Conversation, heard: Heard) -> list[Action]:
    """Yes; what hangs on the yes is taken along, and read back when it changes where or whom to call."""
    rest = _NEGATION.sub("", heard.text)
    found = c.find(rest)
    if found.address is not None or found.phone:
        return correct(c, heard)
    assert c.memory.draft is not None  # noqa: S101
    if not c.tools.intents.only(heard.text, (Intent.YES, Intent.THANKS, Intent.BACK_CHANNEL)):
        keep = found.matter if troubled(found.matter) else ""
        c.memory.draft = c.tools.extractor.filled(c.memory.draft, replace(found, matter=keep))
    return file(c, heard)


def correct(c: Conversation, heard: Heard) -> list[Action]:
    """Something is wrong or missing: take what was said and read back just that."""
    m, before = c.memory, c.memory.draft
    assert before is not None  # noqa: S101
    after = _corrected(c, before, heard)
    if after == before:
        digits = spoken_digits(heard.text)
        if len(digits) >= _PHONE_DIGITS:
            m.asked["phone"] = _TRIES
            return [c.ask("ask_phone_again", State.ASK_PHONE)]
        if Intent.NO not in heard.intents and Intent.CORRECTION not in heard.intents:
            return []
        m.asked["wrong"] += 1
        if m.asked["wrong"] > _TRIES:
            return c.hand_off(HandOffReason.NOT_UNDERSTOOD, "handoff_unsure")
        return [c.ask("ask_which_wrong", State.READ_BACK)]
    m.draft = repeats.unless_elsewhere(c, after)
    return [c.say("corrected"), c.ask_text(amended_text(c, before, after), "readback", State.READ_BACK)]


def file(c: Conversation, heard: Heard) -> list[Action]:
    """The caller agreed: complete the ticket and file it."""
    m, draft = c.memory, c.memory.draft
    assert draft is not None  # noqa: S101
    tools = c.tools
    if not draft.what:
        draft = replace(draft, what="，".join(m.said))
    path, probability = tools.categories.categorise(draft.what)
    if probability >= tools.city.thresholds.category_sure:
        draft = replace(draft, category=path)
    draft = replace(draft, urgency=_urgency(draft), language=m.language)
    english = " ".join(m.said) if m.language == "en" else ""
    gist = assisted.gist(c, draft)
    draft = replace(draft, title=title(draft, tools.record, gist), summary=summary(draft, tools.record, english))
    due = due_times(tools.city, draft.urgency, tools.now())
    draft = replace(draft, dispatch=_dispatch(c, draft), due=due)
    m.draft, m.state = draft, State.FILING
    m.sequence += 1
    return [c.say("filing"), FileTicket(draft, m.sequence)]


def blank(c: Conversation) -> TicketDraft:
    """An empty ticket with what the line and an earlier ticket of the call tell of the caller."""
    earlier = c.memory.earlier
    known = earlier.caller_phone if earlier is not None else ""
    draft = TicketDraft(caller_phone=known or c.line_phone, language=c.memory.language)
    if draft.caller_phone and not known:
        draft = replace(draft, sources=(("caller_phone", "line"),))
    if earlier is None:
        return draft
    return replace(
        draft,
        caller_name=earlier.caller_name,
        anonymous=earlier.anonymous,
        confidentiality=earlier.confidentiality,
        enterprise=earlier.enterprise,
    )


def _dispatch(c: Conversation, draft: TicketDraft) -> Dispatch:
    """Whoever has the earlier ticket answers the addition too."""
    repeated = c.memory.repeated
    if draft.duplicate_of and repeated is not None and repeated.draft.dispatch is not None:
        reason = c.tools.record.get("dispatch_addition", number=repeated.number)
        return replace(repeated.draft.dispatch, reason=reason)
    return c.tools.router.route(draft.what, draft)


def _settle_type(c: Conversation, text: str) -> None:
    """The caller's own words name the type; else the classifier, which must not call a trouble a question."""
    draft = c.memory.draft
    assert draft is not None  # noqa: S101
    if draft.type is not None or not draft.what:
        return
    kind = kind_by_words(text)
    if kind is None:
        kind, probability = c.tools.types.classify(text)
        if probability < _SURE or (kind is TicketType.INQUIRY and troubled(text)):
            kind = TicketType.HELP
    c.change_draft(type=kind)


def _needs_place(draft: TicketDraft) -> bool:
    return not precise(draft.address) and draft.type not in _NO_PLACE and not draft.companies


def _ask_place(c: Conversation, draft: TicketDraft) -> Action:
    m = c.memory
    if m.previous_address is not None and not m.asked["same_place"] and not named(draft.address):
        m.asked["same_place"] += 1
        return c.ask("ask_same_place", State.ASK_SAME_PLACE)
    m.asked["where"] += 1
    if draft.address.district:
        return c.ask("ask_where_in", State.ASK_WHERE, district=draft.address.district)
    return c.ask("ask_where" if m.asked["where"] == 1 else "ask_where_detail", State.ASK_WHERE)


def _needs_secrecy(draft: TicketDraft) -> bool:
    """It matters when somebody is complained of by name and the caller could be found out."""
    accused = draft.companies or draft.persons or draft.type is TicketType.REPORT
    return bool(accused) and draft.type in _PROTECTED and draft.confidentiality is None and not draft.anonymous


def _corrected(c: Conversation, draft: TicketDraft, heard: Heard) -> TicketDraft:
    if (swap := _NOT_BUT.search(heard.text)) and swap["wrong"] in draft.what:
        return replace(draft, what=draft.what.replace(swap["wrong"], swap["right"]))
    text = swap["right"] if swap else _NEGATION.sub("", heard.text)
    found = c.find(text, Expect.ADDRESS)
    if Intent.ANONYMOUS in heard.intents:
        draft = replace(draft, caller_phone="", caller_name="")
    return c.tools.extractor.filled(draft, replace(found, matter=_addition(found)))


def _addition(found: Found) -> str:
    """A correction of the place or the number tells nothing new of the matter."""
    if found.address is not None or found.phone or found.time is not None or found.name:
        return ""
    return found.matter if troubled(found.matter) else ""


def _urgency(draft: TicketDraft) -> str:
    if draft.emergency:
        return "emergency"
    if {"life", "gas", "self_harm", "group"} & set(draft.risks):
        return "urgent"
    return "inquiry" if draft.type is TicketType.INQUIRY else "normal"
