"""When the good judge of speech may sleep."""

import numpy as np

from tests.support.vowels import spoken
from voicebot.audio.g711 import decode_a_law, encode_a_law
from voicebot.audio.vad import GatedDetector
from voicebot.core.frames import FRAME_BYTES, FRAME_SAMPLES, SILENT_FRAME


def _hiss(count: int, level_dbfs: float = -62.0) -> list[bytes]:
    """Frames of a quiet telephone line."""
    noise = np.random.default_rng(3).normal(0, 32768 * 10 ** (level_dbfs / 20), count * FRAME_SAMPLES)
    pcm = decode_a_law(encode_a_law(noise.astype("<i2").tobytes()))
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]


def test_a_hole_in_a_quiet_line_does_not_wake_the_judge() -> None:
    detector = GatedDetector()
    for frame in _hiss(100):
        detector.push(frame)
    asleep = detector.windows
    for number, frame in enumerate(_hiss(1000)):
        detector.push(SILENT_FRAME if number % 100 < 2 else frame)  # two packets of every hundred are lost
    assert detector.windows == asleep


def test_a_voice_behind_a_hole_is_heard() -> None:
    detector = GatedDetector()
    for frame in [*_hiss(100), *[SILENT_FRAME] * 5]:
        detector.push(frame)
    voice = spoken(800)
    heard = [detector.push(voice[at : at + FRAME_BYTES]) for at in range(0, len(voice) - FRAME_BYTES + 1, FRAME_BYTES)]
    assert sum(probability >= 0.5 for probability in heard) > 0.7 * len(heard)
