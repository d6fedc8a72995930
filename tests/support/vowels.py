"""Computed sounds that voice detectors take for a voice, so that tests need no recording.

A pulse train with a gliding pitch through three formants, in syllables: a source-filter voice in the manner
of Klatt (1980), far from natural but voiced, modulated and harmonic.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

RATE_HZ = 8000


def spoken(duration_ms: float, *, level_dbfs: float = -20.0, seed: int = 0) -> bytes:
    """8 kHz int16 PCM of babbled vowels."""
    rng = np.random.default_rng(seed)
    count = round(duration_ms * RATE_HZ / 1000)
    time_s = np.arange(count) / RATE_HZ
    pitch_hz = 140 + 30 * np.sin(2 * np.pi * 1.1 * time_s) + 8 * np.sin(2 * np.pi * 4.3 * time_s)
    phase = np.cumsum(pitch_hz) / RATE_HZ
    source = np.diff(np.floor(phase), prepend=0.0) + 0.01 * rng.standard_normal(count)
    out = np.zeros(count)
    syllable = round(0.22 * RATE_HZ)
    vowels = ((700, 1200, 2600), (300, 2300, 3000), (350, 800, 2400), (500, 1800, 2500))
    for number, start in enumerate(range(0, count, syllable)):
        piece = source[start : start + syllable]
        voice: NDArray[np.float64] = piece
        for formant_hz in vowels[number % len(vowels)]:
            radius = np.exp(-np.pi * 90 / RATE_HZ)
            angle = 2 * np.pi * formant_hz / RATE_HZ
            voice = lfilter([1.0], [1.0, -2 * radius * np.cos(angle), radius**2], voice)
        envelope = np.sin(np.pi * (np.arange(len(piece)) + 1) / (syllable + 1)) ** 0.5
        out[start : start + len(piece)] = voice / (np.std(voice) + 1e-9) * envelope
    scale = 32768 * 10 ** (level_dbfs / 20) / (np.sqrt(np.mean(out**2)) + 1e-9)
    return np.clip(np.rint(out * scale), -32768, 32767).astype("<i2").tobytes()
