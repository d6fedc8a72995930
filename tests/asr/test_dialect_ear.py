"""The ear of one call: what is heard in a turn decides how the next one is heard."""

import pytest

from asr.dialects.asking import asked_for
from asr.dialects.ear import DialectEar
from asr.dialects.loader import load_packs
from tests.fakes.recogniser import FakeRecogniser
from voicebot.core.frames import AudioFrame
from voicebot.core.speech import DialectNotice, HearingContext, Transcript

PACKS = load_packs()
PRIOR = {"mandarin": 0.7, "henan": 0.3}


class Call:
    """Says one text after the other; ``confidence`` is how well each of them is heard."""

    def __init__(self, *texts: str, confidence: float = 0.9):
        self.engine = FakeRecogniser(*texts, confidence=confidence)
        self.ear = DialectEar(self.engine, PACKS, PRIOR)

    async def turn(self, language: str = "zh") -> Transcript:
        stream = self.ear.open(HearingContext(language))
        stream.push(AudioFrame(bytes(320), 0))
        return await stream.finish()

    @property
    def heard_as(self) -> list[str]:
        return [context.dialect for context in self.engine.contexts]


async def test_words_of_a_dialect_change_the_pack_from_the_next_turn_on() -> None:
    call = Call("俺家停水了，恁管不管", "中不中", "停水三天了")
    heard = [await call.turn() for _ in range(3)]
    assert call.heard_as == ["mandarin", "henan", "henan"]
    assert call.engine.contexts[1].hint == PACKS["henan"].engine_prompt
    assert all(each.notice is None for each in heard)


async def test_mandarin_stays_mandarin() -> None:
    call = Call("我要反映一个问题", "涧西区南昌路三号院的路灯坏了三天了", "对，没错", "可以公开", "没有了，谢谢")
    for _ in range(5):
        await call.turn()
    assert set(call.heard_as) == {"mandarin"}


async def test_the_dialect_that_is_asked_for_is_promised_and_heard() -> None:
    call = Call("我能说四川话吗", "楼下头天天晚上打麻将")
    assert (await call.turn()).notice == DialectNotice(
        "sichuan", "好的，您请说四川话，我会仔细听。", "dialect_sichuan", whole_turn=True
    )
    assert (await call.turn()).notice is None
    assert call.heard_as == ["mandarin", "sichuan"]


async def test_cantonese_is_another_language_for_the_engine_and_english_stays_english() -> None:
    call = Call("我想讲广东话", "几时有水", "hello")
    await call.turn()
    await call.turn()
    await call.turn(language="en")
    assert [context.language for context in call.engine.contexts] == ["zh", "yue", "en"]


async def test_a_caller_who_is_heard_poorly_is_handed_to_a_seat_of_the_likeliest_dialect_once() -> None:
    call = Call("呜呜噜噜噜", confidence=0.3)
    notices = [(await call.turn()).notice for _ in range(5)]
    assert [notice is not None for notice in notices] == [False, False, True, False, False]
    notice = notices[2]
    assert notice is not None
    assert notice.hand_over
    assert notice.seat_skill == "dialect_henan"
    assert "河南话" in notice.text


async def test_in_a_city_without_dialects_a_bad_line_is_no_dialect() -> None:
    call = Call("呜呜噜噜噜", confidence=0.3)
    call.ear = DialectEar(call.engine, PACKS, {"mandarin": 1.0})
    assert [(await call.turn()).notice for _ in range(4)] == [None] * 4


@pytest.mark.parametrize(
    ("said", "dialect", "whole"),
    [
        ("我说河南话行不行？", "henan", True),
        ("你好，能不能讲四川话", "sichuan", True),
        ("请问有没有会说广东话的人", "cantonese", True),
        ("我说河南话，俺家停水了", "henan", False),
    ],
)
def test_a_wish_is_understood(said: str, dialect: str, whole: bool) -> None:
    wish = asked_for(said, PACKS)
    assert wish is not None
    assert (wish.dialect, wish.whole_turn) == (dialect, whole)


@pytest.mark.parametrize(
    "said", ["我不太会说普通话", "我没法说普通话", "四川话我听不懂", "我听不懂四川话", "别说河南话了"]
)
def test_saying_what_one_does_not_speak_is_no_wish(said: str) -> None:
    assert asked_for(said, PACKS) is None
