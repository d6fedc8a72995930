"""Caller says, bot does: whole conversations as tables."""

import pytest

from tests.support.talking import CALLER, Talk, keys, words
from voicebot.core.actions import Ask, FileTicket, HandOff, HangUp, Rate, Say
from voicebot.core.call import HandOffReason
from voicebot.core.speech import Expect
from voicebot.core.ticket import Confidentiality, TicketType

ONE_BREATH = "我在涧西区南昌路三号院，路灯坏了三天了，你们管不管"


def test_the_notice_cannot_be_talked_over_and_free_speech_follows_at_once() -> None:
    notice, invitation = Talk().did
    assert isinstance(notice, Say)
    assert not notice.interruptible
    assert "录音" in notice.text
    assert "智能" in notice.text
    assert isinstance(invitation, Ask)
    assert invitation.expects is Expect.ANYTHING


def test_a_complaint_in_one_breath_is_filed_after_two_turns() -> None:
    talk = Talk()
    talk.say(ONE_BREATH)
    read_back = talk.did[-1]
    assert isinstance(read_back, Ask)
    assert read_back.expects is Expect.YES_NO
    for part in ("路灯坏了三天了", "涧西区南昌路三号院", "尾号八零零零"):
        assert part in read_back.text
    done = talk.say("对")
    (draft,) = talk.drafts
    assert (draft.address.district, draft.address.road, draft.address.number) == ("涧西区", "南昌路", "3号院")
    assert draft.address.node == "410305-04"
    assert draft.caller_phone == CALLER
    assert draft.type is TicketType.HELP
    assert draft.category
    assert draft.dispatch is not None
    assert draft.time.since
    assert dict(draft.sources)["address"] == ONE_BREATH
    assert "二零二六，一一二五，零零零一" in words(done)
    assert "洛阳市城市管理局" in words(done)


def test_a_complaint_told_piece_by_piece_takes_six_turns() -> None:
    talk = Talk(number="")
    talk.say("我想反映个问题", "我们小区没水了", "涧西区丽新小区", "幺三九三七九幺二三四五", "对")
    (draft,) = talk.drafts
    assert draft.what == "我们小区没水了"
    assert draft.address.community == "丽新小区"
    assert draft.caller_phone == "13937912345"


@pytest.mark.parametrize(
    ("correction", "field", "value"),
    [
        ("不对，是五号楼", "building", "5号楼"),
        ("不对不对，是西苑路", "road", "西苑路"),
        ("错了，应该是洛龙区", "district", "洛龙区"),
        ("不是三号院，是八号院", "number", "8号院"),
    ],
)
def test_the_place_is_corrected_at_the_read_back(correction: str, field: str, value: str) -> None:
    talk = Talk()
    done = talk.say(ONE_BREATH, correction)
    assert keys(done) == ["corrected", "readback"]
    assert talk.dialog.draft is not None
    assert getattr(talk.dialog.draft.address, field) == value
    talk.say("对")
    assert getattr(talk.drafts[0].address, field) == value


def test_the_number_is_corrected_and_read_back_alone() -> None:
    talk = Talk()
    done = talk.say(ONE_BREATH, "不对，电话改成幺三九三七九幺二三四五")
    assert "一三九，三七九一，二三四五" in words(done)
    assert "南昌路" not in words(done)


def test_what_is_wrong_is_asked_for_and_two_more_refusals_reach_a_person() -> None:
    talk = Talk()
    assert keys(talk.say(ONE_BREATH, "不对")) == ["ask_which_wrong"]
    talk.say("不对")
    done = talk.say("不对")
    assert any(isinstance(action, HandOff) for action in done)


def test_not_this_but_that_replaces_the_matter() -> None:
    talk = Talk()
    talk.say("南昌路三号院路灯坏了", "不是路灯，是井盖")
    assert talk.dialog.draft is not None
    assert talk.dialog.draft.what == "井盖坏了"


def test_two_topics_become_two_tickets() -> None:
    talk = Talk()
    talk.say("南昌路三号院路灯坏了，另外我们楼下垃圾没人清运", "对", "是的", "对")
    assert [draft.what for draft in talk.drafts] == ["路灯坏了", "我们楼下垃圾没人清运"]
    assert talk.drafts[1].address.road == "南昌路"


def test_the_second_topic_may_be_elsewhere() -> None:
    talk = Talk()
    talk.say("南昌路三号院路灯坏了，另外我们楼下垃圾没人清运", "对", "不是，在西苑路", "对")
    assert talk.drafts[1].address.road == "西苑路"


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


