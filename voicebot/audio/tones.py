"""Tones that are computed, never recorded: keys, ringback, beeps."""

import numpy as np
from numpy.typing import NDArray

from voicebot.core.frames import SAMPLE_RATE_HZ

_KEY_ROWS_HZ = (697, 770, 852, 941)  # ITU-T Q.23
_KEY_COLUMNS_HZ = (1209, 1336, 1477, 1633)
_KEYS = "123A456B789C*0#D"
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


def key_tone(key: str, duration_ms: float = 100.0, level_dbfs: float = -12.0) -> bytes:
    """The two sines of a telephone key (0-9, *, #, A-D). Raises ValueError for any other."""
    at = _KEYS.find(key) if len(key) == 1 else -1
    if at < 0:
        raise ValueError(f"{key!r} is no telephone key")
    return tone((_KEY_ROWS_HZ[at // 4], _KEY_COLUMNS_HZ[at % 4]), duration_ms, level_dbfs)


def ringback(duration_ms: float = 5000.0, level_dbfs: float = -16.0) -> bytes:
    """What a caller in China hears while the other side rings."""
    second = tone((RINGBACK_HZ,), 1000, level_dbfs)
    cycle = second + bytes(4 * len(second))
    wanted = 2 * round(duration_ms * SAMPLE_RATE_HZ / 1000)
    return (cycle * (wanted // len(cycle) + 1))[:wanted]


def beep(duration_ms: float = 150.0, level_dbfs: float = -18.0) -> bytes:
    """A short, friendly 800 Hz."""
    return tone((800,), duration_ms, level_dbfs, fade_ms=10)
