"""Small talk, tempers, goodbyes, ratings, and callers who speak English."""

import pytest

from tests.support.talking import ONE_BREATH, Talk, keys, words
from voicebot.core.actions import FileTicket, HandOff, HangUp, Rate
from voicebot.core.call import HandOffReason


def test_the_rating_is_taken_in_words_and_digits() -> None:
    for answer, stars in (("非常满意", 5), ("不满意", 2), ("三分", 3), ("还行吧", 3), ("对", 4)):
        talk = Talk()
        done = talk.say(ONE_BREATH, "对", "没有了", answer)
        assert [a.stars for a in done if isinstance(a, Rate)] == [stars]
        assert isinstance(done[-1], HangUp)
    talk = Talk()
    talk.say(ONE_BREATH, "对", "没有了")
    assert talk.take(talk.dialog.press("5"))[0] == Rate(5)


def test_no_rating_ends_the_call_all_the_same() -> None:
    talk = Talk()
    done = talk.say(ONE_BREATH, "对", "没有了", "我还有事呢")
    assert keys(done) == ["goodbye"]
    assert isinstance(done[-1], HangUp)
    assert talk.say("喂") == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("你再说一遍", "greeting"),
        ("等一下", "wait"),
        ("我在打电话呢，别吵", "wait"),
        ("哈哈哈", "laugh"),
        ("嗯", "listen_on"),
        ("喂你好", "listen_on"),
        ("你是机器人吗", "what_bot"),
        ("叔叔阿姨你好，给我讲个故事", "child"),
        ("谢谢", "welcome"),
        ("再见", "goodbye"),
        ("妈的", "calm"),
    ],
)
def test_small_talk_has_its_answer(text: str, key: str) -> None:
    assert keys(Talk().say(text))[0] == key


def test_a_question_is_repeated_as_it_was() -> None:
    talk = Talk()
    asked = talk.say("路灯坏了")
    assert talk.say("你再说一遍") == asked
    assert talk.say("等一下", "什么") == asked


def test_swearing_does_not_hide_the_matter_and_three_times_reach_a_person() -> None:
    talk = Talk()
    assert keys(talk.say("你们他妈的管不管，武汉路路灯坏了")) == ["calm", "readback"]
    assert talk.dialog.draft is not None
    assert talk.dialog.draft.what == "路灯坏了"
    talk.say("妈的")
    assert any(isinstance(a, HandOff) and a.reason is HandOffReason.ABUSE for a in talk.say("废物"))


def test_a_goodbye_before_the_end_offers_to_file_what_is_there() -> None:
    talk = Talk()
    assert keys(talk.say("路灯坏了", "再见")) == ["leave_unfinished"]
    assert any(isinstance(action, FileTicket) for action in talk.say("好的"))
    talk = Talk()
    assert isinstance(talk.say("路灯坏了", "再见", "不用了")[-1], HangUp)


def test_english_callers_are_served_in_english_and_the_ticket_is_chinese() -> None:
    talk = Talk()
    done = talk.say("Hello, the street light on Nanchang Road in Jianxi District is broken")
    assert "Let me check" in words(done)
    done = talk.say("yes")
    assert "8 0 0 0" not in words(done)
    (draft,) = talk.drafts
    assert (draft.what, draft.address.road, draft.language) == ("路灯不亮", "南昌路", "en")
    assert "street light" in draft.summary


def test_english_can_be_asked_for_and_left_again() -> None:
    talk = Talk()
    assert words(talk.say("说英语")) == "How can I help you?"
    assert words(talk.say("speak Chinese please")).startswith("好的，我们用中文。")


def test_english_speakers_reach_a_person_who_speaks_it() -> None:
    done = Talk().say("I want to speak to a real person")
    assert [a.skill for a in done if isinstance(a, HandOff)] == ["english"]


def test_a_rating_that_comes_early_is_taken() -> None:
    done = Talk().say(ONE_BREATH, "对", "非常满意")
    assert done[0] == Rate(5)


def test_nothing_else_files_what_was_read_back() -> None:
    talk = Talk()
    talk.say(ONE_BREATH)
    assert "filing" in keys(talk.say("没有别的了，谢谢"))


def test_the_number_of_the_line_is_a_yes_to_the_read_back() -> None:
    talk = Talk()
    talk.say(ONE_BREATH)
    assert "filing" in keys(talk.say("就打我现在这个电话就行"))


def test_a_no_after_all_is_done_ends_the_call_and_before_that_begins_it() -> None:
    talk = Talk()
    assert keys(talk.say("没有")) == ["invite_again"]
    talk.say(ONE_BREATH, "对", "有")
    assert keys(talk.say("没有了")) == ["ask_rating"]


def test_can_you_hear_me_is_answered_by_listening() -> None:
    assert keys(Talk().say("喂喂，听得见吗")) == ["listen_on"]


def test_who_knows_no_number_of_a_ticket_gets_a_person() -> None:
    talk = Talk("")
    talk.say("我上次反映的办得怎么样了")
    (hand,) = [action for action in talk.say("不记得了") if isinstance(action, HandOff)]
    assert hand.reason is HandOffReason.UNSURE
