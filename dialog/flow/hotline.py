"""The `Dialog` of one call: looks up what a turn means in the table of states and makes the move."""

from collections.abc import Callable, Sequence

from dialog import handoff
from dialog.flow import answers, closing, danger, intake, manners, repeats, status
from dialog.flow.conversation import Conversation, DialogTools, Heard
from dialog.flow.silence import silent
from dialog.flow.states import ALWAYS, DEAF, TABLE, Move, State
from dialog.flow.topic import names_something, topic
from dialog.understanding.english import is_english
from dialog.understanding.intents import Intent
from voicebot.core.actions import (
    Action,
    Ask,
    FilingFailed,
    HandOffFailed,
    HandOffQueued,
    HandOffReturned,
    HandOffTaken,
    Outcome,
    QueueMoved,
    Say,
    TicketFiled,
    TicketsFound,
)
from voicebot.core.call import CallStart, HandOffReason
from voicebot.core.speech import DialectNotice, Expect, Transcript
from voicebot.core.ticket import TicketDraft

Step = Callable[[Conversation, Heard], list[Action]]

MOVES: dict[Move, Step] = {
    Move.TOPIC: topic,
    Move.INVITE: manners.invite,
    Move.LISTEN_ON: manners.listen_on,
    Move.WHAT: intake.what,
    Move.WHERE: intake.where,
    Move.WHERE_UNKNOWN: intake.where_unknown,
    Move.SAME_PLACE: intake.same_place,
    Move.OTHER_PLACE: intake.other_place,
    Move.PHONE: intake.phone,
    Move.NO_PHONE: intake.no_phone,
    Move.CONFIDENTIAL: intake.confidential,
    Move.OPEN: intake.not_confidential,
    Move.APART: intake.apart,
    Move.AMEND: intake.amend,
    Move.CONFIRM: intake.confirm,
    Move.CORRECT: intake.correct,
    Move.FILE: intake.file,
    Move.MORE: answers.more,
    Move.ENOUGH: answers.enough,
    Move.REGISTER: answers.register,
    Move.STATUS: status.begin,
    Move.STATUS_NUMBER: status.number,
    Move.STATUS_IDENTITY: status.identity,
    Move.STATUS_UNKNOWN: status.unknown,
    Move.NOTHING: closing.nothing,
    Move.CLOSE: closing.close,
    Move.LEAVE: closing.leave,
    Move.RATE: closing.rate,
    Move.END: closing.end,
    Move.REPEAT: manners.repeat,
    Move.WAIT: manners.wait,
    Move.CHILD: manners.child,
    Move.LAUGH: manners.laugh,
    Move.INTRODUCE: manners.introduce,
    Move.WELCOME: manners.welcome,
    Move.HOLD: danger.hold,
    Move.CALL_BACK: danger.call_back,
    Move.PATIENCE: manners.patience,
}
"""An empty list from a move means that the turn led nowhere."""

_SHORT_ANSWERS = frozenset({Intent.YES, Intent.NO, Intent.THANKS, Intent.GOODBYE, Intent.REPEAT})
_PASSING = frozenset({"wait", "queue_wait"})
"""Sentences that nobody wants to hear again: what was said before them is what is repeated."""

_YES_NO_KEYS = {"1": "对", "2": "不对"}


