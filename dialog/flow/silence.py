"""Nobody speaks: ask, ask again, then promise a call back and end politely."""

from dialog.flow import danger
from dialog.flow.conversation import Conversation
from dialog.flow.states import DEAF, State
from voicebot.core.actions import Action, Ask, HangUp, Say

_QUEUE_NOTICE_MS = 15_000  # a queue that says nothing for longer sounds like a dead line
_NOTICES = 2  # then a call back is offered


def silent(c: Conversation, silence_ms: float) -> list[Action]:
    """``silence_ms`` of silence so far; asked once a second."""
    m = c.memory
    if silence_ms < m.silence_ms:  # a new silence
        m.prompted_ms = 0.0
    m.silence_ms = silence_ms
    if m.state in DEAF:
        return []
    patience = c.tools.settings.wait_prompt_ms if m.waiting else c.tools.settings.silence_prompt_ms
    if m.state is State.QUEUED:
        patience = _QUEUE_NOTICE_MS
    if silence_ms - m.prompted_ms < patience:
        return []
    m.prompted_ms, m.waiting = silence_ms, False
    if m.state is State.QUEUED and m.used["queue_wait"] >= _NOTICES and danger.may_call_back(c):
        return danger.offer_call_back(c)
    if m.state in (State.QUEUED, State.OFFER_CALL_BACK):
        m.state = State.QUEUED
        return [c.say("queue_wait")]
    if m.state is State.RATING:
        return _end(c, "goodbye")
    if m.prompts >= c.tools.settings.silence_prompts:
        return _end(c, "silence_end")
    m.prompts += 1
    return _prompt(c)


def _prompt(c: Conversation) -> list[Action]:
    """Say that we listen, and put the last question again when there was one."""
    asked = [action for action in c.memory.last_reply if isinstance(action, Ask)]
    question = asked[-1] if asked and c.memory.state is not State.LISTENING else c.ask("invite_again", c.memory.state)
    return [c.say("still_there"), question]


def _end(c: Conversation, key: str) -> list[Action]:
    m = c.memory
    unfinished = m.draft is not None and bool(m.draft.what)
    m.state = State.ENDED
    words: list[Action] = [c.say(key)] if key != "goodbye" else []
    if unfinished and m.draft is not None and m.draft.caller_phone:
        words.append(c.say("silence_callback"))
    last: Say = c.say("goodbye", interruptible=False)
    return [*words, last, HangUp("call_back" if unfinished else "silence")]
