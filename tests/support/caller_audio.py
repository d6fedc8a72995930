"""Audio as a line brings it: frames of 20 ms."""

from collections.abc import Iterator
from pathlib import Path

import soundfile

from voicebot.audio.narrowband import telephone, to_pcm
from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES, AudioFrame

FIXTURES = Path(__file__).resolve().parents[2] / "audio_fixtures"


def framed(pcm: bytes, position: int = 0) -> Iterator[AudioFrame]:
    """The PCM in whole frames, the first one at ``position``; what is left over is silence."""
    pcm += bytes(-len(pcm) % FRAME_BYTES)
    for number, at in enumerate(range(0, len(pcm), FRAME_BYTES)):
        yield AudioFrame(pcm[at : at + FRAME_BYTES], position + number * FRAME_SAMPLES)


def over_the_telephone(path: Path) -> bytes:
    """A recording as 8 kHz PCM that has passed a telephone."""
    signal, rate_hz = soundfile.read(path, dtype="float32")
    return to_pcm(telephone(signal, rate_hz))
