import pytest

from voicebot.core.frames import FRAME_SAMPLES
from voicebot.turns.lull import LullChange, LullDetector
from voicebot.turns.settings import TurnSettings

BEGAN, OVER = LullChange.BEGAN, LullChange.OVER


def changes(levels_dbfs: list[float]) -> list[tuple[int, LullChange]]:
    """Frame number and what it did."""
    lull = LullDetector(TurnSettings(lull_db=30, lull_ms=60))
    pushed = [(number, lull.push(level, number * FRAME_SAMPLES)) for number, level in enumerate(levels_dbfs)]
    return [(number, change) for number, change in pushed if change]


def test_three_frames_far_below_the_voice_are_a_lull_until_the_voice_is_back() -> None:
    assert changes([-20] * 10 + [-55] * 5 + [-25] * 3) == [(12, BEGAN), (15, OVER)]


@pytest.mark.parametrize("gap", [[-55, -55], [-45] * 10])
def test_short_gaps_and_soft_syllables_are_none(gap: list[float]) -> None:
    assert changes([-20] * 10 + gap + [-20] * 3) == []


def test_it_begins_at_the_first_quiet_frame() -> None:
    lull = LullDetector(TurnSettings(lull_db=30, lull_ms=60))
    for number, level in enumerate([-20.0] * 10 + [-60.0] * 3):
        lull.push(level, number * FRAME_SAMPLES)
    assert lull.began_at == 10 * FRAME_SAMPLES


def test_quiet_words_behind_a_cry_are_no_lull_for_long() -> None:
    assert changes([-5] * 5 + [-38] * 50) == [(7, BEGAN), (35, OVER)]


def test_a_new_turn_has_a_loudness_of_its_own() -> None:
    lull = LullDetector(TurnSettings())
    for number in range(10):
        lull.push(-10.0, number * FRAME_SAMPLES)
    lull.reset()
    assert not any(lull.push(-45.0, number * FRAME_SAMPLES) for number in range(10, 30))


def test_digital_silence_is_a_lull_in_any_voice() -> None:
    assert changes([-50] * 5 + [-96] * 4) == [(7, BEGAN)]
