"""A clean recording as a telephone would bring it: gain, noise, band, A-law, lost packets, drawn at random."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len
from scipy.signal import resample as resample_fft

from asr.adaptation.clips import RATE_HZ, Signal
from voicebot.audio.level import levels_db
from voicebot.audio.narrowband import babble, lose, mix, resample, telephone
from voicebot.core.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ

_TRIMMED_SHARE = 0.6  # people who read aloud wait before and after; a turn is cut near its first and last sound
_AUDIBLE_DB = 35.0
_LEAD_S, _TAIL_S = (0.05, 0.4), (0.05, 0.5)
_TELEPHONE_SHARE = 0.85  # the rest stays wide, so that wide-band recordings do not get worse
_NOISE_SHARE = 0.45
_SPEED_SHARE = 0.4
_SPEED = (0.9, 1.1)
_LOSS_SHARE = 0.1
_GAIN_DB = (-14.0, 3.0)
_SNR_DB = (6.0, 25.0)


class Augmenter:
    """Draws one telephone for each clip."""

    def __init__(self, crowd: Sequence[Signal]):
        """``crowd`` holds voices (16 kHz) that the babble is made of; without any there is only steady noise."""
        self._crowd = [signal for signal in crowd if len(signal) > RATE_HZ]

    def __call__(self, signal: Signal, rng: np.random.Generator) -> Signal:
        """The clip (float32, 16 kHz) spoken a little faster or slower, after one random telephone; 16 kHz again."""
        if rng.random() < _TRIMMED_SHARE:
            signal = trimmed(signal, round(rng.uniform(*_LEAD_S) * RATE_HZ), round(rng.uniform(*_TAIL_S) * RATE_HZ))
        if rng.random() < _SPEED_SHARE:
            signal = at_speed(signal, rng.uniform(*_SPEED))
        voice: Signal = signal * np.float32(10 ** (rng.uniform(*_GAIN_DB) / 20))
        if rng.random() < _NOISE_SHARE:
            voice = mix(voice, self._noise(len(voice), rng), rng.uniform(*_SNR_DB))
        voice = np.clip(voice, -1, 1).astype(np.float32)
        if rng.random() >= _TELEPHONE_SHARE:
            return np.asarray(voice, np.float32)
        narrow = telephone(voice, RATE_HZ, band=bool(rng.random() < 0.7))
        if rng.random() < _LOSS_SHARE:
            packets = len(narrow) // FRAME_SAMPLES
            narrow = lose(narrow, np.flatnonzero(rng.random(packets) < 0.03).tolist())
        wide = resample(narrow, SAMPLE_RATE_HZ, RATE_HZ)
        return np.asarray(np.pad(wide, (0, max(0, len(signal) - len(wide))))[: len(signal)], np.float32)

    def _noise(self, length: int, rng: np.random.Generator) -> Signal:
        kind = rng.random()
        if self._crowd and kind < 0.6:
            chosen = rng.choice(len(self._crowd), size=int(rng.integers(2, 9)))
            return babble([self._crowd[at] for at in chosen], length, rng)
        return coloured_noise(length, exponent=float(rng.uniform(0, 2)), rng=rng)


def at_speed(signal: Signal, speed: float) -> Signal:
    """About ``speed`` times as fast, and as much higher; some zeros at the end, for lengths that an FFT likes."""
    padded = np.pad(signal, (0, next_fast_len(len(signal)) - len(signal)))
    return np.asarray(resample_fft(padded, next_fast_len(round(len(padded) / speed))), np.float32)


def trimmed(signal: Signal, lead: int, tail: int) -> Signal:
    """The signal from ``lead`` samples before its first audible 20 ms to ``tail`` samples behind its last."""
    step = RATE_HZ // 50
    levels = levels_db(signal, step)
    if not len(levels):
        return signal
    audible = np.flatnonzero(levels > levels.max() - _AUDIBLE_DB)
    return signal[max(0, audible[0] * step - lead) : (audible[-1] + 1) * step + tail]


def coloured_noise(length: int, *, exponent: float, rng: np.random.Generator) -> Signal:
    """Noise whose power falls with frequency to the ``exponent``: 0 white, 1 pink (rooms), 2 brown (traffic)."""
    count = next_fast_len(max(1, length))
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency: NDArray[np.float64] = np.maximum(np.fft.rfftfreq(count), 1 / count)
    wave = np.fft.irfft(spectrum / frequency ** (exponent / 2), count)[:length]
    return (0.1 * wave / (np.std(wave) + 1e-12)).astype(np.float32)