class HotlineDialog:
    """Implements `voicebot.core.ports.Dialog` for one call by rules alone."""

    def __init__(self, tools: DialogTools, start: CallStart) -> None:
        self._c = Conversation(tools, start)

    def greet(self) -> Sequence[Action]:
        """The notice that a machine answers and records, then at once: what is it about?"""
        c = self._c
        return self._reply([c.say("greeting", interruptible=False), c.ask("invite", State.LISTENING)])

    def hear(self, heard: Transcript) -> Sequence[Action]:
        """One caller turn; the answer is never empty while the conversation lasts."""
        m = self._c.memory
        if m.state is State.ENDED:
            return []
        m.prompts, m.prompted_ms, m.silence_ms, m.waiting = 0, 0.0, 0.0, False
        m.turns += 1
        text = heard.text.strip()
        if text:
            m.said.append(text)
        return self._reply(self._answer(self._understood(text, heard.mean_confidence), heard.notice))

    def press(self, digits: str) -> Sequence[Action]:
        """Keys: a rating, yes (1) or no (2), a number that was asked for, or 0 for a person."""
        c, m = self._c, self._c.memory
        keys = digits.strip("#*")
        if m.state in DEAF or not digits:
            return []
        expects = TABLE[m.state].expects
        if expects is Expect.RATING and keys in set("12345"):
            return self._reply(closing.rated(c, int(keys)))
        if keys == "0":
            return self._spoken("人工")
        if expects is Expect.DIGITS and keys:
            return self._spoken(keys)
        if expects is Expect.YES_NO and keys in _YES_NO_KEYS:
            return self._spoken(_YES_NO_KEYS[keys])
        return self._reply([c.say("digits_hint"), *manners.question_again(c)])

    def silent(self, silence_ms: float) -> Sequence[Action]:
        """Nobody speaks."""
        return self._reply(silent(self._c, silence_ms))

    def interrupted(self, spoken: str) -> None:
        """A ticket number that was talked over is told again."""
        m = self._c.memory
        number = self._c.texts.digits(m.filed[-1]) if m.filed and m.state is State.ANYTHING_ELSE else ""
        if number and any(number in a.text for a in m.last_reply if isinstance(a, Say)) and number not in spoken:
            m.unheard_number = number

    def outcome(self, outcome: Outcome) -> Sequence[Action]:
        """How filing, looking up or handing off went."""
        c = self._c
        match outcome:
            case TicketFiled():
                return self._reply(self._filed(outcome))
            case FilingFailed():
                return self._reply([c.say("filing_failed"), *c.hand_off(HandOffReason.FAULT, "handoff_fault")])
            case TicketsFound():
                return self._reply(self._found(outcome))
            case HandOffQueued():
                return self._reply(danger.queued(c, outcome))
            case HandOffFailed():
                return self._reply(danger.failed(c, outcome))
            case QueueMoved():
                return self._reply(danger.moved(c, outcome))
            case HandOffTaken():
                return self._reply(danger.taken(c, outcome))
            case HandOffReturned():
                return self._reply(danger.returned(c, outcome))

    @property
    def draft(self) -> TicketDraft | None:
        """The ticket in hand; None when there is none or it has been filed."""
        return self._c.memory.draft

    @property
    def summary(self) -> str:
        """All that is known, for the person who takes over."""
        return handoff.summary(self._c.memory, self._c.tools.record)

    def _spoken(self, text: str) -> Sequence[Action]:
        return self.hear(Transcript(text, text, 0, 0))

    def _understood(self, text: str, confidence: float) -> Heard:
        """English is put into Chinese key words for everything but the answers that English phrases name."""
        c, m = self._c, self._c.memory
        intents = c.tools.intents.find(text)
        if not is_english(text):
            return Heard(text, intents, confidence)
        if Intent.CHINESE not in intents:
            m.language = "en"
        return Heard(c.tools.english.in_chinese(text) or text, intents, confidence, said=text)

    def _answer(self, heard: Heard, notice: DialectNotice | None) -> list[Action]:
        c, m = self._c, self._c.memory
        emergency = c.tools.emergencies.find(heard.said or heard.text)
        if emergency is not None and m.handed_off is not HandOffReason.EMERGENCY:
            return danger.alarm(c, heard, emergency)
        if m.state is State.QUEUED:
            return danger.hold(c, heard) if heard.text else [c.say("queue_wait")]
        if m.state is State.OFFER_CALL_BACK:
            return MOVES[_move(m.state, heard)](c, heard)
        if Intent.HUMAN in heard.intents:
            return c.hand_off(HandOffReason.ASKED, "handoff", notice.seat_skill if notice else "general")
        if notice is not None and notice.hand_over:
            return c.hand_off_to_dialect(notice)
        if m.turns > c.tools.settings.max_turns:
            return c.hand_off(HandOffReason.NOT_UNDERSTOOD, "handoff_not_understood")
        if notice is not None and notice.whole_turn:
            return [c.say_dialect(notice), *manners.question_again(c)]
        if not heard.text or self._doubtful(heard):
            return self._failed(manners.not_heard(c, heard))
        if language := manners.switch_language(c, heard):
            return language
        anger = manners.calm(c, heard)
        if m.handed_off is HandOffReason.ABUSE or (anger and c.tools.intents.only(heard.text, (Intent.ABUSE,))):
            return anger
        actions = MOVES[_move(m.state, heard)](c, heard)
        if not actions:
            return self._failed(manners.not_heard(c, heard))
        m.failures = 0
        told = [c.say_dialect(notice)] if notice is not None else []
        return [*told, *anger, *self._number_again(), *actions]

    def _doubtful(self, heard: Heard) -> bool:
        """What was hardly heard is not taken; a free sentence must name something that it could be about."""
        c, settings = self._c, self._c.tools.settings
        if heard.confidence < settings.min_confidence:
            return not heard.intents & _SHORT_ANSWERS
        if heard.confidence >= settings.doubt_confidence or TABLE[c.memory.state].expects is not Expect.ANYTHING:
            return False
        return not (heard.intents or names_something(c, heard.text))

    def _failed(self, actions: list[Action]) -> list[Action]:
        m = self._c.memory
        m.failures += 1
        if m.failures >= self._c.tools.settings.failures:
            return self._c.hand_off(HandOffReason.NOT_UNDERSTOOD, "handoff_not_understood")
        return actions

    def _filed(self, outcome: TicketFiled) -> list[Action]:
        c, m = self._c, self._c.memory
        ticket = outcome.ticket
        if ticket.number not in m.filed:
            m.filed.append(ticket.number)
        m.forget_ticket()
        filed = c.say("filed_addition" if ticket.draft.duplicate_of else "filed")
        words: list[Action] = [filed, c.say("filed_number", number=c.texts.digits(ticket.number))]
        dispatch = ticket.draft.dispatch
        department = c.tools.city.department_by_id.get(dispatch.department) if dispatch and dispatch.automatic else None
        if department is not None and m.language == "zh":
            words.append(c.say("filed_department", department=department.name))
        else:
            words.append(c.say("filed_department_open"))
        if m.topics:
            text = m.topics.popleft()
            return [*words, c.say("next_topic"), *topic(c, Heard(text, c.tools.intents.find(text)))]
        return [*words, c.ask("anything_else", State.ANYTHING_ELSE)]

    def _found(self, outcome: TicketsFound) -> list[Action]:
        c = self._c
        if c.memory.state is State.STATUS_WAIT:
            return status.found(c, outcome)
        if c.memory.state is State.REPEAT_WAIT:
            repeats.found(c, outcome)
            return intake.proceed(c)
        return []

    def _number_again(self) -> list[Action]:
        m = self._c.memory
        number, m.unheard_number = m.unheard_number, ""
        return [self._c.say("filed_number", number=number)] if number else []

    def _reply(self, actions: list[Action]) -> Sequence[Action]:
        if any(isinstance(action, Say | Ask) and action.key not in _PASSING for action in actions):
            self._c.memory.last_reply = tuple(actions)
        return tuple(actions)


def _move(state: State, heard: Heard) -> Move:
    row = TABLE[state]
    for intent, move in (*row.on, *(ALWAYS if state not in DEAF and state is not State.RATING else ())):
        if intent in heard.intents:
            return move
    return row.otherwise
