"""A free sentence: is it a question, a trouble to take down, a matter for another door, or several at once?"""

from dialog.flow import answers, intake, status
from dialog.flow.conversation import Conversation, Heard
from dialog.flow.states import State
from dialog.ticket.addresses import precise
from dialog.ticket.matter import asks_information, kind_by_words, topics, troubled
from dialog.understanding.intents import Intent
from voicebot.core.actions import Action
from voicebot.core.ticket import TicketType

_SURE = 0.5
_LENGTH = 3  # characters of a sentence that can be a topic


def topic(c: Conversation, heard: Heard) -> list[Action]:
    """Take the first topic of the sentence; the others wait their turn. Empty when there is none."""
    first, *others = topics(heard.text)
    c.memory.topics.extend(others)
    intents = heard.intents if not others else c.tools.intents.find(first)
    if Intent.STATUS in intents:
        return status.begin(c, Heard(first, intents))
    if refusal := c.tools.refusals.find(first):
        return [c.say(refusal), _next(c)]
    return _matter(c, first, intents)


def names_something(c: Conversation, text: str) -> bool:
    """Is there a trouble, a kind of request, a place of the city, a number or an article in it?"""
    found = c.find(text)
    if troubled(text) or kind_by_words(text) or found.phone or (found.address and found.address.node):
        return True
    hit = answers.search(c, text)
    return hit is not None and hit.sure


def _matter(c: Conversation, text: str, intents: frozenset[Intent]) -> list[Action]:
    m = c.memory
    found = c.find(text)
    if Intent.INSIST in intents and not found.matter and not found.address:
        return answers.register(c, Heard(text, intents)) if m.question else intake.begin(c, text)
    if len(text) < _LENGTH or not found.anything:
        return []
    placed = found.address is not None and precise(found.address)
    local = placed or (found.time is not None and found.time.start is not None)  # 半夜, 每天 are in questions too
    report = local and troubled(text)
    spoken_kind = kind_by_words(text)
    question, trouble = asks_information(text), troubled(text)
    if (question and not report) or not (trouble or placed or spoken_kind):
        hit = answers.search(c, text)
        if hit is not None and hit.sure:
            return answers.answer(c, text, hit)
        if question and not trouble and spoken_kind is None:
            return answers.unsure(c, text)
    if found.matter and not trouble and not local and spoken_kind is None:
        kind, probability = c.tools.types.classify(text)
        if kind is TicketType.INQUIRY and probability >= _SURE:
            return answers.unsure(c, text)
    return intake.begin(c, text)


def _next(c: Conversation) -> Action:
    return c.ask("refuse_else", State.ANYTHING_ELSE)
