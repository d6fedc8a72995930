"""Whether somebody's tone is in what somebody else heard."""

import numpy as np
from numpy.typing import NDArray

from voicebot.core.frames import SAMPLE_RATE_HZ

_WINDOW = 1600  # 200 ms


def seconds_of(hz: float, heard: bytes | NDArray[np.int16]) -> float:
    """For how long a tone was heard: windows of 200 ms in which it stands far out of what is beside it."""
    samples = np.frombuffer(heard, "<i2") if isinstance(heard, bytes) else heard
    count = 0
    for at in range(0, len(samples) - _WINDOW + 1, _WINDOW):
        spectrum = np.abs(np.fft.rfft(samples[at : at + _WINDOW].astype(float) * np.hanning(_WINDOW)))
        bin_hz = SAMPLE_RATE_HZ / _WINDOW
        around = spectrum[round(hz / bin_hz) - 2 : round(hz / bin_hz) + 3].max()
        count += bool(around > 100_000 and around > 20 * np.median(spectrum))
    return count * _WINDOW / SAMPLE_RATE_HZ
