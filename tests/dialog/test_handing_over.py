"""A person is one word away; danger goes first; whoever is not understood is not kept."""

import pytest

from tests.support.talking import NOW, ONE_BREATH, Talk, keys, words
from voicebot.core.actions import FileTicket, HandOff, HandOffReturned, QueueMoved, Say
from voicebot.core.call import HandOffReason
from voicebot.core.ticket import Ticket, TicketDraft, TicketState


@pytest.mark.parametrize("text", ["转人工", "赚人工", "我要转人功", "人工", "叫你们领导来", "给我找个真人"])
@pytest.mark.parametrize("before", [(), ("路灯坏了",), (ONE_BREATH,), ("公积金怎么提取",)])
def test_a_person_is_one_word_away_everywhere(before: tuple[str, ...], text: str) -> None:
    talk = Talk()
    done = talk.say(*before, text)
    hand = next(action for action in done if isinstance(action, HandOff))
    assert hand.reason is HandOffReason.ASKED
    if "路灯坏了" in before:
        assert "路灯坏了" in hand.summary


def test_danger_names_the_number_and_goes_first() -> None:
    talk = Talk()
    done = talk.say("我家楼下着火了")
    hand = next(action for action in done if isinstance(action, HandOff))
    assert (hand.reason, hand.priority, hand.emergency, hand.skill) == (HandOffReason.EMERGENCY, 0, "119", "emergency")
    assert "119" in words(done)
    assert isinstance(done[0], Say)
    assert not done[0].interruptible
    assert keys(done)[-1] == "emergency_where"
    assert keys(talk.say("涧西区南昌路三号院")) == ["emergency_noted"]
    assert talk.dialog.draft is not None
    assert talk.dialog.draft.address.road == "南昌路"
    assert talk.dialog.draft.emergency == "fire"
    assert "南昌路" in talk.dialog.summary


def test_a_waiting_caller_hears_how_far_the_call_has_come_but_not_into_a_question() -> None:
    talk = Talk()
    talk.say("转人工")
    assert words(talk.take(talk.dialog.outcome(QueueMoved(3, 130)))) == "您前面还有2位，请稍等。大约要等2分钟。"
    assert keys(talk.take(talk.dialog.outcome(QueueMoved(1)))) == ["queue_next"]
    for second in range(60):
        if "queue_offer_call_back" in keys(talk.take(talk.dialog.silent(1000 * second))):
            break
    assert list(talk.dialog.outcome(QueueMoved(2))) == []


def test_a_call_that_a_person_gives_back_is_asked_for_what_is_left_and_rated() -> None:
    talk = Talk()
    talk.say("我家楼下着火了")
    filed = Ticket("LY2026112500001", "call-1", 1, "luoyang", "sip", NOW, TicketState.ACCEPTED, TicketDraft())
    assert keys(talk.take(talk.dialog.outcome(HandOffReturned((filed,))))) == ["handoff_returned", "anything_else"]
    assert talk.dialog.draft is None
    ticket = next(action for action in talk.say(ONE_BREATH, "对") if isinstance(action, FileTicket))
    assert ticket.sequence == 2, "the person has filed the first one"
    assert ticket.draft.urgency != "emergency"
    talk = Talk()
    talk.say("转人工")
    talk.take(talk.dialog.outcome(HandOffReturned()))
    assert keys(talk.say("没有了")) == ["ask_rating"]


def test_nobody_in_danger_is_told_a_place() -> None:
    talk = Talk()
    talk.say("我家楼下着火了")
    assert list(talk.dialog.outcome(QueueMoved(2))) == []


def test_danger_is_heard_in_the_middle_of_a_ticket_and_in_the_queue() -> None:
    talk = Talk()
    talk.say("路灯坏了", "转人工")
    hands = [a for a in talk.say("有人晕倒了快来") if isinstance(a, HandOff)]
    assert [hand.priority for hand in hands] == [0]


def test_somebody_who_wants_to_die_hears_a_kind_word_first() -> None:
    assert keys(Talk().say("我不想活了"))[0] == "emergency_self"


def test_two_failures_in_a_row_reach_a_person() -> None:
    talk = Talk()
    assert keys(talk.say("")) == ["not_heard"]
    done = talk.say("")
    assert any(isinstance(a, HandOff) and a.reason is HandOffReason.NOT_UNDERSTOOD for a in done)


def test_a_success_between_two_failures_counts() -> None:
    talk = Talk()
    done = talk.say("", "路灯坏了", "")
    assert not any(isinstance(action, HandOff) for action in done)


def test_a_doubtful_sentence_fails_but_a_doubtful_yes_counts() -> None:
    assert keys(Talk().say("路灯坏了", confidence=0.1)) == ["not_heard"]
    talk = Talk()
    talk.say(ONE_BREATH)
    assert any(isinstance(action, FileTicket) for action in talk.say("对", confidence=0.1))


def test_danger_during_a_ticket_keeps_its_place() -> None:
    talk = Talk()
    assert "emergency_where" not in keys(talk.say(ONE_BREATH, "现在又着火了"))
    assert talk.dialog.draft is not None
    assert talk.dialog.draft.urgency == "emergency"
