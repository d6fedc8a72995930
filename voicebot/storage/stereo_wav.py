"""A stereo WAV that grows in place: both sides of a call, each sample where it was on the call's time line.

After every `flush` the file is a valid WAV of everything so far, so a process that is killed leaves
at most the samples since the last flush behind. Blocking; not thread-safe.
"""

import os
import struct
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np

from voicebot.core.frames import SAMPLE_RATE_HZ
from voicebot.storage.sealed import Keys, SealedFile, is_sealed

HEADER_BYTES = 44
LEFT, RIGHT = 0, 1
_FRAME_BYTES = 4  # two channels of int16
_KEEP_SAMPLES = SAMPLE_RATE_HZ  # audio that comes up to 1 s late still finds its place
_JUMP_SAMPLES = 60 * SAMPLE_RATE_HZ  # a longer hole is left to the file system instead of being held in memory


class StereoWav:
    """8 kHz int16, left and right; positions count samples since answer."""

    def __init__(self, path: Path, keys: Keys | None = None):
        """``keys``: encrypt the file with the newest of them."""
        self._file: BinaryIO | SealedFile = SealedFile(path, keys, "x") if keys else path.open("xb")
        self._base = 0  # position of the window's first sample
        self._window = np.zeros((0, 2), dtype="<i2")
        self._ends = [0, 0]
        self._file.write(header(0))

    def __enter__(self) -> "StereoWav":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def samples(self) -> int:
        """Length so far, per channel."""
        return max(self._ends)

    def put(self, channel: int, position: int, pcm: bytes) -> None:
        """Place mono int16 PCM at a position. What overlaps the channel's earlier audio moves behind it.

        The bot's audio is reported once per caller frame, up to a frame late; moving keeps every
        sample of a sentence, and the next pause puts the clock right again.
        """
        samples = np.frombuffer(pcm, dtype="<i2")
        start = max(position, self._ends[channel], self._base)
        end = start + len(samples)
        if start - (self._base + len(self._window)) > _JUMP_SAMPLES:
            self.flush()
            self._base, self._window = start, np.zeros((0, 2), dtype="<i2")
        missing = end - (self._base + len(self._window))
        if missing > 0:
            self._window = np.concatenate([self._window, np.zeros((missing, 2), dtype="<i2")])
        self._window[start - self._base : end - self._base, channel] = samples
        self._ends[channel] = end

    def flush(self) -> None:
        """Bring the file up to date."""
        self._file.seek(HEADER_BYTES + self._base * _FRAME_BYTES)
        self._file.write(self._window.tobytes())
        self._file.seek(0)
        self._file.write(header(self.samples * _FRAME_BYTES))
        self._file.flush()
        retired = max(0, len(self._window) - _KEEP_SAMPLES)
        self._base += retired
        self._window = self._window[retired:]

    def close(self) -> None:
        """Flush, bring it to the disk, and let go of the file."""
        if self._file.closed:
            return
        try:
            self.flush()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()


def header(data_bytes: int) -> bytes:
    """The 44 bytes of a canonical PCM WAV header (RIFF, two channels, 8 kHz, 16 bits)."""
    byte_rate = SAMPLE_RATE_HZ * _FRAME_BYTES
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, SAMPLE_RATE_HZ, byte_rate, _FRAME_BYTES, 16)
    riff = struct.pack("<4sI4s", b"RIFF", HEADER_BYTES - 8 + data_bytes, b"WAVE")
    return riff + form + struct.pack("<4sI", b"data", data_bytes)


def repair(path: Path, keys: Keys | None = None) -> float:
    """Make the header tell the true length of a file whose writer died; returns the seconds it holds."""
    if is_sealed(path):
        return _repair_sealed(path, keys or Keys(()))
    with path.open("r+b") as file:
        whole_frames = max(0, path.stat().st_size - HEADER_BYTES) // _FRAME_BYTES
        file.truncate(HEADER_BYTES + whole_frames * _FRAME_BYTES)
        file.write(header(whole_frames * _FRAME_BYTES))
    return whole_frames / SAMPLE_RATE_HZ


def _repair_sealed(path: Path, keys: Keys) -> float:
    file = SealedFile(path, keys, "r+")
    try:
        file.mend()
        whole_frames = max(0, file.size - HEADER_BYTES) // _FRAME_BYTES
        file.truncate(HEADER_BYTES + whole_frames * _FRAME_BYTES)
        file.seek(0)
        file.write(header(whole_frames * _FRAME_BYTES))
    finally:
        file.close()
    return whole_frames / SAMPLE_RATE_HZ
