"""A clean recording as a telephone would bring it: gain, noise, band, A-law, lost packets, drawn at random."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample as resample_fft

from asr.adaptation.clips import RATE_HZ, Signal
from voicebot.audio.narrowband import babble, lose, mix, resample, telephone
from voicebot.core.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ

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
        if rng.random() < _SPEED_SHARE:
            signal = resample_fft(signal, round(len(signal) / rng.uniform(*_SPEED))).astype(np.float32)
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


def coloured_noise(length: int, *, exponent: float, rng: np.random.Generator) -> Signal:
    """Noise whose power falls with frequency to the ``exponent``: 0 white, 1 pink (rooms), 2 brown (traffic)."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequency: NDArray[np.float64] = np.maximum(np.fft.rfftfreq(length), 1 / max(1, length))
    wave = np.fft.irfft(spectrum / frequency ** (exponent / 2), length)
    return (0.1 * wave / (np.std(wave) + 1e-12)).astype(np.float32)
