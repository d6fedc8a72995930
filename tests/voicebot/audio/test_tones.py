import numpy as np
import pytest

from voicebot.audio.level import rms_dbfs
from voicebot.audio.tones import beep, key_tone, ringback, tone


def peaks_hz(pcm: bytes, count: int) -> set[int]:
    wave = np.frombuffer(pcm, "<i2").astype(float)
    power = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 8000))
    found: list[int] = []
    for at in power.argsort()[::-1]:
        if all(abs(at - other) > 40 for other in found):
            found.append(int(at))
        if len(found) == count:
            break
    return set(found)


@pytest.mark.parametrize(
    ("key", "row_hz", "column_hz"),
    [("1", 697, 1209), ("0", 941, 1336), ("#", 941, 1477), ("D", 941, 1633), ("6", 770, 1477)],
)
def test_a_key_is_the_two_sines_of_its_row_and_column(key: str, row_hz: int, column_hz: int) -> None:
    found = sorted(peaks_hz(key_tone(key, 200), 2))
    assert found == pytest.approx([row_hz, column_hz], abs=3)


@pytest.mark.parametrize("key", ["", "12", "E", "一"])
def test_what_is_no_key_has_no_tone(key: str) -> None:
    with pytest.raises(ValueError, match="no telephone key"):
        key_tone(key)


def test_ringback_sounds_one_second_in_five() -> None:
    pcm = ringback(10_000)
    assert len(pcm) == 160_000
    loud = [rms_dbfs(pcm[at : at + 16_000]) > -30 for at in range(0, len(pcm), 16_000)]
    assert loud == [True, False, False, False, False] * 2
    assert peaks_hz(pcm[:16_000], 1) == {450}


def test_a_tone_begins_and_ends_without_a_click() -> None:
    wave = np.frombuffer(beep(), "<i2").astype(int)
    assert abs(wave[0]) < 200
    assert abs(wave[-1]) < 200


def test_a_tone_without_frequencies_or_time_is_silence() -> None:
    assert tone((), 20) == bytes(320)
    assert tone((1000,), 0) == b""
