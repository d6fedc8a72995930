"""Answering from the city's articles, a portion at a time, and saying so when there is no sure answer."""

from collections import deque
from dataclasses import replace

from dialog.flow import intake
from dialog.flow.conversation import Conversation, Heard
from dialog.flow.states import State
from dialog.ports import KnowledgeHit
from dialog.ticket.matter import troubled
from voicebot.core.actions import Action, NoteUnanswered, Say
from voicebot.core.ticket import TicketDraft, TicketType


def search(c: Conversation, question: str) -> KnowledgeHit | None:
    """The best article of today, as the city counts days."""
    return c.tools.knowledge.search(question, c.tools.now().astimezone(c.tools.city.timezone).date())


def answer(c: Conversation, question: str, hit: KnowledgeHit) -> list[Action]:
    """Speak the first portion."""
    m = c.memory
    m.question, m.hit = question, hit
    m.portions = deque(hit.portions[: c.tools.settings.max_portions], maxlen=64)
    return more(c, None)


def more(c: Conversation, heard: Heard | None) -> list[Action]:
    """The next portion, then whether to go on; after the last, whether there is anything else."""
    m = c.memory
    if not m.portions or m.hit is None:
        return [_afterwards(c)]
    said = Say(m.portions.popleft(), key="answer", source=m.hit.article_id)
    follow = c.ask("answer_more", State.ANSWERING) if m.portions else _afterwards(c)
    return [said, follow]


def _afterwards(c: Conversation) -> Action:
    """Who asked because something is wrong may want it taken down."""
    if troubled(c.memory.question):
        return c.ask("offer_ticket_short", State.OFFER_TICKET)
    return c.ask("anything_else", State.ANYTHING_ELSE)


def enough(c: Conversation, heard: Heard) -> list[Action]:
    """No more of it."""
    c.memory.portions.clear()
    return [c.ask("anything_else", State.ANYTHING_ELSE)]


def unsure(c: Conversation, question: str) -> list[Action]:
    """There is no sure answer: say so and offer a ticket."""
    c.memory.question = question
    return [NoteUnanswered(question), c.say("answer_unsure"), c.ask("offer_ticket", State.OFFER_TICKET)]


def register(c: Conversation, heard: Heard) -> list[Action]:
    """The question becomes a ticket; it needs no place."""
    m = c.memory
    question, m.question = m.question, ""
    if not question:
        return [c.ask("invite_again", State.LISTENING)]
    actions = intake.begin(c, question)
    draft: TicketDraft | None = m.draft
    if draft is not None and m.asked["where"]:
        m.asked["where"] = 0
    if draft is not None and draft.type is not TicketType.INQUIRY and not troubled(question):
        m.draft = replace(draft, type=TicketType.INQUIRY)
        actions = intake.proceed(c)
    return actions
