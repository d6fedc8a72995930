"""The opening, what articles answer, and what is not accepted."""

import pytest

from tests.support.talking import Talk, keys, words
from voicebot.core.actions import Ask, Say
from voicebot.core.speech import Expect
from voicebot.core.ticket import TicketType


def test_the_notice_cannot_be_talked_over_and_free_speech_follows_at_once() -> None:
    notice, invitation = Talk().did
    assert isinstance(notice, Say)
    assert not notice.interruptible
    assert "录音" in notice.text
    assert "智能" in notice.text
    assert isinstance(invitation, Ask)
    assert invitation.expects is Expect.ANYTHING


def test_a_question_is_answered_in_portions_with_its_source() -> None:
    talk = Talk()
    first = talk.say("身份证丢了怎么补办")
    assert isinstance(first[0], Say)
    assert first[0].source == "idcard"
    assert keys(first) == ["answer", "answer_more"]
    assert keys(talk.say("要")) == ["answer", "answer_more"]
    assert keys(talk.say("继续")) == ["answer", "anything_else"]
    assert keys(talk.say("没有了")) == ["ask_rating"]


def test_the_caller_may_have_heard_enough() -> None:
    talk = Talk()
    assert keys(talk.say("身份证丢了怎么补办", "不用了")) == ["anything_else"]


def test_an_unsure_answer_is_not_spoken_but_offered_as_a_ticket() -> None:
    talk = Talk()
    done = talk.say("公积金怎么提取")
    assert "不该说出来" not in words(done)
    assert keys(done) == ["answer_unsure", "offer_ticket"]
    talk.say("好的", "对")
    (draft,) = talk.drafts
    assert draft.type is TicketType.INQUIRY
    assert draft.address.spoken == ""
    assert "答复" in draft.summary


def test_an_offer_may_be_declined() -> None:
    talk = Talk()
    assert keys(talk.say("公积金怎么提取", "不用了")) == ["anything_else"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("我在法院打官司，对判决不服", "refuse_litigation"),
        ("我申请了劳动仲裁，一直没结果", "refuse_arbitration"),
        ("我要举报我们村支书贪污", "refuse_discipline"),
        ("我申请行政复议已经两个月了", "refuse_review"),
        ("我申请政府信息公开没人理", "refuse_disclosure"),
        ("信访局已经受理了我的事", "refuse_petition"),
        ("我说个国家秘密", "refuse_secret"),
    ],
)
def test_what_is_not_accepted_is_named_with_the_right_door(text: str, key: str) -> None:
    assert keys(Talk().say(text)) == [key, "refuse_else"]


def test_someone_who_insists_gets_a_ticket_from_an_unanswered_question() -> None:
    talk = Talk()
    talk.say("公积金怎么提取", "帮我登记")
    assert talk.dialog.draft is not None
    assert talk.dialog.draft.what == "公积金怎么提取"


def test_a_question_about_a_place_is_a_question() -> None:
    assert keys(Talk().say("龙门石窟旁边哪里能办护照"))[0] == "answer"


def test_who_asks_because_something_is_wrong_is_offered_a_ticket_after_the_answer() -> None:
    talk = Talk()
    assert keys(talk.say("护照被弄坏了怎么办")) == ["answer", "offer_ticket_short"]
    assert keys(talk.say("好的")) == ["ask_where"]
