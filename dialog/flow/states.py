"""The table of the conversation: where it stands, what it asks there, and what each kind of answer leads to.

A turn is looked up from top to bottom: danger, a person, then the row's own answers, then `ALWAYS`,
then the row's ``otherwise``.
"""

from dataclasses import dataclass
from enum import StrEnum

from dialog.understanding.intents import Intent
from voicebot.core.speech import Expect


class State(StrEnum):
    """Where a conversation stands."""

    LISTENING = "listening"
    ASK_WHAT = "ask_what"
    ASK_WHERE = "ask_where"
    ASK_SAME_PLACE = "ask_same_place"
    ASK_PHONE = "ask_phone"
    ASK_CONFIDENTIAL = "ask_confidential"
    REPEAT_WAIT = "repeat_wait"
    READ_BACK = "read_back"
    FILING = "filing"
    ANSWERING = "answering"
    OFFER_TICKET = "offer_ticket"
    STATUS_NUMBER = "status_number"
    STATUS_WAIT = "status_wait"
    STATUS_IDENTITY = "status_identity"
    ANYTHING_ELSE = "anything_else"
    LEAVING = "leaving"
    RATING = "rating"
    QUEUED = "queued"
    OFFER_CALL_BACK = "offer_call_back"
    ENDED = "ended"


class Move(StrEnum):
    """What is done next; `HotlineDialog` knows the function of each."""

    TOPIC = "topic"
    INVITE = "invite"
    LISTEN_ON = "listen_on"
    WHAT = "what"
    WHERE = "where"
    WHERE_UNKNOWN = "where_unknown"
    SAME_PLACE = "same_place"
    OTHER_PLACE = "other_place"
    PHONE = "phone"
    NO_PHONE = "no_phone"
    CONFIDENTIAL = "confidential"
    OPEN = "open"
    APART = "apart"
    AMEND = "amend"
    CONFIRM = "confirm"
    CORRECT = "correct"
    FILE = "file"
    MORE = "more"
    ENOUGH = "enough"
    REGISTER = "register"
    STATUS = "status"
    STATUS_NUMBER = "status_number"
    STATUS_IDENTITY = "status_identity"
    STATUS_UNKNOWN = "status_unknown"
    NOTHING = "nothing"
    CLOSE = "close"
    LEAVE = "leave"
    RATE = "rate"
    END = "end"
    REPEAT = "repeat"
    WAIT = "wait"
    CHILD = "child"
    LAUGH = "laugh"
    INTRODUCE = "introduce"
    WELCOME = "welcome"
    HOLD = "hold"
    CALL_BACK = "call_back"
    PATIENCE = "patience"


@dataclass(frozen=True, slots=True)
class Row:
    """One state: the kind of answer it waits for, the answers it knows, and what any other sentence means."""

    expects: Expect
    on: tuple[tuple[Intent, Move], ...]
    otherwise: Move


