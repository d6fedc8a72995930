"""From melody to buzz, and from spectra back to samples: the signal processing around the generator."""

import numpy as np
from numpy.typing import NDArray

from voicebot.tts.kokoro.layers import BINS, HARMONICS

Array = NDArray[np.float32]

RATE_HZ = 24_000
FRAME_SAMPLES = 300
"""A frame of the decoder: 12.5 ms."""
_HOP = 5
_WINDOW_SAMPLES = 20
_VOICED_HZ = 10.0
_AMPLITUDE = np.float32(0.1)
_TURN = 2 * np.pi

_POINTS = np.arange(_WINDOW_SAMPLES)
_WINDOW = (0.5 - 0.5 * np.cos(_TURN * _POINTS / _WINDOW_SAMPLES)).astype(np.float32)
_ANGLES = _TURN * np.outer(_POINTS, np.arange(BINS)) / _WINDOW_SAMPLES
_FOURIER = (np.concatenate([np.cos(_ANGLES), -np.sin(_ANGLES)], axis=1) * _WINDOW[:, None]).astype(np.float32)


def harmonic_phases(pitch_hz: Array) -> NDArray[np.float64]:
    """Phases of the harmonics at the middle of each frame, shape (frames, 9), running on through the whole clause."""
    cycles = np.mod(pitch_hz[:, None].astype(np.float64) * np.arange(1, HARMONICS + 1) / RATE_HZ, 1)
    return np.asarray(np.cumsum(cycles, axis=0) * (_TURN * FRAME_SAMPLES))


def buzz(pitch_hz: Array, phases: NDArray[np.float64], mix: Array, bias: float, begin: int, end: int) -> Array:
    """What the vocal folds do from frame ``begin`` to ``end``: magnitudes and phases, shape (60 frames + 1, 22)."""
    place = (np.arange(FRAME_SAMPLES * begin, FRAME_SAMPLES * end) + 0.5) / FRAME_SAMPLES - 0.5
    before = np.clip(np.floor(place).astype(np.int64), 0, len(pitch_hz) - 1)
    after = np.minimum(before + 1, len(pitch_hz) - 1)
    share = np.clip(place - before, 0, 1)[:, None]
    phase = phases[before] * (1 - share) + phases[after] * share
    voiced = np.repeat(pitch_hz[begin:end] > _VOICED_HZ, FRAME_SAMPLES)[:, None]
    waves = np.sin(np.mod(phase, _TURN).astype(np.float32)) * _AMPLITUDE * voiced
    samples = np.pad(np.tanh(waves @ mix + np.float32(bias)), _WINDOW_SAMPLES // 2, mode="reflect")
    spectrum = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW_SAMPLES)[::_HOP] @ _FOURIER
    real, imaginary = spectrum[:, :BINS], spectrum[:, BINS:]
    return np.concatenate([np.hypot(real, imaginary), np.arctan2(imaginary, real)], axis=1).astype(np.float32)


def samples_of(spectrum: Array) -> Array:
    """Samples at 24 kHz of a generator's output (columns, 22): log magnitudes, then phases before their sine."""
    columns = len(spectrum)
    bins = np.exp(spectrum[:, :BINS]) * np.exp(1j * np.sin(spectrum[:, BINS:]))
    pieces = np.fft.irfft(bins, _WINDOW_SAMPLES, axis=1).astype(np.float32) * _WINDOW
    samples = np.zeros(_HOP * (columns + 3), np.float32)
    for start in range(0, _WINDOW_SAMPLES, _HOP):
        samples[start : start + _HOP * columns] += pieces[:, start : start + _HOP].reshape(-1)
    return samples[_WINDOW_SAMPLES // 2 :][: _HOP * (columns - 1)]
