"""Small talk of a call: go on, again, wait, calm down, who are you, which language."""

from dialog.flow.conversation import Conversation, Heard
from dialog.flow.states import State
from dialog.understanding.intents import Intent
from voicebot.core.actions import Action, Ask, Say
from voicebot.core.call import HandOffReason

_ABUSES = 3  # outbursts before a person takes over


def invite(c: Conversation, heard: Heard) -> list[Action]:
    """Please go ahead."""
    return [c.ask("invite_again", State.LISTENING)]


def listen_on(c: Conversation, heard: Heard) -> list[Action]:
    """A mere 嗯 or 喂: we listen; a question that is open stays open."""
    return [c.ask("listen_on", c.memory.state)]


def repeat(c: Conversation, heard: Heard) -> list[Action]:
    """Say the last reply once more."""
    words: list[Action] = [action for action in c.memory.last_reply if isinstance(action, Say | Ask)]
    return words or [c.ask("nothing_to_repeat", c.memory.state)]


def question_again(c: Conversation) -> list[Action]:
    """Only the last question, or an invitation when there was none."""
    asked: list[Action] = [action for action in c.memory.last_reply if isinstance(action, Ask)]
    return asked[-1:] or [c.ask("invite_again", c.memory.state)]


def wait(c: Conversation, heard: Heard) -> list[Action]:
    """The caller needs a moment; silence is allowed for longer."""
    c.memory.waiting = True
    return [c.say("wait")]


def calm(c: Conversation, heard: Heard) -> list[Action]:
    """Somebody swears: stay kind; the third time a person takes over. Empty when nobody does."""
    if Intent.ABUSE not in heard.intents:
        return []
    c.memory.abuses += 1
    if c.memory.abuses >= _ABUSES:
        return c.hand_off(HandOffReason.ABUSE, "handoff_abuse")
    return [c.say("calm")]


def child(c: Conversation, heard: Heard) -> list[Action]:
    """A child on the line."""
    return [c.ask("child", c.memory.state)]


def laugh(c: Conversation, heard: Heard) -> list[Action]:
    """Laughter is no answer."""
    return [c.ask("laugh", c.memory.state)]


def introduce(c: Conversation, heard: Heard) -> list[Action]:
    """Who are you? Then the open question again."""
    return [c.say("what_bot"), *question_again(c)]


def welcome(c: Conversation, heard: Heard) -> list[Action]:
    """You are welcome."""
    return [c.say("welcome"), c.ask("anything_else", State.ANYTHING_ELSE)]


def patience(c: Conversation, heard: Heard) -> list[Action]:
    """The machine is at work; the caller hears that we are still here."""
    return [c.say("wait")]


def not_heard(c: Conversation, heard: Heard) -> list[Action]:
    """Please say it again."""
    return [c.ask("not_heard", c.memory.state)]


def switch_language(c: Conversation, heard: Heard) -> list[Action]:
    """The caller asks for English or Chinese. Empty when they do not, or when it is spoken already."""
    m = c.memory
    if Intent.ENGLISH in heard.intents and m.language != "en":
        m.language = "en"
        return question_after_switch(c)
    if Intent.CHINESE in heard.intents and m.language != "zh":
        m.language = "zh"
        return [c.say("no_english"), *question_after_switch(c)]
    return []


def question_after_switch(c: Conversation) -> list[Action]:
    """The open question in the new language."""
    asked = [action for action in c.memory.last_reply if isinstance(action, Ask)]
    key = asked[-1].key if asked else ""
    known = key in c.texts.keys() and not c.texts.blanks(key)  # noqa: SIM118  Texts is no mapping
    return [c.ask(key if known else "invite", c.memory.state)]
