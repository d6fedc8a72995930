"""How loud a frame is, and how loud the room behind the caller is."""

import math

import numpy as np
from numpy.typing import NDArray

_INT16, _FLOAT32 = np.dtype("<i2"), np.dtype(np.float32)  # made once: numpy reads a name again in every call
FULL_SCALE = 32768.0
SILENCE_DBFS = -96.0
"""What a frame of zeros is said to be: one step below the quietest int16 signal."""
HOLE_MS = 200.0
"""Digital silence of this length is how the line sounds, such as a muted telephone's; less is a hole."""


def decibels(amplitude: float) -> float:
    """An amplitude in int16 steps as dB relative to full scale, never below `SILENCE_DBFS`."""
    return max(SILENCE_DBFS, 20 * math.log10(amplitude / FULL_SCALE)) if amplitude > 0 else SILENCE_DBFS


def rms_dbfs(pcm: bytes) -> float:
    """Root mean square of int16 PCM in dBFS (a full-scale square wave is 0)."""
    samples = np.frombuffer(pcm, _INT16).astype(_FLOAT32)
    return decibels(math.sqrt(float(samples.dot(samples)) / len(samples))) if len(samples) else SILENCE_DBFS


def levels_db(signal: NDArray[np.float32], step: int) -> NDArray[np.float64]:
    """Level of each ``step`` samples of a whole recording (float, full scale 1) in dB, at least -90."""
    rows = signal[: len(signal) // step * step].reshape(-1, step)
    return np.asarray(10 * np.log10(np.mean(np.square(rows), axis=1) + 1e-9))


class NoiseFloor:
    """The level of the room, learned slowly and forgotten slowly.

    Falls at once half of the way towards a quieter frame (at most to -75 dBFS, so that comfort noise and
    digital silence do not make it useless) and climbs by ``rise_db_per_s`` while frames are louder, so that
    a sentence of five seconds lifts it by 5 dB at most. The idea of following minima is Martin's (2001).

    Less than `HOLE_MS` of digital silence is a hole in the audio, where a packet was lost or late, and says nothing of
    the room: the floor would lie below the room's own noise for the many seconds that it takes to climb back.
    """

    def __init__(self, start_dbfs: float = -55.0, rise_db_per_s: float = 1.0, lowest_dbfs: float = -75.0):
        self._start = start_dbfs
        self._rise_per_s = rise_db_per_s
        self._lowest = lowest_dbfs
        self.dbfs = start_dbfs
        self._void_ms = 0.0  # of digital silence up to now

    def push(self, level_dbfs: float, duration_ms: float = 20.0) -> float:
        """Take one frame's level; return the floor in dBFS."""
        self._void_ms = self._void_ms + duration_ms if level_dbfs <= SILENCE_DBFS else 0.0
        if 0.0 < self._void_ms < HOLE_MS:
            return self.dbfs
        if level_dbfs < self.dbfs:
            self.dbfs = max(self._lowest, (self.dbfs + level_dbfs) / 2)
        else:
            self.dbfs = min(level_dbfs, self.dbfs + self._rise_per_s * duration_ms / 1000)
        return self.dbfs

    def reset(self) -> None:
        """Forget the room."""
        self.dbfs = self._start
        self._void_ms = 0.0
