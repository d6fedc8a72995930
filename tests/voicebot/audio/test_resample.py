import numpy as np
import pytest

from voicebot.audio.resample import Resampler

RATES = [(8000, 16000), (8000, 24000), (8000, 48000), (16000, 8000), (24000, 8000), (48000, 8000), (8000, 8000)]


def sine(frequency_hz: float, rate_hz: int, seconds: float = 0.5) -> bytes:
    time_s = np.arange(round(rate_hz * seconds)) / rate_hz
    return np.rint(12000 * np.sin(2 * np.pi * frequency_hz * time_s)).astype("<i2").tobytes()


def spectrum_db(pcm: bytes, rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    wave = np.frombuffer(pcm, "<i2").astype(float)[rate_hz // 20 : -rate_hz // 20]
    power = np.abs(np.fft.rfft(wave * np.blackman(len(wave)))) ** 2
    return np.fft.rfftfreq(len(wave), 1 / rate_hz), 10 * np.log10(power / power.max() + 1e-12)


@pytest.mark.parametrize(("source_hz", "target_hz"), RATES)
def test_a_tone_stays_the_same_tone_alone(source_hz: int, target_hz: int) -> None:
    frequencies, level = spectrum_db(Resampler(source_hz, target_hz).push(sine(1000, source_hz)), target_hz)
    assert abs(frequencies[level.argmax()] - 1000) < 5
    assert level[np.abs(frequencies - 1000) > 60].max() < -55


@pytest.mark.parametrize(("source_hz", "target_hz"), RATES)
@pytest.mark.parametrize("chunk", [1, 37, 160, 441])
def test_pieces_sound_like_the_whole(source_hz: int, target_hz: int, chunk: int) -> None:
    pcm = sine(700, source_hz, 0.1)
    whole = np.frombuffer(Resampler(source_hz, target_hz).push(pcm), "<i2").astype(int)
    piecewise = Resampler(source_hz, target_hz)
    pieces = b"".join(piecewise.push(pcm[at : at + 2 * chunk]) for at in range(0, len(pcm), 2 * chunk))
    assert np.abs(np.frombuffer(pieces, "<i2").astype(int) - whole).max() <= 1  # float rounding only


@pytest.mark.parametrize(("source_hz", "target_hz"), RATES)
def test_one_frame_in_is_one_frame_out(source_hz: int, target_hz: int) -> None:
    resampler = Resampler(source_hz, target_hz)
    frame = bytes(2 * source_hz // 50)
    assert {len(resampler.push(frame)) for _ in range(10)} == {2 * target_hz // 50}


@pytest.mark.parametrize("rate_hz", [16000, 24000, 48000])
def test_what_the_telephone_cannot_carry_does_not_fold_back(rate_hz: int) -> None:
    loud = np.frombuffer(Resampler(rate_hz, 8000).push(sine(5000, rate_hz)), "<i2").astype(float)[400:]
    assert np.sqrt(np.mean(loud**2)) < 12  # 12000 / sqrt(2) less 57 dB


def test_the_delay_is_what_it_says() -> None:
    resampler = Resampler(8000, 16000)
    click = np.zeros(800, "<i2")
    click[100] = 20000
    out = np.abs(np.frombuffer(resampler.push(click.tobytes()), "<i2").astype(int))
    assert out.argmax() / 16 - 100 / 8 == pytest.approx(resampler.delay_ms, abs=0.1)
    assert resampler.delay_ms < 4


def test_flushing_brings_the_rest_and_begins_anew() -> None:
    resampler = Resampler(16000, 8000)
    tone = sine(1000, 16000, 0.1)
    first = resampler.push(tone) + resampler.flush()
    assert len(first) // 2 >= 800 + int(resampler.delay_ms * 8)
    assert resampler.push(tone) + resampler.flush() == first


def test_nothing_in_is_nothing_out() -> None:
    assert Resampler(8000, 16000).push(b"") == b""


@pytest.mark.parametrize(("source_hz", "target_hz"), [(8000, 11025), (16000, 48000), (44100, 8000)])
def test_rates_it_was_not_made_for_are_refused(source_hz: int, target_hz: int) -> None:
    with pytest.raises(ValueError, match="cannot resample"):
        Resampler(source_hz, target_hz)