def test_confidentiality_is_asked_when_a_company_is_reported() -> None:
    talk = Talk()
    assert keys(talk.say("我要举报洛阳鑫源化工厂偷排污水")) == ["ask_confidential"]
    talk.say("要", "对")
    assert talk.drafts[0].confidentiality is Confidentiality.CONFIDENTIAL


@pytest.mark.parametrize("text", ["我要举报洛阳鑫源化工厂偷排污水，要给我保密", "匿名举报洛阳鑫源化工厂偷排污水"])
def test_confidentiality_is_not_asked_when_it_was_said(text: str) -> None:
    assert keys(Talk().say(text))[-1] == "readback"


def test_nobody_must_leave_a_number() -> None:
    talk = Talk(number="")
    talk.say("南昌路三号院路灯坏了", "我不想留电话", "对")
    assert talk.drafts[0].anonymous
    assert talk.drafts[0].caller_phone == ""


def test_a_place_nobody_can_name_does_not_stop_the_ticket() -> None:
    talk = Talk()
    talk.say("路灯坏了", "不知道", "对")
    assert talk.drafts[0].address.spoken == ""


def test_a_place_that_no_map_knows_is_taken_as_it_is() -> None:
    talk = Talk()
    talk.say("路灯坏了", "就老张家门前头那片", "老张家门前头那片空地上", "对")
    assert talk.drafts[0].address.spoken == "老张家门前头那片空地上"


def test_only_the_road_of_a_district_is_asked() -> None:
    done = Talk().say("涧西区的路灯坏了")
    assert "涧西区" in words(done)
    assert keys(done) == ["ask_where_in"]


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


@pytest.mark.parametrize("answer", ["对", "没有了", "好的"])
def test_a_yes_is_no_place(answer: str) -> None:
    assert keys(Talk().say("路灯坏了", answer)) == ["not_heard"]


def test_a_rating_that_comes_early_is_taken() -> None:
    done = Talk().say(ONE_BREATH, "对", "非常满意")
    assert done[0] == Rate(5)


def test_what_cannot_be_said_better_is_taken_as_it_is() -> None:
    talk = Talk()
    talk.say("我要投诉", "唉那样", "就那样", "不知道", "对")
    assert talk.drafts[0].what


def test_a_second_number_may_be_needed() -> None:
    talk = Talk(number="")
    assert keys(talk.say("南昌路三号院路灯坏了", "一三八零零")) == ["ask_phone_again"]
    assert keys(talk.say("不用了")) == ["readback"]


def test_the_second_topic_may_be_elsewhere_without_saying_where() -> None:
    talk = Talk()
    assert keys(talk.say("南昌路三号院路灯坏了，另外我们楼下垃圾没人清运", "对", "不是")) == ["ask_where"]


def test_confidentiality_may_be_declined_or_talked_past() -> None:
    talk = Talk()
    assert keys(talk.say("我要举报洛阳鑫源化工厂偷排污水", "在涧西区武汉路")) == ["ask_confidential"]
    talk.say("不用", "对")
    assert talk.drafts[0].confidentiality is Confidentiality.OPEN


def test_a_yes_with_more_behind_it_takes_the_more_along() -> None:
    talk = Talk()
    talk.say(ONE_BREATH, "对，希望今天就派人来修")
    assert "今天就派人来修" in talk.drafts[0].demand
    talk = Talk()
    assert keys(talk.say(ONE_BREATH, "对，电话是幺三九三七九幺二三四五")) == ["corrected", "readback"]


def test_everything_that_can_change_is_read_back_when_it_does() -> None:
    talk = Talk()
    done = talk.say(ONE_BREATH, "不对，是昨天晚上，希望马上修好，要给我保密")
    for part in ("昨天晚上", "马上修好", "保密"):
        assert part in words(done)
    assert "不留姓名" in words(talk.say("不对，我要匿名"))


def test_danger_to_many_is_urgent() -> None:
    talk = Talk()
    talk.say("南昌路三号院电线漏电，赔了两千块钱，包工头叫刘大伟", "对")
    (draft,) = talk.drafts
    assert draft.urgency == "urgent"
    assert "两千" not in draft.amount
    assert "2000元" in draft.summary
    assert "刘大伟" in draft.summary


def test_danger_during_a_ticket_keeps_its_place() -> None:
    talk = Talk()
    assert "emergency_where" not in keys(talk.say(ONE_BREATH, "现在又着火了"))
    assert talk.dialog.draft is not None
    assert talk.dialog.draft.urgency == "emergency"
