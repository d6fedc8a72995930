import numpy as np

from voicebot.audio.level import rms_dbfs
from voicebot.audio.tones import ringback, tone


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


def test_ringback_sounds_one_second_in_five() -> None:
    pcm = ringback(10_000)
    assert len(pcm) == 160_000
    loud = [rms_dbfs(pcm[at : at + 16_000]) > -30 for at in range(0, len(pcm), 16_000)]
    assert loud == [True, False, False, False, False] * 2
    assert peaks_hz(pcm[:16_000], 1) == {450}


def test_a_tone_begins_and_ends_without_a_click() -> None:
    wave = np.frombuffer(tone((800,), 150, level_dbfs=-18, fade_ms=10), "<i2").astype(int)
    assert abs(wave[0]) < 200
    assert abs(wave[-1]) < 200


def test_a_tone_without_frequencies_or_time_is_silence() -> None:
    assert tone((), 20) == bytes(320)
    assert tone((1000,), 0) == b""
