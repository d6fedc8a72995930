"""What the bot says lies in data, in both languages, and much of it never changes."""

import pytest

from dialog.flow.states import ALWAYS, TABLE, State
from dialog.texts import Texts
from voicebot.core.errors import ConfigurationError


def test_both_languages_have_the_same_keys() -> None:
    assert Texts("zh").keys() == Texts("en").keys()


def test_wordings_take_turns() -> None:
    texts = Texts("zh")
    assert texts.get("anything_else", 0) != texts.get("anything_else", 1)
    assert texts.get("anything_else", 0) == texts.get("anything_else", 2)


def test_fixed_sentences_have_no_blanks_and_come_once() -> None:
    fixed = Texts("zh", hotline="洛阳12345").fixed()
    assert len(set(fixed)) == len(fixed)
    assert not any("{" in sentence for sentence in fixed)
    assert "您好，这里是洛阳12345，我是智能语音助手，通话会录音。" in fixed
    assert "我跟您核对一下。" in fixed


def test_a_city_replaces_a_wording() -> None:
    assert Texts("zh", {"goodbye": "再见。"}).get("goodbye", 1) == "再见。"


@pytest.mark.parametrize("prompts", [{"no_such_key": "好"}, {"goodbye": "再见，{name}。"}])
def test_a_prompt_that_fits_nowhere_is_refused(prompts: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="用不上"):
        Texts("zh", prompts)


def test_english_digits_are_read_one_by_one() -> None:
    assert Texts("en").digits("13800138000").split() == ["1", "3", "8,", "0", "0", "1", "3,", "8", "0", "0", "0"]


def test_the_table_knows_every_state() -> None:
    assert set(TABLE) == set(State)
    assert len({intent for intent, _ in ALWAYS}) == len(ALWAYS)
