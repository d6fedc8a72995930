"""Taking down a ticket: only what is missing is asked, in any order it is told."""

import pytest

from tests.support.talking import CALLER, ONE_BREATH, Talk, keys, words
from voicebot.core.actions import Ask
from voicebot.core.speech import Expect
from voicebot.core.ticket import Confidentiality, TicketType


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


def test_two_topics_become_two_tickets() -> None:
    talk = Talk()
    talk.say("南昌路三号院路灯坏了，另外我们楼下垃圾没人清运", "对", "是的", "对")
    assert [draft.what for draft in talk.drafts] == ["路灯坏了", "我们楼下垃圾没人清运"]
    assert talk.drafts[1].address.road == "南昌路"


def test_the_second_topic_may_be_elsewhere() -> None:
    talk = Talk()
    talk.say("南昌路三号院路灯坏了，另外我们楼下垃圾没人清运", "对", "不是，在西苑路", "对")
    assert talk.drafts[1].address.road == "西苑路"


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


@pytest.mark.parametrize("answer", ["对", "没有了", "好的"])
def test_a_yes_is_no_place(answer: str) -> None:
    assert keys(Talk().say("路灯坏了", answer)) == ["not_heard"]


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


def test_danger_to_many_is_urgent() -> None:
    talk = Talk()
    talk.say("南昌路三号院电线漏电，赔了两千块钱，包工头叫刘大伟", "对")
    (draft,) = talk.drafts
    assert draft.urgency == "urgent"
    assert "两千" not in draft.amount
    assert "2000元" in draft.summary
    assert "刘大伟" in draft.summary


@pytest.mark.parametrize(
    "text",
    ["我要匿名举报西工区解放路二十号一家培训班乱收费", "西工区解放路二十号一家培训班乱收费，我要举报，不想说名字"],
)
def test_who_wants_no_name_known_is_known_by_no_number(text: str) -> None:
    talk = Talk()
    said = words(talk.say(text))
    assert "不留姓名和电话" in said
    assert "培训班乱收费" in said
    assert "名字" not in said
    talk.say("对")
    (draft,) = talk.drafts
    assert draft.anonymous
    assert draft.caller_phone == ""