TABLE: dict[State, Row] = {
    State.LISTENING: Row(
        Expect.ANYTHING,
        (
            (Intent.WAIT, Move.WAIT),
            (Intent.LAUGHTER, Move.LAUGH),
            (Intent.STATUS, Move.STATUS),
            (Intent.GOODBYE, Move.LEAVE),
            (Intent.THANKS, Move.WELCOME),
            (Intent.BACK_CHANNEL, Move.LISTEN_ON),
            (Intent.YES, Move.INVITE),
            (Intent.NO, Move.NOTHING),
            (Intent.NOTHING_ELSE, Move.NOTHING),
        ),
        Move.TOPIC,
    ),
    State.ASK_WHAT: Row(Expect.ANYTHING, ((Intent.BACK_CHANNEL, Move.LISTEN_ON),), Move.WHAT),
    State.ASK_WHERE: Row(
        Expect.ADDRESS,
        ((Intent.UNKNOWN, Move.WHERE_UNKNOWN), (Intent.BACK_CHANNEL, Move.LISTEN_ON)),
        Move.WHERE,
    ),
    State.ASK_SAME_PLACE: Row(
        Expect.YES_NO,
        ((Intent.NO, Move.OTHER_PLACE), (Intent.SAME_PLACE, Move.SAME_PLACE), (Intent.YES, Move.SAME_PLACE)),
        Move.WHERE,
    ),
    State.ASK_PHONE: Row(
        Expect.DIGITS,
        ((Intent.ANONYMOUS, Move.NO_PHONE), (Intent.BACK_CHANNEL, Move.LISTEN_ON), (Intent.UNKNOWN, Move.NO_PHONE)),
        Move.PHONE,
    ),
    State.ASK_CONFIDENTIAL: Row(
        Expect.YES_NO,
        (
            (Intent.OPEN, Move.OPEN),
            (Intent.NO, Move.OPEN),
            (Intent.UNKNOWN, Move.CONFIDENTIAL),
            (Intent.CONFIDENTIAL, Move.CONFIDENTIAL),
            (Intent.YES, Move.CONFIDENTIAL),
        ),
        Move.AMEND,
    ),
    State.REPEAT_WAIT: Row(Expect.ANYTHING, (), Move.PATIENCE),
    State.READ_BACK: Row(
        Expect.YES_NO,
        (
            (Intent.APART, Move.APART),
            (Intent.CORRECTION, Move.CORRECT),
            (Intent.NOTHING_ELSE, Move.FILE),
            (Intent.NO, Move.CORRECT),
            (Intent.YES, Move.CONFIRM),
            (Intent.SAME_PHONE, Move.CONFIRM),
            (Intent.THANKS, Move.FILE),
            (Intent.INSIST, Move.FILE),
        ),
        Move.CORRECT,
    ),
    State.FILING: Row(Expect.ANYTHING, (), Move.PATIENCE),
    State.ANSWERING: Row(
        Expect.YES_NO,
        (
            (Intent.RATING, Move.RATE),
            (Intent.NOTHING_ELSE, Move.CLOSE),
            (Intent.NO, Move.ENOUGH),
            (Intent.GOODBYE, Move.CLOSE),
            (Intent.THANKS, Move.ENOUGH),
            (Intent.YES, Move.MORE),
        ),
        Move.TOPIC,
    ),
    State.OFFER_TICKET: Row(
        Expect.YES_NO,
        ((Intent.NO, Move.ENOUGH), (Intent.INSIST, Move.REGISTER), (Intent.YES, Move.REGISTER)),
        Move.TOPIC,
    ),
    State.STATUS_NUMBER: Row(Expect.DIGITS, ((Intent.UNKNOWN, Move.STATUS_UNKNOWN),), Move.STATUS_NUMBER),
    State.STATUS_WAIT: Row(Expect.ANYTHING, (), Move.PATIENCE),
    State.STATUS_IDENTITY: Row(Expect.DIGITS, ((Intent.UNKNOWN, Move.STATUS_UNKNOWN),), Move.STATUS_IDENTITY),
    State.ANYTHING_ELSE: Row(
        Expect.ANYTHING,
        (
            (Intent.WAIT, Move.WAIT),
            (Intent.STATUS, Move.STATUS),
            (Intent.RATING, Move.RATE),
            (Intent.GOODBYE, Move.CLOSE),
            (Intent.NO, Move.CLOSE),
            (Intent.NOTHING_ELSE, Move.CLOSE),
            (Intent.THANKS, Move.CLOSE),
            (Intent.YES, Move.INVITE),
            (Intent.BACK_CHANNEL, Move.INVITE),
        ),
        Move.TOPIC,
    ),
    State.LEAVING: Row(
        Expect.YES_NO, ((Intent.NO, Move.END), (Intent.YES, Move.FILE), (Intent.GOODBYE, Move.END)), Move.AMEND
    ),
    State.RATING: Row(Expect.RATING, (), Move.RATE),
    State.QUEUED: Row(Expect.ANYTHING, (), Move.HOLD),
    State.OFFER_CALL_BACK: Row(Expect.YES_NO, ((Intent.NO, Move.HOLD), (Intent.YES, Move.CALL_BACK)), Move.HOLD),
    State.ENDED: Row(Expect.ANYTHING, (), Move.PATIENCE),
}

ALWAYS: tuple[tuple[Intent, Move], ...] = (
    (Intent.REPEAT, Move.REPEAT),
    (Intent.WAIT, Move.WAIT),
    (Intent.CHILD, Move.CHILD),
    (Intent.BOT, Move.INTRODUCE),
    (Intent.LAUGHTER, Move.LAUGH),
    (Intent.GOODBYE, Move.LEAVE),
    (Intent.STATUS, Move.STATUS),
)
"""Answers that mean the same in every state that takes part in the conversation."""

DEAF = frozenset({State.FILING, State.STATUS_WAIT, State.REPEAT_WAIT, State.ENDED})
"""States in which the bot waits for the machine, not for the caller."""
