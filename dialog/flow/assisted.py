"""The optional language model in a conversation: it fills gaps that the rules left, with the caller's own words."""

from dataclasses import replace

from dialog.flow.conversation import Conversation
from dialog.ticket.addresses import named
from dialog.ticket.extractor import Found
from dialog.understanding.reading import Reading, sentence_of
from voicebot.core.speech import Expect
from voicebot.core.ticket import Address, TicketDraft


def begin(c: Conversation, text: str) -> None:
    """Have what was said about the ticket in hand read, ``text`` the newest of it, while the conversation goes on."""
    c.memory.told.append(text)
    m, reader, settings = c.memory, c.tools.reader, c.tools.settings.language_model
    if reader is None or settings is None or m.language != "zh" or m.requests >= settings.requests_per_call:
        return
    m.requests += 1
    m.reading = reader.begin(tuple(m.told))


def filled(c: Conversation, draft: TicketDraft, *, wait: bool) -> TicketDraft:
    """The draft, with place, time and demand where the rules found none. ``wait`` for the model up to its deadline."""
    if c.memory.reading is None:
        return draft
    reading = c.memory.reading.take(wait=wait)
    said = tuple(c.memory.told)
    if reading.location and not named(draft.address) and not draft.address.spoken:
        place = c.find(reading.location, Expect.ADDRESS).address
        address = place or Address(spoken=reading.location, landmark=reading.location)
        draft = _with(c, draft, Found(sentence_of(reading.location, said), address=address))
    if reading.time and not draft.time.spoken and (time := c.find(reading.time).time):
        draft = _with(c, draft, Found(sentence_of(reading.time, said), time=time))
    if reading.demand and not draft.demand:
        draft = _with(c, draft, Found(sentence_of(reading.demand, said), demand=reading.demand))
    c.memory.draft = draft
    return draft


def gist(c: Conversation, draft: TicketDraft) -> str:
    """The matter in few words, for the title, when the model has it by now."""
    reading = c.memory.reading.take(wait=False) if c.memory.reading is not None else Reading()
    return reading.gist if len(reading.gist) < len(draft.what) else ""


def _with(c: Conversation, draft: TicketDraft, found: Found) -> TicketDraft:
    return c.tools.extractor.filled(draft, replace(found, matter=""))
