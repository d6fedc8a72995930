"""Telephone audio: 20 ms frames of 8 kHz linear PCM, placed on the call's own time line."""

from dataclasses import dataclass

SAMPLE_RATE_HZ = 8000
FRAME_MS = 20
FRAME_SAMPLES = SAMPLE_RATE_HZ * FRAME_MS // 1000
FRAME_BYTES = FRAME_SAMPLES * 2
SILENT_FRAME = bytes(FRAME_BYTES)


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """Mono little-endian int16 PCM at 8 kHz.

    ``position`` is the index of the first sample, counted from the moment the call was answered.
    """

    pcm: bytes
    position: int

    @property
    def samples(self) -> int:
        """Number of samples in the frame."""
        return len(self.pcm) // 2

    @property
    def end(self) -> int:
        """Position just behind the last sample."""
        return self.position + self.samples


def ms_to_samples(ms: float) -> int:
    """Milliseconds to samples at 8 kHz, rounded to the nearest sample."""
    return round(ms * SAMPLE_RATE_HZ / 1000)


def samples_to_ms(samples: int) -> float:
    """Samples at 8 kHz to milliseconds."""
    return samples * 1000 / SAMPLE_RATE_HZ
