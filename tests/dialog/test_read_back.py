"""What is read back can be corrected, and only what changed is read again."""

import pytest

from tests.support.talking import ONE_BREATH, Talk, keys, words
from voicebot.core.actions import HandOff


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
