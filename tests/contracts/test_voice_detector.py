"""What every `VoiceDetector` promises, fake and real."""

from collections.abc import Callable

import pytest

from tests.fakes.voice_detector import LoudnessDetector
from tests.support.vowels import spoken
from voicebot.audio.vad import GatedDetector, SileroDetector, WebrtcGate
from voicebot.core.frames import FRAME_BYTES, SILENT_FRAME
from voicebot.core.ports import VoiceDetector

DETECTORS: list[Callable[[], VoiceDetector]] = [LoudnessDetector, WebrtcGate, SileroDetector, GatedDetector]


def frames(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES + 1, FRAME_BYTES)]


@pytest.fixture(params=DETECTORS, ids=lambda kind: kind.__name__)
def detector(request: pytest.FixtureRequest) -> VoiceDetector:
    made: VoiceDetector = request.param()
    return made


def test_silence_is_not_speech(detector: VoiceDetector) -> None:
    heard = [detector.push(SILENT_FRAME) for _ in range(50)]
    assert max(heard) < 0.35


def test_a_voice_is_speech(detector: VoiceDetector) -> None:
    for _ in range(10):
        detector.push(SILENT_FRAME)
    heard = [detector.push(frame) for frame in frames(spoken(1500))]
    assert sum(probability >= 0.5 for probability in heard) > 0.7 * len(heard)


def test_probabilities_stay_between_zero_and_one(detector: VoiceDetector) -> None:
    heard = [detector.push(frame) for frame in frames(spoken(600, level_dbfs=0) + spoken(600, level_dbfs=-50))]
    assert all(0.0 <= probability <= 1.0 for probability in heard)


def test_after_a_reset_the_same_sound_is_heard_the_same_way(detector: VoiceDetector) -> None:
    sound = frames(bytes(3200) + spoken(700))
    first = [detector.push(frame) for frame in sound]
    detector.reset()
    assert [detector.push(frame) for frame in sound] == pytest.approx(first, abs=1e-5)
