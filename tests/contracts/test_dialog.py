"""What every conversation must do for the call that carries it."""

from collections.abc import Callable

import pytest

from dialog.flow import HotlineDialog
from tests.support.calls import ScriptedDialog
from tests.support.talking import NOW, ticket, tools
from voicebot.core.actions import (
    Action,
    Ask,
    FilingFailed,
    HandOff,
    HandOffFailed,
    HandOffQueued,
    HangUp,
    Outcome,
    Say,
    TicketFiled,
    TicketsFound,
)
from voicebot.core.call import CallStart, Channel, HandOffReason
from voicebot.core.ports import Dialog
from voicebot.core.speech import Transcript
from voicebot.core.ticket import TicketDraft

OUTCOMES: tuple[Outcome, ...] = (
    TicketFiled(ticket(TicketDraft(what="路灯坏了"))),
    FilingFailed(1, "locked"),
    TicketsFound(()),
    TicketsFound((), failed=True),
    HandOffQueued(3),
    HandOffFailed("full"),
)


def scripted() -> Dialog:
    human: tuple[Action, ...] = (Say("请稍等。"), HandOff(HandOffReason.ASKED))
    greeting: tuple[Action, ...] = (Say("通话会录音。", interruptible=False), Ask("请讲。"))
    bye: tuple[Action, ...] = (Say("再见。"), HangUp())
    return ScriptedDialog(greeting, {"转人工": human, "": (Ask("请再说一遍。"),), "再见": bye, "0": human})


def real() -> Dialog:
    return HotlineDialog(tools(), CallStart("c1", Channel.SIP, NOW, "luoyang", "13800138000"))


@pytest.fixture(params=[scripted, real])
def dialog(request: pytest.FixtureRequest) -> Dialog:
    make: Callable[[], Dialog] = request.param
    return make()


def heard(text: str) -> Transcript:
    return Transcript(text, text, 0, 0)


def test_a_call_begins_with_a_notice_that_is_heard_in_full_and_then_listens(dialog: Dialog) -> None:
    first, *_, last = dialog.greet()
    assert isinstance(first, Say)
    assert not first.interruptible
    assert isinstance(last, Ask)
    assert dialog.draft is None


def test_a_plain_wish_for_a_person_is_granted(dialog: Dialog) -> None:
    dialog.greet()
    assert any(isinstance(action, HandOff) for action in dialog.hear(heard("转人工")))


def test_the_key_zero_calls_a_person(dialog: Dialog) -> None:
    dialog.greet()
    assert any(isinstance(action, HandOff) for action in dialog.press("0"))


def test_what_could_not_be_understood_is_answered(dialog: Dialog) -> None:
    dialog.greet()
    assert any(isinstance(action, Say | Ask) for action in dialog.hear(heard("")))


def test_a_goodbye_ends_the_call(dialog: Dialog) -> None:
    dialog.greet()
    assert isinstance(dialog.hear(heard("再见"))[-1], HangUp)


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
def test_an_outcome_may_come_at_any_moment(dialog: Dialog, outcome: Outcome) -> None:
    dialog.greet()
    dialog.interrupted("请")
    assert all(isinstance(action, Action) for action in dialog.outcome(outcome))
    assert isinstance(dialog.summary, str)


def test_three_seconds_of_silence_are_no_reason_to_speak(dialog: Dialog) -> None:
    dialog.greet()
    assert not dialog.silent(3000)
