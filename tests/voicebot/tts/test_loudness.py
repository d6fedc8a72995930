"""One loudness, no silence before the voice, nothing clipped."""

import numpy as np
import pytest

from voicebot.tts.loudness import at_level, trim

RATE_HZ = 8000


def voice(level: float, ms: int = 500) -> np.ndarray:
    time = np.arange(RATE_HZ * ms // 1000) / RATE_HZ
    return (level * np.sin(2 * np.pi * 300 * time)).astype(np.float32)


def test_silence_at_both_ends_goes_but_for_a_breath() -> None:
    silence = np.zeros(RATE_HZ, np.float32)
    trimmed = trim(np.concatenate([silence, voice(0.3), silence]), RATE_HZ, lead_ms=20, tail_ms=120)
    assert len(trimmed) == pytest.approx(RATE_HZ * 0.64, abs=RATE_HZ * 0.02)
    assert np.abs(trimmed[: RATE_HZ // 100]).max() < 0.01


def test_a_signal_without_sound_comes_back_empty() -> None:
    assert len(trim(np.zeros(RATE_HZ, np.float32), RATE_HZ)) == 0
    assert len(trim(np.zeros(3, np.float32), RATE_HZ)) == 0
    assert not at_level(np.zeros(RATE_HZ, np.float32), RATE_HZ, -20).any()


@pytest.mark.parametrize("level", [0.01, 0.1, 0.9])
def test_quiet_and_loud_voices_come_out_alike(level: float) -> None:
    out = at_level(voice(level), RATE_HZ, -20)
    assert 20 * np.log10(np.sqrt(np.square(out).mean())) == pytest.approx(-20, abs=0.5)


def test_pauses_do_not_make_a_voice_louder() -> None:
    pause = np.zeros(RATE_HZ * 2, np.float32)
    out = at_level(np.concatenate([voice(0.1), pause, voice(0.1)]), RATE_HZ, -20)
    assert np.abs(out).max() == pytest.approx(0.1 * np.sqrt(2), rel=0.1)


def test_peaks_are_rounded_and_never_clipped() -> None:
    spiky = voice(0.05)
    spiky[::400] = 1.0
    out = at_level(spiky, RATE_HZ, -12)
    assert np.abs(out).max() < 10 ** (-1 / 20)
