"""One loudness, no silence around the voice, nothing clipped, whatever the pieces it comes in."""

import numpy as np
import pytest

from voicebot.tts.loudness import Narrowed, amplified, speaking_rms

RATE_HZ = 24_000
SILENCE = np.zeros(RATE_HZ, np.float32)


def tone(level: float = 0.3, ms: int = 500) -> np.ndarray:
    time = np.arange(RATE_HZ * ms // 1000) / RATE_HZ
    return (level * np.sin(2 * np.pi * 300 * time)).astype(np.float32)


def narrowed(samples: np.ndarray, piece: int = RATE_HZ, level_dbfs: float = -20, rms: float = 0.2) -> np.ndarray:
    """The samples at 8 kHz, -1 to 1."""
    voice = Narrowed(RATE_HZ, level_dbfs, rms, lead_ms=20, tail_ms=120)
    pcm = [voice.push(samples[start : start + piece]) for start in range(0, len(samples), piece)]
    return np.frombuffer(b"".join([*pcm, voice.finish()]), "<i2") / 32768


@pytest.mark.parametrize("piece", [240, 1_000, 24_000, 100_000])
def test_silence_at_both_ends_goes_but_for_a_breath(piece: int) -> None:
    spoken = narrowed(np.concatenate([SILENCE, tone(), SILENCE]), piece)
    assert len(spoken) == pytest.approx(8000 * 0.64, abs=8000 * 0.03)
    assert np.abs(spoken[:80]).max() < 0.01


def test_a_pause_inside_stays() -> None:
    spoken = narrowed(np.concatenate([tone(), SILENCE, tone()]), 4_800)
    assert len(spoken) == pytest.approx(8000 * 2.0, abs=8000 * 0.15)


def test_a_voice_is_passed_on_while_it_is_made() -> None:
    voice = Narrowed(RATE_HZ, -20, 0.2)
    assert not voice.push(SILENCE)
    assert len(voice.push(tone(ms=300))) > 2 * 8 * 200


def test_a_signal_without_sound_comes_back_empty() -> None:
    assert len(narrowed(SILENCE)) == 0
    assert len(narrowed(np.zeros(3, np.float32))) == 0
    assert speaking_rms(np.zeros(3, np.float32), RATE_HZ) == 0


def test_a_voice_of_a_known_level_comes_out_at_the_wanted_one() -> None:
    out = narrowed(tone(0.1), rms=speaking_rms(tone(0.1), RATE_HZ))
    assert 20 * np.log10(speaking_rms(out.astype(np.float32), 8000)) == pytest.approx(-20, abs=0.5)


def test_pauses_do_not_count_for_the_level() -> None:
    assert speaking_rms(np.concatenate([tone(), SILENCE, tone()]), RATE_HZ) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


def test_peaks_are_rounded_and_never_clipped() -> None:
    spiky = tone(0.05)
    spiky[::400] = 1.0
    assert np.abs(amplified(spiky, 8.0)).max() < 0.9
