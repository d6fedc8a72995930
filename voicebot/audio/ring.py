"""The last seconds of a call, so that the beginning of a turn can be fetched after it was noticed."""

from voicebot.core.frames import AudioFrame


class SampleRing:
    """A bounded buffer of int16 samples that knows where on the call's time line they stand.

    When it is full the oldest samples go. A gap between frames is filled with silence; samples that are
    already there (a late or repeated frame) are dropped.
    """

    def __init__(self, capacity_samples: int):
        if capacity_samples <= 0:
            raise ValueError("a ring needs room for at least one sample")
        self._capacity = capacity_samples
        self._buffer = bytearray(2 * capacity_samples)
        self._start = 0
        self._end = 0

    @property
    def start(self) -> int:
        """Position of the oldest sample kept."""
        return self._start

    @property
    def end(self) -> int:
        """Position just behind the newest sample."""
        return self._end

    def push(self, frame: AudioFrame) -> None:
        """Add a frame."""
        if self._start == self._end:
            self._start = self._end = frame.position
        pcm, position = frame.pcm, frame.position
        if position < self._end:
            pcm, position = pcm[2 * (self._end - position) :], self._end
        if position > self._end:
            self._write(bytes(2 * min(position - self._end, self._capacity)), position)
        if pcm:
            self._write(pcm, position + len(pcm) // 2)

    def _write(self, pcm: bytes, end: int) -> None:
        pcm = pcm[-2 * self._capacity :]
        at = 2 * ((end - len(pcm) // 2) % self._capacity)
        first = min(len(pcm), len(self._buffer) - at)
        self._buffer[at : at + first] = pcm[:first]
        self._buffer[: len(pcm) - first] = pcm[first:]
        self._end = end
        self._start = max(self._start, end - self._capacity)

    def read(self, start: int, end: int) -> bytes:
        """PCM of the samples in ``[start, end)`` that are still here; ask `start` where the answer begins."""
        start, end = max(start, self._start), min(end, self._end)
        if start >= end:
            return b""
        low, high = 2 * (start % self._capacity), 2 * (end % self._capacity)
        if low < high:
            return bytes(self._buffer[low:high])
        return bytes(self._buffer[low:]) + bytes(self._buffer[:high])
