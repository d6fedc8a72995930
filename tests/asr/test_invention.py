import pytest

from asr.invention import is_invented
from tests.support.raw_sentences import SENTENCES


@pytest.mark.parametrize(
    "text",
    [
        "谢谢观看",
        "感谢大家的收看！",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
        "字幕by索兰娅",
        "(字幕制作:贝尔)",
        "中文字幕志愿者 李宗盛",
        "以下是普通话的句子。",
        "Thank you so much for watching!",
        "♪♪♪",
        "……",
    ],
)
def test_credits_and_farewells_of_videos_are_invented(text: str) -> None:
    assert is_invented(text)


@pytest.mark.parametrize(
    "text",
    [
        *SENTENCES,
        "谢谢",
        "谢谢你，再见",
        "我要投诉电影院的字幕看不清",
        "他们不让观看比赛",
        "音乐声音太大了",
        "Thank you.",
    ],
)
def test_what_callers_say_is_not(text: str) -> None:
    assert not is_invented(text)
