"""The state of earlier tickets, and what the machine reports back."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dialog.settings import DialogSettings
from dialog.understanding.rating import find_stars
from tests.fakes.dialog import FakeCategories, FakeRouter
from tests.support.talking import CALLER, NOW, Talk, keys, ticket, tools, words
from voicebot.core.actions import (
    Ask,
    FileTicket,
    FilingFailed,
    HandOff,
    HandOffFailed,
    HandOffQueued,
    LookUpTickets,
    TicketsFound,
)
from voicebot.core.call import HandOffReason
from voicebot.core.ticket import Dispatch, StageDue, TicketDraft, TicketState

MINE = ticket(TicketDraft(title="关于路灯的求助", caller_phone=CALLER, dispatch=Dispatch("urban", automatic=True)))
HERS = ticket(TicketDraft(title="关于路灯的求助", caller_phone="13900001111"))
ONE_BREATH = "我在涧西区南昌路三号院，路灯坏了三天了"


def looked_up(talk: Talk) -> LookUpTickets:
    return [action for action in talk.did if isinstance(action, LookUpTickets)][-1]


def test_the_line_proves_who_calls() -> None:
    talk = Talk()
    talk.say("我上次反映的办得怎么样了")
    assert looked_up(talk) == LookUpTickets(phone=CALLER)
    done = talk.take(talk.dialog.outcome(TicketsFound((MINE,))))
    assert keys(done) == ["status_found", "status_found_department", "anything_else"]
    assert "受理" in words(done)


def test_who_asks_hears_until_when_it_will_be_done() -> None:
    due = StageDue(TicketState.DONE, NOW, datetime(2026, 12, 1, 17, tzinfo=UTC))  # one o'clock of the 2nd in Luoyang
    talk = Talk()
    talk.say("我上次反映的办得怎么样了")
    waiting = replace(MINE, draft=replace(MINE.draft, due=(due,)))
    assert "12月2日前办结" in words(talk.take(talk.dialog.outcome(TicketsFound((waiting,)))))
    talk.say("查一下工单进度")
    done = talk.take(talk.dialog.outcome(TicketsFound((replace(waiting, state=TicketState.RATED),))))
    assert "status_found_due" not in keys(done)


def test_a_withheld_number_is_asked_for_and_the_last_digits_prove_who_calls() -> None:
    talk = Talk(number="")
    assert keys(talk.say("查一下工单进度")) == ["status_ask_number"]
    talk.say("二零二六一一二五零零零一")
    assert looked_up(talk).number == "LY202611250001"
    assert keys(talk.take(talk.dialog.outcome(TicketsFound((HERS,))))) == ["status_ask_identity"]
    assert keys(talk.say("二二二二")) == ["status_identity_wrong"]
    assert keys(talk.say("幺幺幺幺"))[0] == "status_found"


def test_who_proves_who_they_are_is_left_out_of_the_recording_where_the_city_asks_for_it() -> None:
    for pause in (False, True):
        talk = Talk(number="", using=replace(tools(), settings=DialogSettings(pause_recording=pause)))
        talk.say("查一下工单进度", "二零二六一一二五零零零一")
        talk.take(talk.dialog.outcome(TicketsFound((HERS,))))
        asked = [action for action in talk.did if isinstance(action, Ask)]
        assert [action.secret for action in asked] == [False] * (len(asked) - 1) + [pause]


def test_the_wrong_digits_twice_reach_a_person_and_tell_nothing() -> None:
    talk = Talk()
    talk.say("工单号是二零二六一一二五零零零一")
    talk.take(talk.dialog.outcome(TicketsFound((HERS,))))
    done = talk.say("二二二二", "三三三三")
    assert "路灯" not in words(talk.did)
    assert [a.reason for a in done if isinstance(a, HandOff)] == [HandOffReason.UNSURE]


def test_a_ticket_without_a_number_is_told_by_a_person() -> None:
    talk = Talk()
    talk.say("工单号是二零二六一一二五零零零一")
    done = talk.take(talk.dialog.outcome(TicketsFound((ticket(TicketDraft(title="匿名")),))))
    assert any(isinstance(action, HandOff) for action in done)


def test_no_ticket_under_the_line_is_looked_for_under_a_number() -> None:
    talk = Talk()
    talk.say("查一下工单进度")
    assert keys(talk.take(talk.dialog.outcome(TicketsFound(())))) == ["status_ask_number"]
    talk.say("幺三九零零零零幺幺幺幺")
    assert looked_up(talk).phone == "13900001111"
    assert keys(talk.take(talk.dialog.outcome(TicketsFound(())))) == ["status_none", "anything_else"]


def test_a_number_that_stays_unclear_reaches_a_person() -> None:
    talk = Talk(number="")
    assert keys(talk.say("查一下工单进度", "那个零零三")) == ["status_ask_number_again"]
    assert any(isinstance(action, HandOff) for action in talk.say("就是零零三"))


def test_a_failed_look_up_reaches_a_person() -> None:
    talk = Talk()
    talk.say("查一下工单进度")
    done = talk.take(talk.dialog.outcome(TicketsFound((), failed=True)))
    assert [a.reason for a in done if isinstance(a, HandOff)] == [HandOffReason.FAULT]


def test_tickets_that_nobody_asked_for_are_not_told() -> None:
    talk = Talk()
    assert talk.take(talk.dialog.outcome(TicketsFound((MINE,)))) == []


def test_a_failed_filing_reaches_a_person_with_the_draft() -> None:
    talk = Talk(files=False)
    talk.say(ONE_BREATH, "对")
    assert keys(talk.say("喂")) == ["wait"]
    done = talk.take(talk.dialog.outcome(FilingFailed(1, "locked")))
    (hand,) = [action for action in done if isinstance(action, HandOff)]
    assert hand.reason is HandOffReason.FAULT
    assert "路灯坏了" in hand.summary
    assert talk.dialog.draft is not None


@pytest.mark.parametrize(("position", "key"), [(1, "queue_next"), (3, "queue_position")])
def test_the_place_in_the_queue_is_told(position: int, key: str) -> None:
    talk = Talk(files=False)
    talk.say("转人工")
    assert keys(talk.take(talk.dialog.outcome(HandOffQueued(position)))) == [key]


def test_without_a_person_the_matter_is_taken_down() -> None:
    talk = Talk(files=False)
    talk.say("转人工")
    done = talk.take(talk.dialog.outcome(HandOffFailed("full")))
    assert keys(done) == ["queue_failed", "queue_failed_intake", "ask_what"]
    assert keys(talk.say(ONE_BREATH)) == ["readback"]


def test_without_a_person_danger_hears_the_number_again() -> None:
    talk = Talk(files=False)
    talk.say("着火了")
    done = talk.take(talk.dialog.outcome(HandOffFailed("full")))
    assert "119" in words(done)
    assert talk.say("喂")


def test_what_is_said_while_waiting_is_kept() -> None:
    talk = Talk()
    talk.say("转人工", "南昌路三号院路灯坏了")
    assert talk.dialog.draft is not None
    assert talk.dialog.draft.address.road == "南昌路"


def test_a_ticket_number_that_was_talked_over_is_told_again() -> None:
    talk = Talk()
    talk.say(ONE_BREATH, "对")
    talk.dialog.interrupted("已经登记好了。")
    assert "filed_number" in keys(talk.say("没有了"))
    talk.dialog.interrupted("")
    assert "filed_number" not in keys(talk.say("满意"))


def test_an_unsure_department_is_not_promised() -> None:
    unsure = replace(tools(), router=FakeRouter(automatic=False), categories=FakeCategories(probability=0.1))
    talk = Talk(using=unsure)
    done = talk.say(ONE_BREATH, "对")
    assert "filed_department_open" in keys(done)
    assert talk.drafts[0].category == ()


def test_keys_answer_what_was_asked() -> None:
    talk = Talk(number="")
    talk.say("南昌路三号院路灯坏了")
    talk.take(talk.dialog.press("13937912345#"))
    assert talk.dialog.draft is not None
    assert talk.dialog.draft.caller_phone == "13937912345"
    assert any(isinstance(action, FileTicket) for action in talk.take(talk.dialog.press("1")))


def test_a_key_that_nobody_asked_for_is_explained() -> None:
    talk = Talk()
    assert keys(talk.take(talk.dialog.press("7"))) == ["digits_hint", "invite"]
    assert talk.take(talk.dialog.press("")) == []
    talk.say(ONE_BREATH)
    assert keys(talk.take(talk.dialog.press("2"))) == ["ask_which_wrong"]


def test_a_number_with_digits_missing_is_asked_again_at_the_read_back() -> None:
    talk = Talk()
    assert keys(talk.say(ONE_BREATH, "电话是一三八零零")) == ["ask_phone_again"]


def test_a_long_call_reaches_a_person() -> None:
    short = tools().settings.model_copy(update={"max_turns": 3})
    talk = Talk(using=replace(tools(), settings=short))
    assert any(isinstance(action, HandOff) for action in talk.say("嗯", "嗯", "嗯", "嗯"))


def test_no_rating_is_asked_when_the_city_wants_none() -> None:
    without = tools().settings.model_copy(update={"rating": False})
    talk = Talk(using=replace(tools(), settings=without))
    assert keys(talk.say(ONE_BREATH, "对", "没有了")) == ["goodbye"]


@pytest.mark.parametrize(
    ("said", "stars"),
    [("满意", 4), ("蔓一。", 4), ("非常慢意", 5), ("不慢意", 2), ("三分", 3), ("五", 5), ("路上的车很慢", None)],
)  # fmt: skip
def test_a_rating_is_heard_by_its_sound_too(said: str, stars: int | None) -> None:
    assert find_stars(said) == stars
