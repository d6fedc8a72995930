"""A voice made fit for the telephone: no silence around it, one loudness, nothing clipped."""

import numpy as np
import soxr
from numpy.typing import NDArray

from voicebot.core.frames import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]

_WINDOW_MS = 10
_SPEECH_BELOW_PEAK_DB = 40.0
_LIMIT = 10 ** (-1.0 / 20)  # peaks stay 1 dB below full scale, so that A-law does not clip


def _levels(samples: Samples, rate_hz: int) -> tuple[NDArray[np.float64], int]:
    """Mean square of each 10 ms window, and the window's length in samples."""
    window = rate_hz * _WINDOW_MS // 1000
    whole = len(samples) // window * window
    return np.square(samples[:whole].astype(np.float64)).reshape(-1, window).mean(axis=1), window


def speaking_rms(samples: Samples, rate_hz: int) -> float:
    """RMS while the voice speaks; pauses do not count, nor does what lies 20 dB below the loudest 10 ms."""
    levels, _ = _levels(samples, rate_hz)
    if not len(levels) or levels.max() <= 0:
        return 0.0
    return float(np.sqrt(levels[levels > levels.max() * 10 ** (-_SPEECH_BELOW_PEAK_DB / 20)].mean()))


def amplified(samples: Samples, gain: float) -> Samples:
    """Louder by a factor.

    What the gain lifts above -1 dBFS is rounded off by a tangent curve above half the limit rather than cut: speech has
    peaks 12 to 18 dB above its RMS.
    """
    louder = samples * np.float32(gain)
    knee = np.float32(_LIMIT / 2)
    over = np.abs(louder) > knee
    if over.any():
        excess = (np.abs(louder[over]) - knee) / (_LIMIT - knee)
        louder[over] = np.sign(louder[over]) * (knee + (_LIMIT - knee) * np.tanh(excess))
    return louder


class Narrowed:
    """A voice on its way to the telephone, piece by piece: 8 kHz, at a level, with the silence at both ends cut.

    ``rms`` is the level at which the voice is known to speak; what lies 40 dB below it is silence. ``lead_ms`` of the
    silence before the voice and ``tail_ms`` after it are kept.
    """

    def __init__(self, rate_hz: int, level_dbfs: float, rms: float, *, lead_ms: int = 20, tail_ms: int = 120):
        self._stream = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")
        self._gain = 10 ** (level_dbfs / 20) / rms
        self._floor = rms * 10 ** (-_SPEECH_BELOW_PEAK_DB / 20)
        self._lead = lead_ms * SAMPLE_RATE_HZ // 1000
        self._tail = tail_ms * SAMPLE_RATE_HZ // 1000
        self._begun = False
        self._held: Samples = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> bytes:
        """Float samples in, int16 PCM out: all but the silence that may turn out to be the end."""
        return self._through(self._stream.resample_chunk(samples))

    def finish(self) -> bytes:
        """The last of it."""
        last = self._through(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))
        return last + (self._pcm(self._held[: self._tail]) if self._begun else b"")

    def _through(self, samples: Samples) -> bytes:
        held = np.concatenate([self._held, samples])
        levels, window = _levels(held, SAMPLE_RATE_HZ)
        loud = np.flatnonzero(levels > self._floor**2)
        if not len(loud):
            self._held = held if self._begun else held[-self._lead - window :]
            return b""
        begin = 0 if self._begun else max(0, int(loud[0]) * window - self._lead)
        end = (int(loud[-1]) + 1) * window
        self._begun, self._held = True, held[end:]
        return self._pcm(held[begin:end])

    def _pcm(self, samples: Samples) -> bytes:
        return (amplified(samples, self._gain) * 32767).astype("<i2").tobytes()
