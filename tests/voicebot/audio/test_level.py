import pytest

from voicebot.audio.level import SILENCE_DBFS, NoiseFloor, rms_dbfs
from voicebot.audio.tones import tone


def test_silence_is_as_low_as_it_gets() -> None:
    assert rms_dbfs(bytes(320)) == rms_dbfs(b"") == SILENCE_DBFS


def test_a_tone_has_the_level_it_was_made_with() -> None:
    pcm = tone((1000,), 500, level_dbfs=-20, fade_ms=0)
    assert rms_dbfs(pcm) == pytest.approx(-20, abs=0.1)


def test_the_floor_falls_quickly_and_rises_slowly() -> None:
    floor = NoiseFloor(start_dbfs=-40, rise_db_per_s=1)
    for _ in range(10):
        floor.push(-60)
    assert floor.dbfs == pytest.approx(-60, abs=0.1)
    for _ in range(250):  # five seconds of speech
        floor.push(-20)
    assert floor.dbfs == pytest.approx(-55, abs=0.2)


def test_the_floor_does_not_follow_digital_silence_all_the_way() -> None:
    floor = NoiseFloor()
    for _ in range(50):
        floor.push(SILENCE_DBFS)
    assert floor.dbfs == -75


def test_a_hole_in_the_audio_says_nothing_of_the_room() -> None:
    floor = NoiseFloor(start_dbfs=-62)
    for _ in range(5):
        for _ in range(9):  # 180 ms
            floor.push(SILENCE_DBFS)
        floor.push(-62)
    assert floor.dbfs == pytest.approx(-62, abs=0.1)


def test_a_reset_forgets_the_room() -> None:
    floor = NoiseFloor(start_dbfs=-50)
    floor.push(-90)
    floor.reset()
    assert floor.dbfs == -50
