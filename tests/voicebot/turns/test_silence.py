from hypothesis import given
from hypothesis import strategies as st

from voicebot.core.frames import FRAME_SAMPLES, ms_to_samples
from voicebot.turns.settings import TurnSettings
from voicebot.turns.silence import SilenceTimer


def said(timer: SilenceTimer, start_ms: float, end_ms: float) -> list[float]:
    positions = range(ms_to_samples(start_ms), ms_to_samples(end_ms), FRAME_SAMPLES)
    return [silent for position in positions if (silent := timer.push(position)) is not None]


def test_silence_is_told_from_the_third_second_on_once_a_second() -> None:
    assert said(SilenceTimer(TurnSettings()), 0, 6500) == [3000, 4000, 5000, 6000]


def test_a_sound_begins_it_anew() -> None:
    timer = SilenceTimer(TurnSettings())
    assert said(timer, 0, 4500) == [3000, 4000]
    timer.sound(ms_to_samples(4500))
    assert said(timer, 4500, 8000) == [3000]


def test_an_old_sound_does_not_turn_time_back() -> None:
    timer = SilenceTimer(TurnSettings(), position=ms_to_samples(10_000))
    timer.sound(ms_to_samples(2000))
    assert said(timer, 10_000, 13_500) == [3000]


@given(st.lists(st.integers(1, 40_000), max_size=60))
def test_however_frames_come_no_second_is_told_twice(steps: list[int]) -> None:
    timer, position, told = SilenceTimer(TurnSettings()), 0, []
    for step in steps:
        position += step
        if (silent_ms := timer.push(position)) is not None:
            told.append(silent_ms)
    assert all(value >= 3000 for value in told)
    assert len({int(value // 1000) for value in told}) == len(told)
