import pytest

from asr.loops import runs_away
from tests.support.raw_sentences import SENTENCES


@pytest.mark.parametrize(
    "text",
    ["谢谢谢谢" * 20, "我要反映路灯的问题" * 6, "啊" * 60, "继续继续继续继续继续", "It's okay, it's okay, it's okay."],
)
def test_a_text_that_repeats_itself_runs_away(text: str) -> None:
    assert runs_away(text, len(text), 30.0)


def test_more_tokens_than_anybody_can_speak_run_away() -> None:
    text = "".join(SENTENCES)[:60]
    assert runs_away(text, 60, 2.0)
    assert not runs_away(text, 60, 10.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "嗯",
        "一三八零零一三八零零零",
        "88888888",
        "对对对对对对对对对对",
        "不对不对不对",
        "八六八六八六八六八六",
        "no no no",
        "thank you, thank you",
        *SENTENCES,
    ],
)
def test_what_callers_say_does_not(text: str) -> None:
    assert not runs_away(text, len(text), 6.0)
