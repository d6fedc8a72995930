"""Asking whether there is anything else, how it was, and ending the call."""

from dialog.flow import manners
from dialog.flow.conversation import Conversation, Heard
from dialog.flow.states import State
from dialog.understanding.intents import Intent
from dialog.understanding.rating import find_stars
from voicebot.core.actions import Action, HangUp, Rate


def close(c: Conversation, heard: Heard | None = None) -> list[Action]:
    """Nothing else: ask for the rating once, when something was done for the caller."""
    done = c.memory.filed or c.memory.served or c.memory.hit is not None
    if c.tools.settings.rating and done:
        return [c.ask("ask_rating", State.RATING)]
    return end(c)


def nothing(c: Conversation, heard: Heard) -> list[Action]:
    """A no where nothing was asked: after something was done it means that this is all, before that it is a start."""
    if c.memory.filed or c.memory.hit is not None:
        return close(c)
    return manners.invite(c, heard)


def leave(c: Conversation, heard: Heard) -> list[Action]:
    """A goodbye in the middle: an unfinished ticket is offered to be filed as it is."""
    draft = c.memory.draft
    if draft is not None and draft.what and not c.memory.asked["leave"]:
        c.memory.asked["leave"] += 1
        return [c.ask("leave_unfinished", State.LEAVING)]
    return end(c)


def rate(c: Conversation, heard: Heard) -> list[Action]:
    """A rating in words; anything else ends the call all the same."""
    stars = find_stars(heard.text)
    if stars is None and Intent.YES in heard.intents:
        stars = 4
    return rated(c, stars)


def rated(c: Conversation, stars: int | None) -> list[Action]:
    """Thank and say goodbye."""
    if stars is None:
        return end(c)
    thanks = c.say("thanks_rating" if stars >= 3 else "sorry_rating")
    return [Rate(stars), thanks, *end(c)]


def end(c: Conversation, heard: Heard | None = None) -> list[Action]:
    """The goodbye."""
    c.memory.state = State.ENDED
    return [c.say("goodbye", interruptible=False), HangUp()]
