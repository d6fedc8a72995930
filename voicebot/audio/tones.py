"""Tones that are computed, never recorded."""

import numpy as np
from numpy.typing import NDArray

from voicebot.core.frames import SAMPLE_RATE_HZ

RINGBACK_HZ = 450  # GB/T 3380: one second on, four off


def tone(
    frequencies_hz: tuple[float, ...], duration_ms: float, level_dbfs: float = -12.0, fade_ms: float = 4.0
) -> bytes:
    """8 kHz int16 PCM of equally loud sines, ``level_dbfs`` RMS together, faded at both ends against clicks."""
    count = round(duration_ms * SAMPLE_RATE_HZ / 1000)
    time_s: NDArray[np.float64] = np.arange(count) / SAMPLE_RATE_HZ
    wave = np.zeros(count)
    for frequency_hz in frequencies_hz:
        wave += np.sin(2 * np.pi * frequency_hz * time_s)
    amplitude = 32768 * 10 ** (level_dbfs / 20) * np.sqrt(2 / max(1, len(frequencies_hz)))
    fade = min(round(fade_ms * SAMPLE_RATE_HZ / 1000), count // 2)
    envelope = np.ones(count)
    if fade:
        ramp = (np.arange(fade) + 1) / (fade + 1)
        envelope[:fade], envelope[-fade:] = ramp, ramp[::-1]
    pcm: bytes = np.clip(np.rint(wave * envelope * amplitude), -32768, 32767).astype("<i2").tobytes()
    return pcm


def ringback(duration_ms: float = 5000.0, level_dbfs: float = -16.0) -> bytes:
    """What a caller in China hears while the other side rings."""
    second = tone((RINGBACK_HZ,), 1000, level_dbfs)
    cycle = second + bytes(4 * len(second))
    wanted = 2 * round(duration_ms * SAMPLE_RATE_HZ / 1000)
    return (cycle * (wanted // len(cycle) + 1))[:wanted]
