import pytest

from asr.characters import character_confidence


def test_each_character_takes_the_least_sure_of_its_tokens() -> None:
    # 路 in two tokens, 灯 in one, "ok" in one
    assert character_confidence("路灯ok", [2, 1, 3, 2], [0.9, 0.4, 0.8, 0.7]) == (0.4, 0.8, 0.7, 0.7)


def test_a_token_may_hold_several_characters() -> None:
    assert character_confidence("没有", [6], [0.5]) == (0.5, 0.5)


def test_bytes_that_do_not_add_up_give_everybody_the_mean() -> None:
    assert character_confidence("路灯", [3, 2], [0.6, 0.8]) == pytest.approx((0.7, 0.7))


def test_no_probabilities_no_confidence() -> None:
    assert character_confidence("路灯", [], []) == ()
    assert character_confidence("", [3], [0.5]) == ()
