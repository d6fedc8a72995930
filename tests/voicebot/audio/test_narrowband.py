import numpy as np
import pytest

from voicebot.audio.narrowband import babble, from_pcm, lose, mix, power, resample, telephone, to_pcm


def sine(frequency_hz: float, rate_hz: int = 16000, seconds: float = 0.5) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * frequency_hz * np.arange(round(rate_hz * seconds)) / rate_hz)).astype(np.float32)


def level_db(signal: np.ndarray) -> float:
    return float(10 * np.log10(power(signal[800:]) + 1e-12))


def test_the_telephone_keeps_a_voice_and_drops_the_rest() -> None:
    reference = level_db(telephone(sine(1000), 16000))
    assert level_db(telephone(sine(60), 16000)) < reference - 30
    assert level_db(telephone(sine(5500), 16000)) < reference - 40
    assert level_db(telephone(sine(3000), 16000)) > reference - 3


def test_without_the_band_low_sounds_stay() -> None:
    assert level_db(telephone(sine(120), 16000, band=False)) == pytest.approx(level_db(sine(120)), abs=0.5)


@pytest.mark.parametrize("snr_db", [0, 10, 20])
def test_noise_comes_at_the_ratio_that_was_asked_for(snr_db: float) -> None:
    rng = np.random.default_rng(1)
    voice, noise = sine(500), rng.standard_normal(3000).astype(np.float32)
    behind = mix(voice, noise, snr_db, start=100) - voice
    assert 10 * np.log10(power(voice) / power(behind)) == pytest.approx(snr_db, abs=0.1)


def test_no_noise_changes_nothing() -> None:
    voice = sine(500)
    assert mix(voice, np.zeros(0, np.float32), 10) is voice
    assert mix(voice, np.zeros(10, np.float32), 10) is voice


def test_babble_is_as_long_and_as_loud_as_it_should_be() -> None:
    rng = np.random.default_rng(2)
    crowd = babble([sine(300), sine(700), np.zeros(5, np.float32)], 4000, rng)
    assert len(crowd) == 4000
    assert np.sqrt(power(crowd)) == pytest.approx(0.1, rel=0.01)
    assert not babble([], 100, rng).any()
    assert len(babble([], 0, rng)) == 0


def test_lost_packets_are_silent_and_no_others() -> None:
    voice = np.ones(800, np.float32)
    broken = lose(voice, [1, 3, 99])
    assert [float(broken[at * 160]) for at in range(5)] == [1, 0, 1, 0, 1]
    assert voice.all()


def test_pcm_goes_there_and_back() -> None:
    assert np.abs(from_pcm(to_pcm(sine(440))) - sine(440)).max() < 1e-4
    assert to_pcm(np.array([2.0, -2.0], np.float32)) == np.array([32767, -32768], "<i2").tobytes()


def test_the_same_rate_is_left_alone() -> None:
    voice = sine(440)
    assert resample(voice, 16000, 16000) is voice
    assert len(resample(voice, 16000, 8000)) == len(voice) // 2
