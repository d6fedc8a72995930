"""Danger: name the number to call, put the call first in the human queue, and ask where it is meanwhile."""

from dataclasses import replace

from dialog import handoff
from dialog.flow import intake
from dialog.flow.conversation import Conversation, Heard
from dialog.flow.states import State
from dialog.ticket.wording import place_of
from dialog.understanding.emergencies import Emergency
from voicebot.core.actions import (
    Action,
    HandOffFailed,
    HandOffQueued,
    HandOffReturned,
    HandOffTaken,
    HangUp,
    QueueMoved,
)
from voicebot.core.call import HandOffReason
from voicebot.core.speech import Expect
from voicebot.core.ticket import TicketType

_MINUTE_S = 60


def alarm(c: Conversation, heard: Heard, emergency: Emergency) -> list[Action]:
    """Hand off with the highest priority; the caller hears the number first."""
    m = c.memory
    draft = m.draft or intake.blank(c)
    draft = c.tools.extractor.filled(draft, c.find(heard.text))
    m.draft = replace(
        draft,
        what=draft.what or heard.text,
        type=draft.type or TicketType.HELP,
        emergency=emergency.kind,
        urgency="emergency",
        risks=tuple(dict.fromkeys((*draft.risks, emergency.kind))),
    )
    m.emergency, m.state = emergency.number, State.QUEUED
    words: list[Action] = []
    if emergency.kind == "self_harm":
        words.append(c.say("emergency_self", interruptible=False))
    words.append(c.say(f"emergency_{emergency.number}", interruptible=False))
    hand = handoff.hand_off(m, c.tools.record, HandOffReason.EMERGENCY, "emergency")
    words += [c.say("emergency_transfer"), hand]
    if not place_of(m.draft):
        words.append(c.ask("emergency_where", State.QUEUED))
    return words


def hold(c: Conversation, heard: Heard) -> list[Action]:
    """The caller speaks while waiting: keep what they say, ask for patience."""
    m = c.memory
    m.state = State.QUEUED
    if m.draft is None:
        m.draft = intake.blank(c)
    before = m.draft
    found = c.find(heard.text, Expect.ADDRESS if m.emergency else Expect.ANYTHING)
    m.draft = c.tools.extractor.filled(before, found)
    if m.handed_off is HandOffReason.EMERGENCY and m.draft != before:
        return [c.say("emergency_noted")]
    return [c.say("queue_wait")]


def offer_call_back(c: Conversation) -> list[Action]:
    """Waiting takes long: may somebody call back instead? The call keeps its place either way."""
    c.memory.asked["call_back"] += 1
    return [c.ask("queue_offer_call_back", State.OFFER_CALL_BACK)]


def may_call_back(c: Conversation) -> bool:
    """Once a call, when the caller can be reached and nobody is in danger."""
    m = c.memory
    reachable = c.line_phone or (m.draft is not None and m.draft.caller_phone)
    return bool(reachable) and m.handed_off is not HandOffReason.EMERGENCY and not m.asked["call_back"]


def call_back(c: Conversation, heard: Heard) -> list[Action]:
    """Yes: somebody will call."""
    c.memory.state = State.ENDED
    return [c.say("queue_call_back_kept", interruptible=False), HangUp("call_back")]


def queued(c: Conversation, outcome: HandOffQueued | QueueMoved) -> list[Action]:
    """The call has its place; in danger nobody wants to hear which."""
    if c.memory.handed_off is HandOffReason.EMERGENCY:
        return []
    ahead = outcome.position - 1
    place = c.say("queue_position", ahead=str(ahead)) if ahead > 0 else c.say("queue_next")
    if outcome.wait_s is None or outcome.wait_s < _MINUTE_S:
        return [place]
    return [place, c.say("queue_minutes", minutes=str(round(outcome.wait_s / _MINUTE_S)))]


def moved(c: Conversation, outcome: QueueMoved) -> list[Action]:
    """Somebody ahead was served: say how far the call has come, unless a question is open."""
    if c.memory.state is not State.QUEUED:
        return []
    return queued(c, outcome)


def taken(c: Conversation, outcome: HandOffTaken) -> list[Action]:
    """A person has taken the call; one without a telephone line into it calls back, when there is a number."""
    if outcome.at_once:
        return []
    if outcome.put_through:
        return [c.say("handoff_through")]
    if not (c.line_phone or (c.memory.draft is not None and c.memory.draft.caller_phone)):
        return [c.say("queue_wait")]
    c.memory.state = State.ENDED
    return [c.say("handoff_call_back", interruptible=False), HangUp("call_back")]


def returned(c: Conversation, outcome: HandOffReturned) -> list[Action]:
    """The person is done and the bot goes on: what was in hand is theirs, so it asks for what is left."""
    m = c.memory
    m.handed_off, m.emergency, m.served = None, "", True
    m.forget_ticket()
    m.sequence = max((m.sequence, *(ticket.sequence for ticket in outcome.tickets)))
    return [c.say("handoff_returned"), c.ask("anything_else", State.ANYTHING_ELSE)]


def failed(c: Conversation, outcome: HandOffFailed) -> list[Action]:
    """No person can be reached: take the matter down, and in danger name the number again."""
    m = c.memory
    if m.handed_off is HandOffReason.EMERGENCY:
        m.handed_off, m.state = None, State.LISTENING
        return [c.say("emergency_failed", interruptible=False, number=m.emergency)]
    m.handed_off = None
    m.draft = m.draft or intake.blank(c)
    return [c.say("queue_failed"), c.say("queue_failed_intake"), *intake.proceed(c)]
