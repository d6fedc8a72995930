import pytest

from voicebot.core.speech import Expect
from voicebot.pipeline.digits import DigitCollector


def test_a_rating_is_one_key() -> None:
    assert DigitCollector().press("5", 0, Expect.RATING) == "5"


def test_the_hash_key_ends_a_number() -> None:
    collector = DigitCollector()
    assert [collector.press(key, 0, Expect.DIGITS) for key in "138#"] == ["", "", "", "138"]


def test_a_pause_ends_a_number() -> None:
    collector = DigitCollector()
    collector.press("1", 1000, Expect.ANYTHING)
    assert collector.tick(2400, Expect.ANYTHING) == ""
    assert collector.tick(2500, Expect.ANYTHING) == "1"
    assert collector.tick(9000, Expect.ANYTHING) == ""


def test_a_number_may_be_keyed_in_slowly() -> None:
    collector = DigitCollector()
    collector.press("1", 0, Expect.DIGITS)
    assert collector.tick(2400, Expect.DIGITS) == ""
    assert collector.tick(2500, Expect.DIGITS) == "1"


def test_a_hash_alone_is_a_key_like_any_other() -> None:
    collector = DigitCollector()
    assert collector.press("#", 0, Expect.ANYTHING) == ""
    assert collector.tick(1500, Expect.ANYTHING) == "#"


@pytest.mark.parametrize(("expects", "most"), [(Expect.DIGITS, 12), (Expect.ANYTHING, 32)])
def test_a_stuck_key_cannot_grow_without_limit(expects: Expect, most: int) -> None:
    collector = DigitCollector()
    assert [collector.press("1", 0, expects) for _ in range(most)][-1] == "1" * most
