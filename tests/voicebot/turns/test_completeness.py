import pytest

from voicebot.core.speech import Expect
from voicebot.turns.completeness import Completeness, is_backchannel, judge, takes_floor

UNFINISHED, OPEN, COMPLETE = Completeness.UNFINISHED, Completeness.OPEN, Completeness.COMPLETE


@pytest.mark.parametrize(
    ("text", "expects", "verdict"),
    [
        ("我要反映那个", Expect.ANYTHING, UNFINISHED),
        ("我要反映那个，", Expect.ANYTHING, UNFINISHED),
        ("楼下的烧烤摊然后", Expect.ANYTHING, UNFINISHED),
        ("因为", Expect.ANYTHING, UNFINISHED),
        ("小区门口的", Expect.ANYTHING, UNFINISHED),
        ("我家在", Expect.ANYTHING, UNFINISHED),
        ("我的电话是一三八", Expect.ANYTHING, UNFINISHED),
        ("我的电话是13800138000", Expect.ANYTHING, COMPLETE),
        ("路灯坏了", Expect.ANYTHING, OPEN),  # 三天了 may follow
        ("路灯坏了三天了", Expect.ANYTHING, COMPLETE),
        ("涧西区南昌路三号院", Expect.ANYTHING, UNFINISHED),
        ("社保卡丢了怎么补办", Expect.ANYTHING, COMPLETE),
        ("没有了，谢谢。", Expect.ANYTHING, COMPLETE),
        ("对，没错", Expect.ANYTHING, COMPLETE),
        ("没有。", Expect.ANYTHING, COMPLETE),
        ("对", Expect.ANYTHING, OPEN),
        ("有三个问题，第一，小区没有路灯", Expect.ANYTHING, UNFINISHED),
        ("有两个事情，第一，没有路灯，第二，下雨天积水", Expect.ANYTHING, COMPLETE),
        ("my street lamp is broken", Expect.ANYTHING, OPEN),
        ("我叫刘建国", Expect.NAME, OPEN),
        ("这个能办吗？", Expect.ANYTHING, COMPLETE),
        ("是的", Expect.ANYTHING, COMPLETE),
        ("好的，谢谢。", Expect.ANYTHING, COMPLETE),
        ("楼下烧烤摊很吵", Expect.ANYTHING, OPEN),
        ("", Expect.ANYTHING, OPEN),
        ("，。", Expect.ANYTHING, OPEN),
        ("对", Expect.YES_NO, COMPLETE),
        ("不是", Expect.YES_NO, COMPLETE),
        ("不是这个地方", Expect.YES_NO, UNFINISHED),
        ("一三八零零", Expect.DIGITS, UNFINISHED),
        ("13800138000", Expect.DIGITS, COMPLETE),
        ("幺三八零零幺三八零零零", Expect.DIGITS, COMPLETE),
        ("41030319900101123X", Expect.DIGITS, COMPLETE),
        ("138001380001", Expect.DIGITS, OPEN),
        ("我没有手机", Expect.DIGITS, OPEN),
        ("西工区", Expect.ADDRESS, UNFINISHED),
        ("涧西区南昌路", Expect.ADDRESS, UNFINISHED),
        ("南昌路20", Expect.ADDRESS, UNFINISHED),
        ("南昌路二十号", Expect.ADDRESS, COMPLETE),
        ("王城公园对面", Expect.ADDRESS, COMPLETE),
        ("就在我们村口", Expect.ADDRESS, OPEN),
        ("五分", Expect.RATING, COMPLETE),
        ("很满意", Expect.RATING, COMPLETE),
    ],
)
def test_words_tell_whether_more_will_come(text: str, expects: Expect, verdict: Completeness) -> None:
    assert judge(text, expects) is verdict


def test_a_word_said_over_and_over_is_judged_at_once() -> None:
    assert judge("对" * 400 + "吗") is COMPLETE
    assert judge("对" * 400) is COMPLETE


def test_the_sound_of_the_voice_counts_beside_the_words() -> None:
    text = "楼下烧烤摊很吵"
    assert judge(text) is OPEN
    assert judge(text, ending=3.0) is COMPLETE
    assert judge(text, ending=-3.0) is UNFINISHED


@pytest.mark.parametrize(
    ("text", "expects"), [("我要反映那个", Expect.ANYTHING), ("一三八零零", Expect.DIGITS), ("王城路", Expect.ADDRESS)]
)
def test_what_was_asked_for_is_not_talked_away_by_the_voice(text: str, expects: Expect) -> None:
    assert judge(text, expects, ending=9.0) is UNFINISHED


@pytest.mark.parametrize("text", ["嗯", "嗯。", "对对对", "好的，", "知道了", "哦，好的好的", "嗯嗯是的"])
def test_a_listeners_sounds_are_known(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize("text", ["", "嗯我想问一下", "不对", "好的那我问一下", "嗯不"])
def test_anything_else_is_not_a_listeners_sound(text: str) -> None:
    assert not is_backchannel(text)


def test_some_words_take_the_floor() -> None:
    assert takes_floor("等一下")
    assert takes_floor("拜人宫。"), "转人工 over a telephone"
    assert takes_floor("哎，不对不对")
    assert takes_floor("登一下"), "等一下 over a telephone"
    assert not takes_floor("听得到"), "one character alone is too little to go by its sound"
    assert not takes_floor("嗯")
