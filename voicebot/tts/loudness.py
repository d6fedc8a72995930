"""A voice made fit for the telephone: no silence before it, one loudness, nothing clipped."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

_WINDOW_MS = 10
_SPEECH_BELOW_PEAK_DB = 40.0
_LIMIT = 10 ** (-1.0 / 20)  # peaks stay 1 dB below full scale, so that A-law does not clip


def _levels(samples: Samples, rate_hz: int) -> tuple[NDArray[np.float64], int]:
    """Mean square of each 10 ms window, and the window's length in samples."""
    window = rate_hz * _WINDOW_MS // 1000
    whole = len(samples) // window * window
    return np.square(samples[:whole].astype(np.float64)).reshape(-1, window).mean(axis=1), window


def trim(samples: Samples, rate_hz: int, *, lead_ms: int = 20, tail_ms: int = 120) -> Samples:
    """Without the silence at both ends, but for ``lead_ms`` before and ``tail_ms`` after the voice.

    Silence is what lies 40 dB below the loudest 10 ms. A signal without sound comes back empty.
    """
    levels, window = _levels(samples, rate_hz)
    if not len(levels) or levels.max() <= 0:
        return samples[:0]
    loud = np.flatnonzero(levels > levels.max() * 10 ** (-_SPEECH_BELOW_PEAK_DB / 10))
    start = max(0, loud[0] * window - lead_ms * rate_hz // 1000)
    end = (loud[-1] + 1) * window + tail_ms * rate_hz // 1000
    return samples[start:end]


def at_level(samples: Samples, rate_hz: int, level_dbfs: float) -> Samples:
    """The voice at ``level_dbfs`` RMS while it speaks (pauses do not count).

    What the gain lifts above -1 dBFS is rounded off by a tangent curve above half the limit rather than cut: speech has
    peaks 12 to 18 dB above its RMS.
    """
    levels, _ = _levels(samples, rate_hz)
    if not len(levels) or levels.max() <= 0:
        return samples
    speaking = levels[levels > levels.max() * 10 ** (-_SPEECH_BELOW_PEAK_DB / 20)]
    gain = 10 ** (level_dbfs / 20) / np.sqrt(speaking.mean())
    louder = samples * np.float32(gain)
    knee = np.float32(_LIMIT / 2)
    over = np.abs(louder) > knee
    if over.any():
        excess = (np.abs(louder[over]) - knee) / (_LIMIT - knee)
        louder[over] = np.sign(louder[over]) * (knee + (_LIMIT - knee) * np.tanh(excess))
    return louder
