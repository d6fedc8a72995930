"""Stateful resampling between 8 kHz and its multiples, frame in, frame out.

A polyphase FIR filter with a delay of about 3 ms at every ratio. soxr's stream keeps 25 to 137 ms back and
then hands out several frames at once (measured at its qualities LQ to HQ with 20 ms frames), which a
conversation hears; its QQ has no delay and no filter. For whole recordings soxr stays the better choice.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_PASS_HZ = 3400
_STOP_HZ = 4000
_STOP_DB = 60.0
_BLOCK = 20  # turns of the filter in one matrix row; divides the 160 of a 20 ms frame


@lru_cache
def _lowpass(ratio: int) -> NDArray[np.float32]:
    """Low-pass taps at ``ratio`` times 8 kHz, unity gain, by the window method (Kaiser 1974)."""
    rate_hz = 8000 * ratio
    width = 2 * np.pi * (_STOP_HZ - _PASS_HZ) / rate_hz
    taps = int(np.ceil((_STOP_DB - 8) / (2.285 * width)))
    taps += -taps % ratio  # whole phases
    beta = 0.1102 * (_STOP_DB - 8.7)
    offset = np.arange(taps) - (taps - 1) / 2
    cutoff = (_PASS_HZ + _STOP_HZ) / rate_hz
    impulse: NDArray[np.float64] = np.sinc(cutoff * offset) * np.kaiser(taps, beta)
    return np.asarray(impulse / impulse.sum(), np.float32)


def _block_matrix(taps: NDArray[np.float32], ratio: int, *, up: bool) -> NDArray[np.float32]:
    """The filter as a matrix: a row of samples times it gives `_BLOCK` turns of the filter at once.

    One small dense product for each block keeps the arithmetic in BLAS; sliding windows over the samples
    were ten times slower.
    """
    # Going up, phase p of the output needs taps p, p + ratio, ...; reversed because a row runs forward in time.
    turn = taps.reshape(-1, ratio)[::-1] * np.float32(ratio) if up else taps[::-1, None]
    step, outputs = 1 if up else ratio, turn.shape[1]
    matrix = np.zeros((len(turn) + (_BLOCK - 1) * step, _BLOCK * outputs), np.float32)
    for at in range(_BLOCK):
        matrix[at * step : at * step + len(turn), at * outputs : (at + 1) * outputs] = turn
    return matrix


class Resampler:
    """Mono int16 PCM from one rate to another; one of them is 8 kHz, the other a whole multiple of it."""

    def __init__(self, source_hz: int, target_hz: int):
        low, high = sorted((source_hz, target_hz))
        if low != 8000 or high % low:
            raise ValueError(f"cannot resample {source_hz} to {target_hz} Hz: one must be 8000, the other a multiple")
        self._ratio = high // low
        self._up = target_hz > source_hz
        taps = _lowpass(self._ratio)
        self._keep = (len(taps) // self._ratio if self._up else len(taps)) - 1
        self._step = 1 if self._up else self._ratio  # samples taken for each turn of the filter
        self._block = _block_matrix(taps, self._ratio, up=self._up)
        self._history = np.zeros(self._keep, np.float32)

    @property
    def delay_ms(self) -> float:
        """How much later a sound leaves than it came in."""
        return (len(_lowpass(self._ratio)) - 1) / 2 / (8 * self._ratio)

    def push(self, pcm: bytes) -> bytes:
        """Take any number of samples, return what they give at once; the remainder waits for the next push."""
        if not pcm:
            return b""
        fresh = np.frombuffer(pcm, "<i2")
        if self._ratio == 1:
            return pcm
        samples = np.concatenate((self._history, fresh.astype(np.float32)))
        count = (len(samples) - self._keep) // self._step
        self._history = samples[count * self._step :].copy()
        blocks = -(-count // _BLOCK)
        length, width = blocks * _BLOCK * self._step, len(self._block)
        padded = np.zeros(length + self._keep, np.float32)
        padded[: len(samples)] = samples[: len(padded)]
        stride = padded.strides[0]
        rows = np.lib.stride_tricks.as_strided(
            padded, (blocks, width), (stride * _BLOCK * self._step, stride), writeable=False
        )
        out = (np.ascontiguousarray(rows) @ self._block).ravel()[: count * (self._ratio if self._up else 1)]
        return bytes(np.clip(np.rint(out), -32768, 32767).astype("<i2").tobytes())

    def flush(self) -> bytes:
        """The last samples still inside the filter; the resampler is then as new."""
        tail_samples = int(np.ceil(self.delay_ms * 8)) * self._step
        tail = self.push(bytes(2 * tail_samples))
        self._history = np.zeros(self._keep, np.float32)
        return tail
